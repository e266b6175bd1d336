/* SPDX-License-Identifier: MIT */
#include "dns/resolver.h"

#include "unit/dns/ground.h"

#define BOTH "udp 10.0.0.1 AAAA www.example.com\nudp 10.0.0.1 A www.example.com\n"

static void a_name_is_asked_for_in_both_families_and_ipv6_comes_first(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    ground_lookup(g, "www.example.com");
    ground_expect(g, BOTH);
    ground_answer(g, FAMILY_V4, RCODE_OK,
                  "www.example.com A 60 192.0.2.1\nwww.example.com A 60 192.0.2.2\n");
    ground_expect(g, "");
    ground_answer(g, FAMILY_V6, RCODE_OK,
                  "www.example.com AAAA 60 2001:db8::1\nwww.example.com AAAA 60 2001:db8::2\n"
                  "www.example.com AAAA 60 2001:db8::3\n");
    ground_expect(g, "= 2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 2001:db8::3\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void only_the_families_of_the_tunnel_are_asked_for(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, "www.example.com");
    ground_expect(g, "udp 10.0.0.1 A www.example.com\n");
    ground_answer(g, FAMILY_V4, RCODE_OK, "www.example.com A 60 192.0.2.1");
    ground_expect(g, "= 192.0.2.1\n");
    ground_stop(g);

    g = ground_start("10.0.0.1", "", "6");
    ground_lookup(g, "www.example.com");
    ground_expect(g, "udp 10.0.0.1 AAAA www.example.com\n");
    ground_answer(g, FAMILY_V6, RCODE_OK, "www.example.com AAAA 60 2001:db8::1");
    ground_expect(g, "= 2001:db8::1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void the_second_family_is_waited_for_50_ms(void **state)
{
    (void)state;
    static const struct {
        enum family first;
        const char *answer, *result;
    } cases[] = {
        {FAMILY_V4, "www.example.com A 60 192.0.2.1", "= 192.0.2.1\n"},
        {FAMILY_V6, "www.example.com AAAA 60 2001:db8::1", "= 2001:db8::1\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ground *g = ground_start("10.0.0.1", "", "46");
        ground_lookup(g, "www.example.com");
        ground_expect(g, BOTH);
        ground_wait(g, 300 * NS_PER_MS);
        ground_answer(g, cases[i].first, RCODE_OK, cases[i].answer);
        assert_true(resolver_next_deadline(g->resolver) == g->now.mono + 50 * NS_PER_MS);
        ground_wait(g, 50 * NS_PER_MS - 1);
        ground_expect(g, "");
        ground_wait(g, 1);
        ground_expect(g, cases[i].result);
        ground_stop(g);
    }
}

static void the_family_that_came_too_late_is_known_next_time(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    ground_lookup(g, "www.example.com");
    ground_answer(g, FAMILY_V4, RCODE_OK, "www.example.com A 60 192.0.2.1");
    ground_wait(g, 50 * NS_PER_MS);
    ground_expect(g, BOTH "= 192.0.2.1\n");
    ground_answer(g, FAMILY_V6, RCODE_OK, "www.example.com AAAA 60 2001:db8::1");
    ground_lookup(g, "www.example.com");
    ground_expect(g, "= 2001:db8::1 192.0.2.1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void a_lookup_joins_a_family_that_is_still_on_its_way(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    ground_lookup(g, "www.example.com");
    ground_answer(g, FAMILY_V4, RCODE_OK, "www.example.com A 60 192.0.2.1");
    ground_wait(g, 50 * NS_PER_MS);
    ground_expect(g, BOTH "= 192.0.2.1\n");
    struct resolver_query *again = ground_lookup(g, "www.example.com");
    ground_expect(g, ""); /* A is known, AAAA is asked for already */
    resolver_cancel(again);
    ground_is_at_rest(g);
    ground_stop(g);
}

static void equal_names_share_one_exchange(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    ground_lookup(g, "www.example.com");
    ground_lookup(g, "WWW.Example.COM");
    ground_lookup(g, "www.example.com.");
    ground_expect(g, BOTH);
    ground_answer(g, FAMILY_V6, RCODE_OK, "www.example.com AAAA 60 2001:db8::1");
    ground_answer(g, FAMILY_V4, RCODE_OK, "www.example.com A 60 192.0.2.1");
    ground_expect(g, "= 2001:db8::1 192.0.2.1\n= 2001:db8::1 192.0.2.1\n= 2001:db8::1 192.0.2.1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void answers_are_kept_as_long_as_their_ttl_says(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, "www.example.com");
    ground_answer(g, FAMILY_V4, RCODE_OK,
                  "www.example.com A 60 192.0.2.1\nwww.example.com A 30 192.0.2.2\n");
    ground_expect(g, "udp 10.0.0.1 A www.example.com\n= 192.0.2.1 192.0.2.2\n");
    ground_wait(g, 30 * NS_PER_S - 1);
    ground_lookup(g, "www.EXAMPLE.com");
    ground_expect(g, "= 192.0.2.1 192.0.2.2\n");
    ground_wait(g, 1);
    ground_lookup(g, "www.example.com");
    ground_expect(g, "udp 10.0.0.1 A www.example.com\n");
    ground_stop(g);
}

static void absence_is_kept_as_long_as_the_soa_says(void **state)
{
    (void)state;
    static const struct {
        unsigned rcode;
        const char *answer, *result;
        unsigned seconds; /* 0: not kept */
    } cases[] = {
        {RCODE_NXDOMAIN, "!example.com SOA 300 20", "= ERR_NO_NAME\n", 20},
        {RCODE_NXDOMAIN, "!example.com SOA 10 20", "= ERR_NO_NAME\n", 10},
        {RCODE_NXDOMAIN, "!example.com SOA 86400 86400", "= ERR_NO_NAME\n", 60},
        {RCODE_NXDOMAIN, "", "= ERR_NO_NAME\n", 0},
        {RCODE_OK, "!example.com SOA 300 20", "= ERR_NO_DATA\n", 20},
        {RCODE_OK, "", "= ERR_NO_DATA\n", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ground *g = ground_start("10.0.0.1", "", "4");
        ground_lookup(g, "www.example.com");
        ground_expect(g, "udp 10.0.0.1 A www.example.com\n");
        ground_answer(g, FAMILY_V4, cases[i].rcode, cases[i].answer);
        ground_expect(g, cases[i].result);
        if (cases[i].seconds > 0) {
            ground_wait(g, cases[i].seconds * NS_PER_S - 1);
            ground_lookup(g, "www.example.com");
            ground_expect(g, cases[i].result);
            ground_wait(g, 1);
        }
        ground_lookup(g, "www.example.com");
        ground_expect(g, "udp 10.0.0.1 A www.example.com\n");
        ground_stop(g);
    }
}

static void a_failure_is_not_kept(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, "www.example.com");
    ground_answer(g, FAMILY_V4, RCODE_SERVFAIL, "");
    ground_expect(g, "udp 10.0.0.1 A www.example.com\n= ERR_DNS_FAILED\n");
    ground_lookup(g, "www.example.com");
    ground_expect(g, "udp 10.0.0.1 A www.example.com\n");
    ground_stop(g);
}

/* Two families without addresses, and what they mean together. */
static void what_two_families_say_makes_one_result(void **state)
{
    (void)state;
    static const struct {
        int v6, v4; /* response codes; -1: cannot be carried */
        const char *result;
    } cases[] = {
        {RCODE_OK, RCODE_OK, "= ERR_NO_DATA\n"},
        {RCODE_NXDOMAIN, RCODE_NXDOMAIN, "= ERR_NO_NAME\n"},
        {RCODE_OK, RCODE_NXDOMAIN, "= ERR_NO_NAME\n"},
        {RCODE_NXDOMAIN, RCODE_OK, "= ERR_NO_NAME\n"},
        {RCODE_SERVFAIL, RCODE_OK, "= ERR_DNS_FAILED\n"},
        {RCODE_OK, RCODE_SERVFAIL, "= ERR_DNS_FAILED\n"},
        {RCODE_SERVFAIL, RCODE_NXDOMAIN, "= ERR_NO_NAME\n"},
        {RCODE_NXDOMAIN, RCODE_SERVFAIL, "= ERR_NO_NAME\n"},
        {-1, RCODE_OK, "= ERR_UNREACHABLE\n"},
        {-1, -1, "= ERR_UNREACHABLE\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ground *g = ground_start("10.0.0.1", "", "46");
        ground_lookup(g, "www.example.com");
        ground_expect(g, BOTH);
        for (int h = 0; h < 2; h++) {
            int rcode = h == 0 ? cases[i].v6 : cases[i].v4;
            enum family family = h == 0 ? FAMILY_V6 : FAMILY_V4;
            if (rcode < 0) {
                ground_fail(g, family, ERR_UNREACHABLE);
            } else {
                ground_answer(g, family, (unsigned)rcode, "");
            }
        }
        ground_expect(g, cases[i].result);
        ground_is_at_rest(g);
        ground_stop(g);
    }
}

/* RFC 4074 4: servers exist that know no AAAA and say so in every wrong way. */
static void one_family_with_addresses_is_enough_whatever_the_other_says(void **state)
{
    (void)state;
    static const unsigned rcodes[] = {RCODE_OK, RCODE_NXDOMAIN, RCODE_SERVFAIL, RCODE_NOTIMP,
                                      RCODE_REFUSED};
    for (size_t i = 0; i < ARRAY_SIZE(rcodes); i++) {
        for (int v6_first = 0; v6_first < 2; v6_first++) {
            struct ground *g = ground_start("10.0.0.1", "", "46");
            ground_lookup(g, "www.example.com");
            ground_expect(g, BOTH);
            if (v6_first) {
                ground_answer(g, FAMILY_V6, rcodes[i], "");
                ground_expect(g, "");
            }
            ground_answer(g, FAMILY_V4, RCODE_OK, "www.example.com A 60 192.0.2.1");
            if (!v6_first) {
                ground_answer(g, FAMILY_V6, rcodes[i], "");
            }
            ground_expect(g, "= 192.0.2.1\n");
            ground_is_at_rest(g);
            ground_stop(g);
        }
    }
}

static void done_is_called_by_the_tick_alone(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, "www.example.com");
    struct carried *c = ground_under_way(g, FAMILY_V4);
    static struct reply reply;
    reply_make(&reply, c->query, RCODE_OK, "www.example.com A 60 192.0.2.1");
    resolver_receive(g->resolver, c->exchange, reply.bytes, reply.len, g->now);
    assert_int_equal(g->n_done, 0);
    assert_true(resolver_next_deadline(g->resolver) <= g->now.mono);
    resolver_tick(g->resolver, g->now);
    assert_int_equal(g->n_done, 1);

    struct resolver_query *q; /* from the cache, the same */
    assert_int_equal(resolver_lookup(g->resolver, "www.example.com", ground_done, g, &q, g->now),
                     0);
    assert_int_equal(g->n_done, 1);
    assert_true(resolver_next_deadline(g->resolver) <= g->now.mono);
    resolver_tick(g->resolver, g->now);
    assert_int_equal(g->n_done, 2);
    ground_stop(g);
}

/* done() that asks again and cancels a neighbour that is due in the same tick. */
struct busy {
    struct ground *g;
    struct resolver_query *neighbour, *again;
    unsigned calls;
};

static void busy_done(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct busy *b = ctx;
    (void)addrs;
    assert_int_equal(err, 0);
    assert_int_equal(n, 1);
    b->calls++;
    resolver_cancel(b->neighbour);
    assert_int_equal(
        resolver_lookup(b->g->resolver, "www.example.com", ground_done, b->g, &b->again, now), 0);
}

static void done_may_look_up_and_cancel(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    struct busy b = {.g = g};
    struct resolver_query *q;
    assert_int_equal(resolver_lookup(g->resolver, "www.example.com", busy_done, &b, &q, g->now), 0);
    b.neighbour = ground_lookup(g, "www.example.com");
    ground_answer(g, FAMILY_V4, RCODE_OK, "www.example.com A 60 192.0.2.1");
    assert_int_equal(b.calls, 1);
    ground_expect(
        g, "udp 10.0.0.1 A www.example.com\n= 192.0.2.1\n"); /* the new one, not the neighbour */
    ground_is_at_rest(g);
    ground_stop(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_asked_for_in_both_families_and_ipv6_comes_first),
        cmocka_unit_test(only_the_families_of_the_tunnel_are_asked_for),
        cmocka_unit_test(the_second_family_is_waited_for_50_ms),
        cmocka_unit_test(the_family_that_came_too_late_is_known_next_time),
        cmocka_unit_test(a_lookup_joins_a_family_that_is_still_on_its_way),
        cmocka_unit_test(equal_names_share_one_exchange),
        cmocka_unit_test(answers_are_kept_as_long_as_their_ttl_says),
        cmocka_unit_test(absence_is_kept_as_long_as_the_soa_says),
        cmocka_unit_test(a_failure_is_not_kept),
        cmocka_unit_test(what_two_families_say_makes_one_result),
        cmocka_unit_test(one_family_with_addresses_is_enough_whatever_the_other_says),
        cmocka_unit_test(done_is_called_by_the_tick_alone),
        cmocka_unit_test(done_may_look_up_and_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
