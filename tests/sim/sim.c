/* SPDX-License-Identifier: MIT */
/* The clock, the events and the hosts of the simulated world. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/seeded.h"
#include "unit/test.h"

struct sim_event {
    struct sim_event *next;
    uint64_t at;
    sim_event_fn *fn;
    void *arg;
    void *owner;
};

/* ---- events ---- */

void sim_schedule(struct sim *s, uint64_t at_mono, sim_event_fn *fn, void *arg, void *owner)
{
    struct sim_event *e = malloc(sizeof *e);
    *e = (struct sim_event){.at = at_mono, .fn = fn, .arg = arg, .owner = owner};
    struct sim_event **p = &s->events;
    while (*p != NULL && (*p)->at <= at_mono) {
        p = &(*p)->next;
    }
    e->next = *p;
    *p = e;
}

void sim_unschedule(struct sim *s, const void *owner)
{
    for (struct sim_event **p = &s->events; *p != NULL;) {
        struct sim_event *e = *p;
        if (e->owner == owner) {
            *p = e->next;
            free(e->arg);
            free(e);
        } else {
            p = &e->next;
        }
    }
}

/* ---- record ---- */

void sim_record(struct sim *s, unsigned from, const uint8_t *data, size_t len, bool lost)
{
    if (s->n_wire == s->wire_size) {
        s->wire_size = s->wire_size != 0 ? s->wire_size * 2 : 1024;
        s->wire = realloc(s->wire, s->wire_size * sizeof *s->wire);
    }
    s->wire[s->n_wire++] = (struct sim_wire){
        .at = sim_time(s),
        .from = (uint8_t)from,
        .type = len > 0 ? data[0] : 0,
        .len = (uint16_t)len,
        .lost = lost,
    };
    if (s->talk) {
        printf("%9.3f %-6s sends type %u, %zu bytes%s\n", (double)sim_time(s) / 1e9, s->hosts[from].name,
               len > 0 ? data[0] : 0u, len, lost ? " (lost)" : "");
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
    uint64_t h = UINT64_C(1469598103934665603); /* FNV-1a */
    for (size_t i = 0; i < s->n_wire; i++) {
        const struct sim_wire *w = &s->wire[i];
        uint64_t words[3] = {w->at, (uint64_t)w->from << 8 | w->type, (uint64_t)w->len << 1 | w->lost};
        const uint8_t *p = (const uint8_t *)words;
        for (size_t j = 0; j < sizeof words; j++) {
            h = (h ^ p[j]) * UINT64_C(1099511628211);
        }
    }
    return h;
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
        printf("%9.3f %-6s %s: %s\n", (double)sim_time(h->sim) / 1e9, h->name, log_level_name(level), line);
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
    h->env = (struct env){.ops = &sim_env_ops, .world = h, .rng = s->rng, .log = &h->log};
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
    rxbuf_pool_init(&s->pool, 65536, 4);
    host_init(s, 0, "client", "192.0.2.1");
    host_init(s, 1, "far", "192.0.2.2");
    return s;
}

static void config_says(void *ctx, bool is_error, const char *message)
{
    (void)ctx;
    if (is_error) {
        fail_msg("%s", message);
    }
}

static void turn(struct sim_host *h)
{
    if (h->app != NULL) {
        h->deadline = app_turn(h->app, h->sim->now);
    }
}

void sim_host_on(struct sim *s, unsigned host, const char *text, bool socks)
{
    struct sim_host *h = &s->hosts[host];
    struct config *c;
    assert_null(h->app);
    assert_int_equal(config_parse(&c, h->name, text, strlen(text), config_says, NULL), 0);
    assert_int_equal(app_new(&h->app, &h->env), 0);
    assert_int_equal(app_add_tunnel(h->app, c, NULL, NULL, &h->tunnel, s->now), 0);
    if (socks) {
        struct endpoint at = {.port = 1080}, bound;
        assert_int_equal(app_add_socks(h->app, h->tunnel, &at, &bound), 0);
    }
    config_free(c);
    app_start(h->app, s->now);
    turn(h);
}

void sim_host_off(struct sim *s, unsigned host)
{
    struct sim_host *h = &s->hosts[host];
    struct sim_weather kept = h->out;
    h->out.down = true; /* a host that loses power says nothing more */
    app_free(h->app, s->now);
    h->out = kept;
    h->app = NULL;
    h->tunnel = NULL;
    h->deadline = NEVER;
    assert_true(list_empty(&h->ports) && list_empty(&h->listeners) && list_empty(&h->streams));
}

void sim_free(struct sim *s)
{
    for (unsigned i = 0; i < SIM_HOSTS; i++) {
        if (s->hosts[i].app != NULL) {
            sim_host_off(s, i);
        }
    }
    while (s->events != NULL) {
        struct sim_event *e = s->events;
        s->events = e->next;
        free(e->arg);
        free(e);
    }
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

static uint64_t next_time(const struct sim *s)
{
    uint64_t at = s->events != NULL ? s->events->at : NEVER;
    for (unsigned i = 0; i < SIM_HOSTS; i++) {
        at = deadline_min(at, s->hosts[i].deadline);
    }
    return at < s->now.mono ? s->now.mono : at;
}

/* One event, or the turns that time alone made due. */
static void step(struct sim *s, uint64_t at)
{
    set_clock(s, at);
    struct sim_event *e = s->events;
    if (e != NULL && e->at <= at) {
        s->events = e->next;
        e->fn(s, e->arg);
        free(e);
    } else {
        for (unsigned i = 0; i < SIM_HOSTS; i++) {
            s->hosts[i].wakes += s->hosts[i].deadline <= at;
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
