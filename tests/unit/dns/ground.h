/* SPDX-License-Identifier: MIT */
/* A resolver in virtual time, with a carrier that writes down what happens as a story:
 *
 *   udp 10.0.0.1 AAAA www.example.com      a message was given out to be carried
 *   = 2001:db8::1 192.0.2.1                a lookup ended with these addresses
 *   = ERR_NO_NAME                          ... or with this error
 *
 * expect() compares the story since the last expect(). The carrier checks on the way that each
 * exchange is forgotten once and never heard of again, that ids and numbers differ, and that no
 * deadline comes too early. */
#ifndef WGPROXY_TESTS_UNIT_DNS_GROUND_H
#define WGPROXY_TESTS_UNIT_DNS_GROUND_H

#include "unit/test.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"
#include "dns/resolver.h"
#include "unit/dns/reply.h"
#include "unit/seeded.h"

#define GROUND_CARRIED_MAX 512
#define ANY_FAMILY FAMILY_NONE

struct carried {
    uint32_t exchange;
    bool open;
    enum resolver_carry kind;
    struct endpoint server;
    uint8_t query[300];
    size_t len;
};

struct ground {
    struct resolver *resolver;
    struct now now;
    uint64_t seed;
    struct carried carried[GROUND_CARRIED_MAX];
    size_t n_carried;
    unsigned n_done;
    size_t story_len;
    char story[65536];
};

static inline void ground_write(struct ground *g, const char *text)
{
    size_t n = strlen(text);
    assert_true(g->story_len + n < sizeof g->story);
    memcpy(g->story + g->story_len, text, n + 1);
    g->story_len += n;
}

static inline void ground_done(void *ctx, int err, const struct addr *addrs, size_t n,
                               struct now now)
{
    struct ground *g = ctx;
    char text[ADDR_TEXT];
    assert_true(now.mono == g->now.mono);
    assert_true((err == 0) == (n > 0));
    g->n_done++;
    ground_write(g, "=");
    for (size_t i = 0; i < n; i++) {
        ground_write(g, " ");
        ground_write(g, addr_format(&addrs[i], text));
    }
    if (err != 0) {
        ground_write(g, " ");
        ground_write(g, err_name(err));
    }
    ground_write(g, "\n");
}

static inline struct carried *ground_find(struct ground *g, uint32_t exchange)
{
    for (size_t i = 0; i < g->n_carried; i++) {
        if (g->carried[i].exchange == exchange) {
            return &g->carried[i];
        }
    }
    return NULL;
}

static inline void ground_carry(struct ground *g, const struct resolver_output *out)
{
    char name[256], server[ADDR_TEXT], line[400];
    assert_null(ground_find(g, out->exchange));
    assert_true(g->n_carried < GROUND_CARRIED_MAX);
    assert_int_equal(out->server.port, 53);
    struct carried *c = &g->carried[g->n_carried++];
    *c = (struct carried){.exchange = out->exchange,
                          .open = true,
                          .kind = out->kind,
                          .server = out->server,
                          .len = out->len};
    assert_true(out->len <= sizeof c->query);
    memcpy(c->query, out->message, out->len);
    query_name(c->query, name);
    snprintf(line, sizeof line, "%s %s %s %s%s\n", out->kind == RESOLVER_TCP ? "tcp" : "udp",
             addr_format(&out->server.addr, server), query_type(c->query) == WIRE_A ? "A" : "AAAA",
             name, load_be16(c->query + 10) == 0 ? " plain" : "");
    ground_write(g, line);
}

/* What the program's turn does: tick when due, carry what there is. */
static inline void ground_turn(struct ground *g)
{
    struct resolver_output out;
    do {
        if (resolver_next_deadline(g->resolver) <= g->now.mono) {
            resolver_tick(g->resolver, g->now);
        }
        while (resolver_next_output(g->resolver, &out)) {
            if (out.kind == RESOLVER_FORGET) {
                struct carried *c = ground_find(g, out.exchange);
                assert_non_null(c);
                assert_true(c->open);
                c->open = false;
            } else {
                ground_carry(g, &out);
            }
        }
    } while (resolver_next_deadline(g->resolver) <= g->now.mono);
}

