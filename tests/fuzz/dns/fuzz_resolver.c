/* SPDX-License-Identifier: MIT */
/* A resolver among servers that say anything. The input is a script of steps; most replies get the
 * id and the question of the query they answer, so that the fuzzer gets past both and into what
 * lies behind. Whatever is said, each lookup ends once, each message given out is forgotten once,
 * and in the end nothing is left to wait for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dns/resolver.h"
#include "unit/seeded.h"

#define CHECK(claim) ((claim) ? (void)0 : abort())

enum { LOOKUPS_MAX = 64, CARRIED_MAX = 512 };
enum step { STEP_LOOKUP, STEP_REPLY, STEP_RAW_REPLY, STEP_FAIL, STEP_WAIT, STEP_CANCEL, N_STEPS };

static const char *const names[] = {"www.example.com", "wiki",      "a.b.",       "x",
                                    "WWW.example.com", "localhost", "n.corp.lan", "b.c"};
static const int errors[] = {ERR_REFUSED, ERR_UNREACHABLE, ERR_NO_ROUTE,
                             ERR_RESET,   ERR_NO_FAMILY,   ERR_NOMEM};

struct script {
    const uint8_t *data;
    size_t len;
};

struct caller {
    struct resolver_query *query; /* NULL: ended */
};

struct carried {
    uint32_t exchange;
    bool open;
    uint8_t query[300];
    size_t len;
};

struct ground {
    struct resolver *resolver;
    struct now now;
    struct caller callers[LOOKUPS_MAX];
    size_t n_callers;
    struct carried carried[CARRIED_MAX];
    size_t n_carried;
};

static struct ground ground;

static uint8_t take(struct script *s)
{
    if (s->len == 0) {
        return 0;
    }
    s->len--;
    return *s->data++;
}

static void done(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct caller *c = ctx;
    (void)now;
    CHECK(c->query != NULL);
    CHECK((err == 0) == (n > 0) && n <= DNS_ADDRESSES_MAX);
    for (size_t i = 0; i < n; i++) {
        CHECK(addrs[i].family == FAMILY_V4 || addrs[i].family == FAMILY_V6);
    }
    c->query = NULL;
}

static struct carried *find(struct ground *g, uint32_t exchange)
{
    for (size_t i = g->n_carried; i > 0; i--) {
        if (g->carried[i - 1].exchange == exchange) {
            return &g->carried[i - 1];
        }
    }
    return NULL;
}

static void carry(struct ground *g, const struct resolver_output *out)
{
    struct carried *known = find(g, out->exchange);
    if (out->kind == RESOLVER_FORGET) {
        CHECK(known != NULL && known->open);
        known->open = false;
        return;
    }
    CHECK(known == NULL && out->len <= sizeof known->query && g->n_carried < CARRIED_MAX);
    struct carried *c = &g->carried[g->n_carried++];
    *c = (struct carried){.exchange = out->exchange, .open = true, .len = out->len};
    memcpy(c->query, out->message, out->len);
}

static void turn(struct ground *g)
{
    struct resolver_output out;
    resolver_tick(g->resolver, g->now);
    while (resolver_next_output(g->resolver, &out)) {
        carry(g, &out);
    }
    CHECK(resolver_next_deadline(g->resolver) > g->now.mono);
}

/* One of the messages given out, the latest first; mostly an open one. */
static struct carried *pick(struct ground *g, uint8_t which)
{
    return g->n_carried == 0 ? NULL : &g->carried[g->n_carried - 1 - which % g->n_carried];
}

static void look_up(struct ground *g, struct script *s)
{
    const char *name = names[take(s) % ARRAY_SIZE(names)];
    if (g->n_callers == LOOKUPS_MAX) {
        return;
    }
    struct caller *c = &g->callers[g->n_callers++];
    CHECK(resolver_lookup(g->resolver, name, done, c, &c->query, g->now) == 0);
}

