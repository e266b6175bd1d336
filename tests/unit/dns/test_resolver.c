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

static void a_name_without_a_dot_is_sought_in_the_domains_first(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan Example.ORG.", "4");
    ground_lookup(g, "wiki");
    ground_expect(g, "udp 10.0.0.1 A wiki.corp.lan\n");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "!corp.lan SOA 60 60");
    ground_expect(g, "udp 10.0.0.1 A wiki.example.org\n");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "udp 10.0.0.1 A wiki\n");
    ground_answer(g, FAMILY_V4, RCODE_OK, "wiki A 60 192.0.2.1");
    ground_expect(g, "= 192.0.2.1\n");
    ground_lookup(g, "wiki"); /* the first domain's no is known, and so is the end */
    ground_expect(g, "udp 10.0.0.1 A wiki.example.org\n");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "= 192.0.2.1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void a_name_with_a_dot_is_sought_in_the_domains_last(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
    ground_lookup(g, "wiki.eu");
    ground_expect(g, "udp 10.0.0.1 A wiki.eu\n");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "udp 10.0.0.1 A wiki.eu.corp.lan\n");
    ground_answer(g, FAMILY_V4, RCODE_OK, "wiki.eu.corp.lan A 60 192.0.2.1");
    ground_expect(g, "= 192.0.2.1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void a_name_with_a_final_dot_means_itself(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"wiki.", "udp 10.0.0.1 A wiki\n"},
                                           {"wiki.eu.", "udp 10.0.0.1 A wiki.eu\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
        ground_lookup(g, names[i][0]);
        ground_expect(g, names[i][1]);
        ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
        ground_expect(g, "= ERR_NO_NAME\n");
        ground_is_at_rest(g);
        ground_stop(g);
    }
}

static void a_name_that_exists_anywhere_is_not_called_missing(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
    ground_lookup(g, "wiki");
    ground_answer(g, FAMILY_V4, RCODE_OK, "!corp.lan SOA 60 60");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "udp 10.0.0.1 A wiki.corp.lan\nudp 10.0.0.1 A wiki\n= ERR_NO_DATA\n");
    ground_stop(g);
}

static void a_failure_at_the_end_says_that_it_is_not_known(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
    ground_lookup(g, "wiki");
    ground_answer(g, FAMILY_V4, RCODE_OK, "!corp.lan SOA 60 60");
    ground_answer(g, FAMILY_V4, RCODE_SERVFAIL, "");
    ground_expect(g, "udp 10.0.0.1 A wiki.corp.lan\nudp 10.0.0.1 A wiki\n= ERR_DNS_FAILED\n");
    ground_stop(g);
}

static void a_failure_does_not_lead_to_another_name(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
    ground_lookup(g, "bank.example");
    ground_answer(g, FAMILY_V4, RCODE_SERVFAIL, "");
    ground_expect(g, "udp 10.0.0.1 A bank.example\n= ERR_DNS_FAILED\n");
    ground_stop(g);
}

static void names_that_stay_here_are_refused_without_a_word_to_the_server(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost", "LocalHost.",   "www.localhost", "a.onion",
                                        "onion",     "host.invalid", "x.y.onion."};
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "46");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        ground_lookup(g, names[i]);
        ground_expect(g, "= ERR_NO_NAME\n");
    }
    ground_is_at_rest(g);
    ground_stop(g);
}

static void what_is_no_name_is_refused_at_once(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    struct resolver_query *q;
    assert_int_equal(resolver_lookup(g->resolver, "a b", ground_done, g, &q, g->now), ERR_BAD_NAME);
    assert_int_equal(resolver_lookup(g->resolver, "", ground_done, g, &q, g->now), ERR_BAD_NAME);
    ground_is_at_rest(g);
    ground_stop(g);
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
        cmocka_unit_test(a_name_without_a_dot_is_sought_in_the_domains_first),
        cmocka_unit_test(a_name_with_a_dot_is_sought_in_the_domains_last),
        cmocka_unit_test(a_name_with_a_final_dot_means_itself),
        cmocka_unit_test(a_name_that_exists_anywhere_is_not_called_missing),
        cmocka_unit_test(a_failure_at_the_end_says_that_it_is_not_known),
        cmocka_unit_test(a_failure_does_not_lead_to_another_name),
        cmocka_unit_test(names_that_stay_here_are_refused_without_a_word_to_the_server),
        cmocka_unit_test(what_is_no_name_is_refused_at_once),
        cmocka_unit_test(done_is_called_by_the_tick_alone),
        cmocka_unit_test(done_may_look_up_and_cancel),
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