static inline struct ground *ground_start(const char *servers, const char *search, const char *want)
{
    struct addr addrs[8];
    const char *domains[8];
    size_t n_addrs = 0, n_domains = 0;
    char copy[2][400], *save = NULL;
    snprintf(copy[0], sizeof copy[0], "%s", servers);
    snprintf(copy[1], sizeof copy[1], "%s", search);
    for (char *p = strtok_r(copy[0], " ", &save); p != NULL; p = strtok_r(NULL, " ", &save)) {
        assert_true(addr_parse(&addrs[n_addrs++], p));
    }
    for (char *p = strtok_r(copy[1], " ", &save); p != NULL; p = strtok_r(NULL, " ", &save)) {
        domains[n_domains++] = p;
    }
    struct ground *g = calloc(1, sizeof *g);
    assert_non_null(g);
    g->seed = 7;
    g->now = (struct now){.mono = 1000 * NS_PER_S, .wall = 5};
    const struct resolver_config config = {
        .servers = addrs,
        .n_servers = n_addrs,
        .search = domains,
        .n_search = n_domains,
        .want_v4 = strchr(want, '4') != NULL,
        .want_v6 = strchr(want, '6') != NULL,
        .rng = seeded_rng(&g->seed),
    };
    assert_int_equal(resolver_new(&g->resolver, &config), 0);
    return g;
}

static inline void ground_expect(struct ground *g, const char *story)
{
    assert_string_equal(g->story, story);
    g->story_len = 0;
    g->story[0] = '\0';
}

/* Nothing may be left: neither time nor messages. */
static inline void ground_is_at_rest(struct ground *g)
{
    ground_turn(g);
    ground_expect(g, "");
    assert_true(resolver_next_deadline(g->resolver) == NEVER);
    for (size_t i = 0; i < g->n_carried; i++) {
        assert_false(g->carried[i].open);
    }
}

static inline void ground_stop(struct ground *g)
{
    resolver_free(g->resolver);
    free(g);
}

static inline struct resolver_query *ground_lookup(struct ground *g, const char *name)
{
    struct resolver_query *q = NULL;
    assert_int_equal(resolver_lookup(g->resolver, name, ground_done, g, &q, g->now), 0);
    assert_non_null(q);
    ground_turn(g);
    return q;
}

/* Let time pass, stopping at each deadline; just before it nothing may happen. */
static inline void ground_wait(struct ground *g, uint64_t ns)
{
    uint64_t until = g->now.mono + ns;
    for (;;) {
        uint64_t deadline = resolver_next_deadline(g->resolver);
        if (deadline > until) {
            g->now.mono = until;
            resolver_tick(g->resolver, g->now);
            ground_turn(g);
            return;
        }
        assert_true(deadline > g->now.mono);
        size_t before = g->story_len;
        g->now.mono = deadline - 1;
        resolver_tick(g->resolver, g->now);
        assert_int_equal(g->story_len, before);
        assert_true(resolver_next_deadline(g->resolver) == deadline);
        g->now.mono = deadline;
        ground_turn(g);
    }
}

/* The latest message under way that asks for `family`. */
static inline struct carried *ground_under_way(struct ground *g, enum family family)
{
    for (size_t i = g->n_carried; i > 0; i--) {
        struct carried *c = &g->carried[i - 1];
        bool is_v4 = query_type(c->query) == WIRE_A;
        if (c->open && (family == ANY_FAMILY || is_v4 == (family == FAMILY_V4))) {
            return c;
        }
    }
    fail_msg("nothing is under way");
    return NULL;
}

static inline void ground_receive(struct ground *g, uint32_t exchange, const uint8_t *message,
                                  size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1); /* so that a sanitizer sees a read past the end */
    assert_non_null(exact);
    memcpy(exact, message, len);
    resolver_receive(g->resolver, exchange, exact, len, g->now);
    free(exact);
    ground_turn(g);
}

static inline void ground_answer(struct ground *g, enum family family, unsigned rcode,
                                 const char *lines)
{
    static struct reply reply;
    struct carried *c = ground_under_way(g, family);
    reply_make(&reply, c->query, rcode, lines);
    ground_receive(g, c->exchange, reply.bytes, reply.len);
}

static inline void ground_answer_truncated(struct ground *g, enum family family)
{
    static struct reply reply;
    struct carried *c = ground_under_way(g, family);
    reply_make(&reply, c->query, RCODE_OK, "");
    reply.bytes[2] |= 0x02;
    ground_receive(g, c->exchange, reply.bytes, reply.len);
}

static inline void ground_fail(struct ground *g, enum family family, int err)
{
    struct carried *c = ground_under_way(g, family);
    resolver_fail(g->resolver, c->exchange, err, g->now);
    ground_turn(g);
}

#endif
