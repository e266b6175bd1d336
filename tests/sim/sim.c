/* SPDX-License-Identifier: MIT */
/* The clock, the events and the hosts of the simulated world. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_client.h"
#include "unit/seeded.h"
#include "unit/test.h"

/* ---- events ---- */

void sim_schedule(struct sim *s, uint64_t at_mono, sim_event_fn *fn, void *arg, const void *owner)
{
    sim_events_push(&s->events, at_mono, fn, arg, owner);
}

void sim_unschedule(struct sim *s, const void *owner)
{
    sim_events_cancel(&s->events, owner);
}

static void nothing(struct sim *s, void *arg)
{
    (void)s;
    (void)arg;
}

void sim_stir(struct sim *s, uint64_t at)
{
    sim_schedule(s, s->start + at, nothing, NULL, NULL);
}

/* ---- record ---- */

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ p[i]) * UINT64_C(1099511628211); /* FNV-1a */
    }
    return h;
}

static void keep(struct sim *s, const struct sim_wire *w)
{
    if (s->n_wire == s->wire_size) {
        s->wire_size = s->wire_size != 0 ? s->wire_size * 2 : 1024;
        s->wire = realloc(s->wire, s->wire_size * sizeof *s->wire);
    }
    s->wire[s->n_wire++] = *w;
}

void sim_record(struct sim *s, unsigned from, const uint8_t *data, size_t len, bool lost)
{
    struct sim_wire w = {
        .at = sim_time(s),
        .from = (uint8_t)from,
        .type = len > 0 ? data[0] : 0,
        .len = (uint16_t)len,
        .lost = lost,
    };
    uint64_t facts[2] = {w.at, (uint64_t)w.from << 1 | lost};
    s->hosts[from].datagrams++;
    s->fingerprint = mix(mix(s->fingerprint, facts, sizeof facts), data, len);
    if (!s->forgetful) {
        keep(s, &w);
    }
    if (s->talk) {
        printf("%9.3f %-6s sends type %u, %zu bytes%s\n", (double)w.at / 1e9, s->hosts[from].name,
               w.type, len, lost ? " (lost)" : "");
    }
}

unsigned sim_sent(const struct sim *s, unsigned host, unsigned type, uint64_t from, uint64_t to)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->n_wire; i++) {
        const struct sim_wire *w = &s->wire[i];
        n += w->from == host && (type == 0 || w->type == type) && w->at >= from && w->at < to;
    }
    return n;
}

uint64_t sim_when(const struct sim *s, unsigned host, unsigned type, unsigned n, uint64_t from)
{
    for (size_t i = 0; i < s->n_wire; i++) {
        const struct sim_wire *w = &s->wire[i];
        if (w->from == host && w->type == type && w->at >= from && n-- == 0) {
            return w->at;
        }
    }
    return NEVER;
}

uint64_t sim_fingerprint(const struct sim *s)
{
    return s->fingerprint;
}

/* ---- hosts ---- */

static void host_says(void *ctx, enum log_level level, const char *line)
{
    struct sim_host *h = ctx;
    size_t n = strlen(line);
    h->said = realloc(h->said, h->said_len + n + 2);
    memcpy(h->said + h->said_len, line, n);
    memcpy(h->said + h->said_len + n, "\n", 2);
    h->said_len += n + 1;
    if (h->sim->talk) {
        printf("%9.3f %-6s %s: %s\n", (double)sim_time(h->sim) / 1e9, h->name,
               log_level_name(level), line);
    }
}

unsigned sim_said(const struct sim *s, unsigned host, const char *part)
{
    unsigned n = 0;
    for (const char *p = s->hosts[host].said; p != NULL && (p = strstr(p, part)) != NULL; n++) {
        p += strcspn(p, "\n");
    }
    return n;
}

static void host_init(struct sim *s, unsigned number, const char *name, const char *address)
{
    struct sim_host *h = &s->hosts[number];
    *h = (struct sim_host){.sim = s, .number = number, .name = name, .deadline = NEVER};
    assert_true(addr_parse(&h->address, address));
    h->log = (struct log){.level = LOG_DEBUG, .write = host_says, .ctx = h};
    h->env = (struct env){.ops = &sim_env_ops,
                          .world = h,
                          .rng = s->rng,
                          .log = &h->log,
                          .parallel = &h->shuffler.parallel};
    shuffler_init(&h->shuffler, 3, 0);
    h->out = (struct sim_weather){.delay = 10 * NS_PER_MS};
    list_init(&h->ports);
    list_init(&h->listeners);
    list_init(&h->streams);
}

struct sim *sim_new(uint64_t seed)
{
    struct sim *s = calloc(1, sizeof *s);
    s->start = 1000 * NS_PER_S;
    s->now = (struct now){.mono = s->start, .wall = SIM_WALL_START};
    s->seed = seed;
    s->rng = seeded_rng(&s->seed);
    s->talk = getenv("SIM_TALK") != NULL;
    s->fingerprint = UINT64_C(1469598103934665603);
    rxbuf_pool_init(&s->pool, 65536, 4);
    host_init(s, 0, "client", "192.0.2.1");
    host_init(s, 1, "far", "192.0.2.2");
    host_init(s, 2, "third", "198.51.100.3");
    return s;
}

