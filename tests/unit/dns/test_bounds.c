/* SPDX-License-Identifier: MIT */
/* How a resolver begins and ends, what can be cancelled when, and how much there can be of
 * anything. */
#include "dns/resolver.h"

#include "unit/dns/ground.h"

/* Walk a lookup up to the `step`-th thing that happens to it. */
static void walk(struct ground *g, unsigned step)
{
    for (unsigned i = 0; i < step; i++) {
        switch (i) {
        case 0:
            ground_answer(g, FAMILY_V6, RCODE_FORMERR, "");
            break;
        case 1:
            ground_answer_truncated(g, FAMILY_V4);
            break;
        case 2:
            ground_wait(g, 2 * NS_PER_S);
            break;
        case 3:
            ground_answer(g, FAMILY_V6, RCODE_OK, "wiki.corp.lan CNAME 9 x.corp.lan");
            break;
        case 4:
            ground_answer(g, FAMILY_V6, RCODE_NXDOMAIN, "");
            break;
        case 5:
            ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
            break;
        case 6: /* now `wiki` itself, the last */
            ground_answer(g, FAMILY_V6, RCODE_OK, "wiki AAAA 60 2001:db8::1");
            break;
        default:
            break;
        }
    }
}

static void a_lookup_can_be_cancelled_at_each_step(void **state)
{
    (void)state;
    for (unsigned step = 0; step <= 7; step++) {
        for (int shared = 0; shared < 2; shared++) {
            struct ground *g = ground_start("10.0.0.1 10.0.0.2", "corp.lan", "46");
            struct resolver_query *q = ground_lookup(g, "wiki");
            if (shared) {
                ground_lookup(g, "wiki");
            }
            walk(g, step);
            unsigned before = g->n_done;
            assert_int_equal(before, 0);
            resolver_cancel(q);
            ground_wait(g, 100 * NS_PER_S);
            assert_int_equal(g->n_done, shared);
            g->story_len = 0;
            g->story[0] = '\0';
            ground_is_at_rest(g);
            ground_stop(g);
        }
    }
}

static void a_lookup_may_be_cancelled_before_its_messages_were_given_out(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    struct resolver_query *q;
    assert_int_equal(resolver_lookup(g->resolver, "www.example.com", ground_done, g, &q, g->now),
                     0);
    resolver_cancel(q);
    ground_is_at_rest(g); /* nothing to forget: the carrier never knew */
    assert_int_equal(g->n_carried, 0);
    ground_stop(g);
}

static void a_resolver_can_be_freed_at_each_step(void **state)
{
    (void)state;
    for (unsigned step = 0; step <= 7; step++) {
        struct ground *g = ground_start("10.0.0.1 10.0.0.2", "corp.lan", "46");
        ground_lookup(g, "wiki");
        walk(g, step);
        ground_stop(g);
    }
}

static void ignore_done(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    (void)ctx, (void)err, (void)addrs, (void)n, (void)now;
}

static void lookups_at_once_are_bounded(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    struct resolver_query *q, *first = NULL;
    char name[32];
    for (unsigned i = 0; i < 4096; i++) {
        snprintf(name, sizeof name, "host%u.example.com", i);
        assert_int_equal(resolver_lookup(g->resolver, name, ignore_done, NULL, &q, g->now), 0);
        first = first == NULL ? q : first;
    }
    assert_int_equal(resolver_lookup(g->resolver, "one.more", ignore_done, NULL, &q, g->now),
                     ERR_LIMIT);
    resolver_cancel(first);
    assert_int_equal(resolver_lookup(g->resolver, "one.more", ignore_done, NULL, &q, g->now), 0);
    ground_stop(g);
}

/* What is left to go on for the cache is bounded as well: a server that never answers one family
 * fills nothing. */
static void questions_that_nobody_wants_are_bounded(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    char name[32], answer[64];
    for (unsigned i = 0; i < 250; i++) {
        snprintf(name, sizeof name, "h%u.example", i);
        snprintf(answer, sizeof answer, "h%u.example A 60 192.0.2.1", i);
        ground_lookup(g, name);
        ground_answer(g, FAMILY_V4, RCODE_OK, answer);
    }
    ground_wait(g, NS_PER_S);
    assert_int_equal(g->n_done, 250);
    unsigned open = 0;
    for (size_t i = 0; i < g->n_carried; i++) {
        open += g->carried[i].open;
    }
    assert_int_equal(open, 250);

    struct ground *many = ground_start("10.0.0.1", "", "46");
    struct resolver_output out;
    struct resolver_query *q;
    static struct reply reply;
    int balance = 0;
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "h%u.example", i);
        snprintf(answer, sizeof answer, "h%u.example A 60 192.0.2.1", i);
        assert_int_equal(resolver_lookup(many->resolver, name, ignore_done, NULL, &q, many->now),
                         0);
        while (resolver_next_output(many->resolver, &out)) {
            balance += out.kind == RESOLVER_FORGET ? -1 : 1;
            if (out.kind != RESOLVER_FORGET && query_type(out.message) == WIRE_A) {
                reply_make(&reply, out.message, RCODE_OK, answer);
                resolver_receive(many->resolver, out.exchange, reply.bytes, reply.len, many->now);
            }
        }
    }
    many->now.mono += NS_PER_S;
    resolver_tick(many->resolver, many->now);
    while (resolver_next_output(many->resolver, &out)) {
        balance += out.kind == RESOLVER_FORGET ? -1 : 1;
    }
    assert_int_equal(balance, 256);
    ground_stop(many);
    ground_stop(g);
}

