/* SPDX-License-Identifier: MIT */
/* Answers that are not the end yet: truncated ones, those of servers without EDNS, and aliases. */
#include "dns/question.h"

#include "unit/dns/ground.h"

#define WWW "www.example.com"
#define ADDRESS WWW " A 60 192.0.2.1"

static void a_truncated_answer_is_fetched_over_tcp_from_the_same_server(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_answer_truncated(g, FAMILY_V4);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\ntcp 10.0.0.1 A " WWW "\n");
    ground_answer(g, FAMILY_V4, RCODE_OK, ADDRESS);
    ground_expect(g, "= 192.0.2.1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void tcp_that_leads_nowhere_leads_to_the_next_server(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
        ground_lookup(g, WWW);
        ground_answer_truncated(g, FAMILY_V4);
        ground_expect(g, "udp 10.0.0.1 A " WWW "\ntcp 10.0.0.1 A " WWW "\n");
        switch (how) {
        case 0:
            ground_fail(g, FAMILY_V4, ERR_REFUSED);
            break;
        case 1:
            ground_wait(g, 4 * NS_PER_S);
            break;
        case 2:
            ground_answer_truncated(g, FAMILY_V4);
            break;
        default:
            ground_answer(g, FAMILY_V4, RCODE_SERVFAIL, "");
        }
        ground_expect(g, "udp 10.0.0.2 A " WWW "\n");
        ground_answer(g, FAMILY_V4, RCODE_OK, ADDRESS);
        ground_expect(g, "= 192.0.2.1\n");
        ground_is_at_rest(g);
        ground_stop(g);
    }
}

static void a_server_without_edns_is_asked_without(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_answer(g, FAMILY_V4, RCODE_FORMERR, "");
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.1 A " WWW " plain\n");
    ground_answer(g, FAMILY_V4, RCODE_OK, ADDRESS);
    ground_expect(g, "= 192.0.2.1\n");
    ground_lookup(g, "a.b"); /* it is remembered */
    ground_expect(g, "udp 10.0.0.1 A a.b plain\n");
    ground_answer(g, FAMILY_V4, RCODE_FORMERR, ""); /* then it must be something else */
    ground_expect(g, "udp 10.0.0.2 A a.b\n");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "= ERR_NO_NAME\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void a_bare_formerr_header_is_understood(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, WWW);
    struct carried *c = ground_under_way(g, FAMILY_V4);
    uint8_t header[WIRE_HEADER] = {c->query[0], c->query[1], 0x81, 0x81};
    ground_receive(g, c->exchange, header, sizeof header);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.1 A " WWW " plain\n");
    ground_stop(g);
}

static void an_answer_that_stops_at_an_alias_is_followed(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_answer(g, FAMILY_V4, RCODE_OK, WWW " CNAME 40 a.cdn");
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.1 A a.cdn\n");
    ground_wait(g, 2 * NS_PER_S); /* a retry asks for what was asked last */
    ground_expect(g, "udp 10.0.0.2 A a.cdn\n");
    ground_answer(g, FAMILY_V4, RCODE_OK, "a.cdn CNAME 30 b.cdn\nb.cdn A 60 192.0.2.1");
    ground_expect(g, "= 192.0.2.1\n");
    ground_wait(g, 30 * NS_PER_S - 1); /* the least TTL of all */
    ground_lookup(g, WWW);
    ground_expect(g, "= 192.0.2.1\n");
    ground_wait(g, 1);
    ground_lookup(g, WWW);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n");
    ground_stop(g);
}

static void an_alias_of_short_life_bounds_what_follows(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, WWW);
    ground_answer(g, FAMILY_V4, RCODE_OK, WWW " CNAME 5 a.cdn");
    ground_answer(g, FAMILY_V4, RCODE_OK, "a.cdn A 60 192.0.2.1");
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.1 A a.cdn\n= 192.0.2.1\n");
    ground_wait(g, 5 * NS_PER_S);
    ground_lookup(g, WWW);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n");
    ground_stop(g);
}

static void aliases_without_end_are_given_up(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, "n0.x");
    unsigned asked = 0;
    for (; g->n_done == 0; asked++) {
        char line[64];
        snprintf(line, sizeof line, "n%u.x CNAME 60 n%u.x", asked, asked + 1);
        ground_answer(g, FAMILY_V4, RCODE_OK, line);
        assert_true(asked < 20);
    }
    assert_int_equal(asked, 9);
    assert_non_null(strstr(g->story, "= ERR_DNS_FAILED\n"));
    ground_stop(g);
}

static void an_alias_to_a_name_that_stays_here_is_not_asked_for(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, WWW);
    ground_answer(g, FAMILY_V4, RCODE_OK, WWW " CNAME 60 localhost");
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n= ERR_NO_NAME\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

/* Slow answers that always ask for one more step do not make a lookup endless. */
static void no_exchange_begins_after_10_s(void **state)
{
    (void)state;
    enum { ALIAS, TRUNCATED, FORMERR, SERVFAIL, N_HOW };
    for (int how = 0; how < N_HOW; how++) {
        struct ground *g = ground_start("10.0.0.1 10.0.0.2 10.0.0.3", "", "4");
        ground_lookup(g, WWW);
        ground_wait(g, 9 * NS_PER_S +
                           500 * NS_PER_MS); /* 2 + 2 + 2 + 3 s are over, the last waits 3 more */
        g->story_len = 0;
        ground_wait(g, NS_PER_S);
        if (how == ALIAS) {
            ground_answer(g, FAMILY_V4, RCODE_OK, WWW " CNAME 60 a.cdn");
        } else if (how == TRUNCATED) {
            ground_answer_truncated(g, FAMILY_V4);
        } else {
            ground_answer(g, FAMILY_V4, how == FORMERR ? RCODE_FORMERR : RCODE_SERVFAIL, "");
        }
        ground_expect(g, "= ERR_DNS_FAILED\n");
        ground_is_at_rest(g);
        ground_stop(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_answer_is_fetched_over_tcp_from_the_same_server),
        cmocka_unit_test(tcp_that_leads_nowhere_leads_to_the_next_server),
        cmocka_unit_test(a_server_without_edns_is_asked_without),
        cmocka_unit_test(a_bare_formerr_header_is_understood),
        cmocka_unit_test(an_answer_that_stops_at_an_alias_is_followed),
        cmocka_unit_test(an_alias_of_short_life_bounds_what_follows),
        cmocka_unit_test(aliases_without_end_are_given_up),
        cmocka_unit_test(an_alias_to_a_name_that_stays_here_is_not_asked_for),
        cmocka_unit_test(no_exchange_begins_after_10_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