static void config_says(void *ctx, bool is_error, const char *message)
{
    (void)ctx;
    if (is_error) {
        fail_msg("%s", message);
    }
}

struct now sim_now(const struct sim_host *h)
{
    const struct now *n = &h->sim->now;
    return (struct now){.mono = n->mono, .wall = n->wall + (uint64_t)h->wall_ahead};
}

static void turn(struct sim_host *h)
{
    if (h->app != NULL && !h->asleep) {
        h->deadline = app_turn(h->app, sim_now(h));
    }
}

void sim_host_boot(struct sim *s, unsigned host)
{
    struct sim_host *h = &s->hosts[host];
    assert_null(h->app);
    assert_int_equal(app_new(&h->app, &h->env), 0);
}

struct tunnel *sim_host_add(struct sim *s, unsigned host, const char *name, const char *text,
                            struct tunnel *through, uint16_t socks_port)
{
    struct sim_host *h = &s->hosts[host];
    struct config *c;
    struct tunnel *t;
    assert_int_equal(config_parse(&c, h->name, text, strlen(text), config_says, NULL), 0);
    assert_int_equal(app_add_tunnel(h->app, c, name, through, &t, sim_now(h)), 0);
    if (socks_port != 0) {
        struct endpoint at = {.port = socks_port}, bound;
        assert_int_equal(app_add_socks(h->app, t, &at, &bound), 0);
    }
    config_free(c);
    h->tunnel = h->tunnel != NULL ? h->tunnel : t;
    return t;
}

void sim_host_start(struct sim *s, unsigned host)
{
    struct sim_host *h = &s->hosts[host];
    app_start(h->app, sim_now(h));
    turn(h);
}

void sim_host_on(struct sim *s, unsigned host, const char *text, bool socks)
{
    sim_host_boot(s, host);
    sim_host_add(s, host, NULL, text, NULL, socks ? SIM_SOCKS_PORT : 0);
    sim_host_start(s, host);
}

void sim_host_off(struct sim *s, unsigned host)
{
    struct sim_host *h = &s->hosts[host];
    struct sim_weather kept = h->out;
    h->out.down = true; /* a host that loses power says nothing more */
    app_free(h->app, sim_now(h));
    h->out = kept;
    h->app = NULL;
    h->tunnel = NULL;
    h->asleep = false;
    h->deadline = NEVER;
    assert_true(list_empty(&h->ports) && list_empty(&h->listeners) && list_empty(&h->streams));
}

void sim_host_sleep(struct sim *s, unsigned host)
{
    s->hosts[host].asleep = true;
}

void sim_host_wake(struct sim *s, unsigned host)
{
    struct sim_host *h = &s->hosts[host];
    h->asleep = false;
    sim_clients_wake(h);
    turn(h);
}

void sim_free(struct sim *s)
{
    for (unsigned i = 0; i < SIM_HOSTS; i++) {
        if (s->hosts[i].app != NULL) {
            sim_host_off(s, i);
        }
    }
    sim_events_fini(&s->events);
    for (unsigned i = 0; i < SIM_HOSTS; i++) {
        free(s->hosts[i].said);
    }
    rxbuf_pool_fini(&s->pool);
    free(s->wire);
    free(s);
}

/* ---- time ---- */

uint64_t sim_time(const struct sim *s)
{
    return s->now.mono - s->start;
}

static void set_clock(struct sim *s, uint64_t mono)
{
    assert_true(mono >= s->now.mono);
    s->now.wall += mono - s->now.mono;
    s->now.mono = mono;
}

static bool is_awake(const struct sim_host *h)
{
    return h->app != NULL && !h->asleep;
}

static uint64_t next_time(const struct sim *s)
{
    uint64_t at = sim_events_next(&s->events);
    for (unsigned i = 0; i < SIM_HOSTS; i++) {
        if (is_awake(&s->hosts[i])) {
            at = deadline_min(at, s->hosts[i].deadline);
        }
    }
    return at < s->now.mono ? s->now.mono : at;
}

/* One event, or the turns that time alone made due. */
static void step(struct sim *s, uint64_t at)
{
    set_clock(s, at);
    if (sim_events_next(&s->events) <= at) {
        struct sim_event e = sim_events_pop(&s->events);
        e.fn(s, e.arg);
    } else {
        for (unsigned i = 0; i < SIM_HOSTS; i++) {
            s->hosts[i].wakes += is_awake(&s->hosts[i]) && s->hosts[i].deadline <= at;
        }
    }
    for (unsigned i = 0; i < SIM_HOSTS; i++) {
        turn(&s->hosts[i]);
    }
}

bool sim_run_until(struct sim *s, bool (*done)(void *ctx), void *ctx, uint64_t at)
{
    unsigned same = 0;
    while (done == NULL || !done(ctx)) {
        uint64_t next = next_time(s);
        if (next > s->start + at) {
            set_clock(s, s->start + at);
            return false;
        }
        same = next == s->now.mono ? same + 1 : 0;
        assert_true(same < 100000); /* time stands still: somebody asks to be woken without end */
        step(s, next);
    }
    return true;
}

void sim_run_to(struct sim *s, uint64_t at)
{
    sim_run_until(s, NULL, NULL, at);
}

unsigned sim_chance(struct sim *s)
{
    return rng_below(&s->rng, 1000);
}