static void at_most_32_addresses_are_given(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    ground_lookup(g, "www.example.com");
    char v4[4096] = "", v6[4096] = "", line[64];
    for (unsigned i = 0; i < 40; i++) {
        snprintf(line, sizeof line, "www.example.com A 60 192.0.2.%u\n", i);
        strcat(v4, line);
        snprintf(line, sizeof line, "www.example.com AAAA 60 2001:db8::%x\n", i + 1);
        strcat(v6, line);
    }
    ground_answer(g, FAMILY_V4, RCODE_OK, v4);
    ground_answer(g, FAMILY_V6, RCODE_OK, v6);
    unsigned spaces = 0;
    const char *result = strchr(g->story, '=');
    for (const char *p = result; *p != '\0'; p++) {
        spaces += *p == ' ';
    }
    assert_int_equal(spaces, 32);
    static const char turns[] = "= 2001:db8::1 192.0.2.0 2001:db8::2 192.0.2.1 ";
    assert_int_equal(strncmp(result, turns, sizeof turns - 1), 0);
    ground_stop(g);
}

static void a_configuration_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct addr server = {.family = FAMILY_V4, .bytes = {10, 0, 0, 1}}, none = {0};
    const char *bad = "a..b", *good = "corp.lan";
    uint64_t seed = 1;
    const struct {
        struct resolver_config config;
        int err;
    } cases[] = {
        {{.servers = &server, .n_servers = 1, .want_v4 = true, .search = &good, .n_search = 1}, 0},
        {{.servers = &server, .n_servers = 0, .want_v4 = true}, ERR_INVALID},
        {{.servers = &server, .n_servers = 1}, ERR_INVALID},
        {{.servers = &none, .n_servers = 1, .want_v4 = true}, ERR_INVALID},
        {{.servers = &server, .n_servers = 1, .want_v4 = true, .search = &bad, .n_search = 1},
         ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct resolver_config config = cases[i].config;
        config.rng = seeded_rng(&seed);
        struct resolver *r = NULL;
        assert_int_equal(resolver_new(&r, &config), cases[i].err);
        assert_int_equal(r != NULL, cases[i].err == 0);
        if (r != NULL) {
            assert_true(resolver_next_deadline(r) == NEVER);
            resolver_free(r);
        }
    }
}

static void warn_once(void *ctx, enum log_level level, const char *line)
{
    assert_int_equal(level, LOG_WARN);
    assert_string_equal(line, "dns: only the first 32 servers are used");
    ++*(unsigned *)ctx;
}

static void more_than_32_servers_are_cut_with_a_warning(void **state)
{
    (void)state;
    struct addr servers[40];
    for (uint8_t i = 0; i < ARRAY_SIZE(servers); i++) {
        servers[i] = (struct addr){.family = FAMILY_V4, .bytes = {10, 0, 0, i}};
    }
    uint64_t seed = 1;
    unsigned warnings = 0, asked = 0;
    const struct log log = {.level = LOG_WARN, .write = warn_once, .ctx = &warnings};
    const struct resolver_config config = {.servers = servers,
                                           .n_servers = ARRAY_SIZE(servers),
                                           .want_v4 = true,
                                           .rng = seeded_rng(&seed),
                                           .log = &log};
    struct resolver *r;
    struct resolver_query *q;
    struct resolver_output out;
    struct now now = {.mono = NS_PER_S};
    assert_int_equal(resolver_new(&r, &config), 0);
    assert_int_equal(warnings, 1);
    assert_int_equal(resolver_lookup(r, "a.b", ignore_done, NULL, &q, now), 0);
    while (resolver_next_output(r, &out)) {
        if (out.kind != RESOLVER_FORGET) {
            assert_int_equal(out.server.addr.bytes[3], asked++);
            resolver_fail(r, out.exchange, ERR_UNREACHABLE, now);
        }
    }
    assert_int_equal(asked, 32);
    resolver_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_can_be_cancelled_at_each_step),
        cmocka_unit_test(a_lookup_may_be_cancelled_before_its_messages_were_given_out),
        cmocka_unit_test(a_resolver_can_be_freed_at_each_step),
        cmocka_unit_test(lookups_at_once_are_bounded),
        cmocka_unit_test(questions_that_nobody_wants_are_bounded),
        cmocka_unit_test(at_most_32_addresses_are_given),
        cmocka_unit_test(a_configuration_that_makes_no_sense_is_refused),
        cmocka_unit_test(more_than_32_servers_are_cut_with_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