/* The script gives the header behind the id, and what follows the question. */
static size_t dress(uint8_t *out, const struct carried *c, const uint8_t *body, size_t len)
{
    size_t question = 12;
    while (c->query[question] != 0) {
        question += 1u + c->query[question];
    }
    question += 5 - 12;
    size_t header = len < 10 ? len : 10;
    memset(out, 0, 12);
    memcpy(out, c->query, 2);
    memcpy(out + 2, body, header);
    out[2] = (out[2] & 0x07) | 0x80;
    memcpy(out + 4, "\0\1", 2);
    memcpy(out + 12, c->query + 12, question);
    memcpy(out + 12 + question, body + header, len - header);
    return 12 + question + len - header;
}

static void reply(struct ground *g, struct script *s, bool raw)
{
    struct carried *c = pick(g, take(s));
    size_t len = (size_t)take(s) << 4;
    len = len < s->len ? len : s->len;
    if (c != NULL) {
        uint8_t *message = malloc(len + sizeof c->query);
        CHECK(message != NULL);
        size_t n = raw ? len : dress(message, c, s->data, len);
        if (raw && len > 0) {
            memcpy(message, s->data, len);
        }
        uint8_t *exact = realloc(message, n > 0 ? n : 1);
        CHECK(exact != NULL);
        resolver_receive(g->resolver, c->exchange, exact, n, g->now);
        free(exact);
    }
    s->data += len;
    s->len -= len;
}

static void fail(struct ground *g, struct script *s)
{
    struct carried *c = pick(g, take(s));
    int err = errors[take(s) % ARRAY_SIZE(errors)];
    if (c != NULL) {
        resolver_fail(g->resolver, c->exchange, err, g->now);
    }
}

static void cancel(struct ground *g, struct script *s)
{
    struct caller *c = &g->callers[take(s) % LOOKUPS_MAX];
    if (c->query != NULL) {
        resolver_cancel(c->query);
        c->query = NULL;
    }
}

static void play(struct ground *g, struct script *s)
{
    switch (take(s) % N_STEPS) {
    case STEP_LOOKUP:
        look_up(g, s);
        break;
    case STEP_REPLY:
        reply(g, s, false);
        break;
    case STEP_RAW_REPLY:
        reply(g, s, true);
        break;
    case STEP_FAIL:
        fail(g, s);
        break;
    case STEP_WAIT:
        g->now.mono += take(s) * 40 * NS_PER_MS;
        break;
    default:
        cancel(g, s);
    }
    turn(g);
}

static void start(struct ground *g, uint64_t *seed, uint8_t how)
{
    static const struct addr servers[] = {{.family = FAMILY_V4, .bytes = {10, 0, 0, 1}},
                                          {.family = FAMILY_V4, .bytes = {10, 0, 0, 2}}};
    static const char *const domains[] = {"corp.lan", "example.com"};
    const struct resolver_config config = {
        .servers = servers,
        .n_servers = 1 + (how & 1),
        .search = domains,
        .n_search = how >> 1 & 1,
        .want_v4 = (how & 4) == 0 || (how & 8) != 0,
        .want_v6 = (how & 8) == 0,
        .rng = seeded_rng(seed),
    };
    memset(g->callers, 0, sizeof g->callers);
    g->n_callers = g->n_carried = 0;
    g->now = (struct now){.mono = NS_PER_S};
    CHECK(resolver_new(&g->resolver, &config) == 0);
}

/* Nobody says anything any more. */
static void finish(struct ground *g)
{
    for (uint64_t d = resolver_next_deadline(g->resolver); d != NEVER;
         d = resolver_next_deadline(g->resolver)) {
        g->now.mono = d;
        turn(g);
    }
    for (size_t i = 0; i < g->n_callers; i++) {
        CHECK(g->callers[i].query == NULL);
    }
    for (size_t i = 0; i < g->n_carried; i++) {
        CHECK(!g->carried[i].open);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = {.data = data, .len = size};
    uint64_t seed = 1;
    uint8_t how = take(&s);
    start(&ground, &seed, how);
    while (s.len > 0 && ground.n_carried < CARRIED_MAX / 2) {
        play(&ground, &s);
    }
    if ((how & 16) == 0) { /* the other lives end amid everything */
        finish(&ground);
    }
    resolver_free(ground.resolver);
    return 0;
}
