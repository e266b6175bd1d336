/* SPDX-License-Identifier: MIT */
/* Questions as the resolver asks them: with one family wanted, each lookup is one question. */
#include "dns/question.h"

#include "unit/dns/ground.h"

#define WWW "www.example.com"
#define ADDRESS WWW " A 60 192.0.2.1"

static void a_lone_server_is_asked_three_times(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, WWW);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n");
    ground_wait(g, 2 * NS_PER_S - 1);
    ground_expect(g, "");
    ground_wait(g, 1);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n");
    ground_wait(g, 3 * NS_PER_S - 1);
    ground_expect(g, "");
    ground_wait(g, 1);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n");
    ground_wait(g, 4 * NS_PER_S - 1);
    ground_expect(g, "");
    ground_wait(g, 1);
    ground_expect(g, "= ERR_DNS_SILENT\n");
    ground_is_at_rest(g);
    resolver_cancel(ground_lookup(g, "a.b")); /* there is no other to go to */
    ground_expect(g, "udp 10.0.0.1 A a.b\n");
    ground_stop(g);
}

static void every_try_has_an_id_and_a_port_of_its_own(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    ground_lookup(g, WWW);
    ground_wait(g, 9 * NS_PER_S);
    assert_int_equal(g->n_carried, 6);
    for (size_t i = 0; i < g->n_carried; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(load_be16(g->carried[i].query), load_be16(g->carried[k].query));
            assert_int_not_equal(g->carried[i].exchange, g->carried[k].exchange);
        }
    }
    ground_stop(g);
}

static void silent_servers_are_asked_in_turn(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 fd00::1", "", "4");
    ground_lookup(g, WWW);
    ground_wait(g, 2 * NS_PER_S);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp fd00::1 A " WWW "\n");
    ground_wait(g, 2 * NS_PER_S);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n");
    ground_wait(g, 3 * NS_PER_S);
    ground_expect(g, "udp fd00::1 A " WWW "\n");
    ground_wait(g, 3 * NS_PER_S);
    ground_expect(g, "= ERR_DNS_SILENT\n"); /* 10 s */
    ground_is_at_rest(g);
    ground_stop(g);
}

static void silence_is_over_before_14_s_with_any_number_of_servers(void **state)
{
    (void)state;
    static const char *const servers[] = {
        "10.0.0.1",
        "10.0.0.1 10.0.0.2",
        "10.0.0.1 10.0.0.2 10.0.0.3",
        "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4",
        "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8",
    };
    for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
        struct ground *g = ground_start(servers[i], "corp.lan", "46");
        ground_lookup(g, "wiki");
        uint64_t start = g->now.mono;
        while (g->n_done == 0) {
            ground_wait(g, NS_PER_S);
        }
        assert_true(g->now.mono - start >= 9 * NS_PER_S);
        assert_true(g->now.mono - start < 14 * NS_PER_S);
        assert_non_null(strstr(g->story, "= ERR_DNS_SILENT\n"));
        ground_stop(g);
    }
}

static void the_second_server_answers_when_the_first_does_not(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_wait(g, 2 * NS_PER_S);
    ground_answer(g, FAMILY_V4, RCODE_OK, ADDRESS);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.2 A " WWW "\n= 192.0.2.1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void a_server_that_was_silent_is_not_asked_first_for_30_s(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_wait(g, 2 * NS_PER_S);
    ground_answer(g, FAMILY_V4, RCODE_OK, ADDRESS);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.2 A " WWW "\n= 192.0.2.1\n");

    ground_wait(g, 30 * NS_PER_S - 1);
    resolver_cancel(ground_lookup(g, "a.b"));
    ground_expect(g, "udp 10.0.0.2 A a.b\n");
    ground_wait(g, 1);
    resolver_cancel(ground_lookup(g, "a.b"));
    ground_expect(g, "udp 10.0.0.1 A a.b\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void a_server_that_was_silent_and_speaks_again_is_the_first_again(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_wait(g, 4 * NS_PER_S); /* both were silent, the first is asked again */
    ground_answer(g, FAMILY_V4, RCODE_OK, ADDRESS);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.2 A " WWW "\nudp 10.0.0.1 A " WWW
                     "\n= 192.0.2.1\n");
    ground_lookup(g, "a.b");
    ground_expect(g, "udp 10.0.0.1 A a.b\n");
    ground_stop(g);

    g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_wait(g, 2 * NS_PER_S);
    ground_answer(g, FAMILY_V4, RCODE_SERVFAIL, ""); /* the second fails, but is not silent */
    ground_answer(g, FAMILY_V4, RCODE_OK, ADDRESS);
    g->story_len = 0;
    ground_lookup(g, "a.b");
    ground_expect(g, "udp 10.0.0.1 A a.b\n");
    ground_stop(g);
}

static void servers_that_are_all_silent_are_asked_in_their_order(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_wait(g, 10 * NS_PER_S);
    g->story_len = 0;
    ground_lookup(g, "a.b");
    ground_expect(g, "udp 10.0.0.1 A a.b\n");
    ground_stop(g);
}

static void a_server_that_fails_is_left_at_once_and_not_asked_again(void **state)
{
    (void)state;
    static const unsigned rcodes[] = {RCODE_SERVFAIL, RCODE_REFUSED, RCODE_NOTIMP};
    for (size_t i = 0; i < ARRAY_SIZE(rcodes); i++) {
        struct ground *g = ground_start("10.0.0.1 10.0.0.2 10.0.0.3", "", "4");
        ground_lookup(g, WWW);
        ground_answer(g, FAMILY_V4, rcodes[i], "");
        ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.2 A " WWW "\n");
        ground_wait(g, 2 * NS_PER_S);
        ground_expect(g, "udp 10.0.0.3 A " WWW "\n");
        ground_answer(g, FAMILY_V4, rcodes[i], "");
        ground_expect(g, "udp 10.0.0.2 A " WWW "\n");
        ground_answer(g, FAMILY_V4, rcodes[i], "");
        ground_expect(g, "= ERR_DNS_FAILED\n");
        ground_is_at_rest(g);
        ground_stop(g);
    }
}

static void an_answer_that_makes_no_sense_is_a_failure_of_the_server(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_answer(g, FAMILY_V4, RCODE_OK, WWW " CNAME 60 " WWW);
    ground_answer(g, FAMILY_V4, RCODE_OK, "!example.com NS 60 ns.example.com"); /* a referral */
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.2 A " WWW "\n= ERR_DNS_FAILED\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void no_such_name_is_believed_at_once(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n= ERR_NO_NAME\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

/* The errors of the way to the server become the resolver's: a refused DNS server is not a refused
 * destination. */
static void what_cannot_be_carried_goes_to_the_next_server_at_once(void **state)
{
    (void)state;
    static const struct {
        int first, second;
        const char *result;
    } cases[] = {
        {ERR_REFUSED, ERR_REFUSED, "= ERR_DNS_SILENT\n"},
        {ERR_UNREACHABLE, ERR_UNREACHABLE, "= ERR_UNREACHABLE\n"},
        {ERR_NO_ROUTE, ERR_NO_ROUTE, "= ERR_NO_ROUTE\n"},
        {ERR_NO_FAMILY, ERR_NO_FAMILY, "= ERR_UNREACHABLE\n"},
        {ERR_RESET, ERR_RESET, "= ERR_DNS_SILENT\n"},
        {ERR_NO_ROUTE, ERR_UNREACHABLE, "= ERR_UNREACHABLE\n"},
        {ERR_UNREACHABLE, ERR_NO_ROUTE, "= ERR_UNREACHABLE\n"},
        {ERR_NO_ROUTE, ERR_TIMED_OUT, "= ERR_DNS_SILENT\n"},
        {ERR_REFUSED, ERR_NO_ROUTE, "= ERR_DNS_SILENT\n"},
        {ERR_NOMEM, ERR_NOMEM, "= ERR_NOMEM\n"},
        {ERR_LIMIT, ERR_LIMIT, "= ERR_LIMIT\n"},
        {ERR_LIMIT, ERR_NO_ROUTE, "= ERR_NO_ROUTE\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
        ground_lookup(g, WWW);
        ground_fail(g, FAMILY_V4, cases[i].first);
        ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.2 A " WWW "\n");
        ground_fail(g, FAMILY_V4, cases[i].second);
        ground_expect(g, cases[i].result);
        ground_is_at_rest(g);
        ground_stop(g);
    }
}

static void the_failure_that_got_furthest_is_told(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1 10.0.0.2", "", "4");
    ground_lookup(g, WWW);
    ground_answer(g, FAMILY_V4, RCODE_SERVFAIL, "");
    ground_wait(g, 20 * NS_PER_S); /* the second is silent to the end */
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.2 A " WWW "\nudp 10.0.0.2 A " WWW
                     "\nudp 10.0.0.2 A " WWW "\n= ERR_DNS_FAILED\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

/* Send the reply of another time, place, or pen; the true one still counts afterwards. */
static void what_is_not_the_answer_is_ignored(void **state)
{
    (void)state;
    static struct reply r;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, WWW);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n");
    struct carried c = *ground_under_way(g, FAMILY_V4);

    reply_make(&r, c.query, RCODE_OK, WWW " A 60 192.0.2.66");
    for (unsigned i = 1; i <= 0xffff; i++) { /* every other id */
        store_be16(r.bytes, (uint16_t)(load_be16(c.query) + i));
        resolver_receive(g->resolver, c.exchange, r.bytes, r.len, g->now);
    }
    ground_receive(g, c.exchange, c.query, c.len); /* an echo of the query */
    ground_receive(g, c.exchange, (const uint8_t *)"", 0);

    struct ground *other = ground_start("10.0.0.1", "", "4"); /* the right id, for another name */
    ground_lookup(other, "evil.example");
    memcpy(ground_under_way(other, FAMILY_V4)->query, c.query, 2);
    reply_make(&r, ground_under_way(other, FAMILY_V4)->query, RCODE_OK,
               "evil.example A 60 192.0.2.66");
    ground_receive(g, c.exchange, r.bytes, r.len);
    ground_stop(other);

    ground_expect(g, "");
    ground_answer(g, FAMILY_V4, RCODE_OK, ADDRESS);
    ground_expect(g, "= 192.0.2.1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void late_and_repeated_answers_are_ignored(void **state)
{
    (void)state;
    static struct reply r;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    ground_lookup(g, WWW);
    struct carried first = *ground_under_way(g, FAMILY_V4);
    ground_wait(g, 2 * NS_PER_S);
    ground_expect(g, "udp 10.0.0.1 A " WWW "\nudp 10.0.0.1 A " WWW "\n");

    reply_make(&r, first.query, RCODE_OK, WWW " A 60 192.0.2.66");
    ground_receive(g, first.exchange, r.bytes, r.len); /* its port is closed */
    struct carried second = *ground_under_way(g, FAMILY_V4);
    ground_receive(g, second.exchange, r.bytes, r.len); /* nor does it fit the second */
    ground_expect(g, "");

    reply_make(&r, second.query, RCODE_OK, ADDRESS);
    ground_receive(g, second.exchange, r.bytes, r.len);
    ground_expect(g, "= 192.0.2.1\n");
    ground_receive(g, second.exchange, r.bytes, r.len);
    resolver_fail(g->resolver, second.exchange, ERR_REFUSED, g->now);
    resolver_fail(g->resolver, 12345, ERR_REFUSED, g->now);
    ground_is_at_rest(g);
    ground_stop(g);
}

static void keep_line(void *ctx, enum log_level level, const char *line)
{
    struct ground *g = ctx;
    assert_int_equal(level, LOG_DEBUG); /* destination names stand nowhere above */
    ground_write(g, line);
    ground_write(g, "\n");
}

static void the_log_tells_the_story_with_its_decisions(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "4");
    struct log log = {.level = LOG_DEBUG, .write = keep_line, .ctx = g};
    struct addr servers[] = {{.family = FAMILY_V4, .bytes = {10, 0, 0, 1}},
                             {.family = FAMILY_V4, .bytes = {10, 0, 0, 2}}};
    const struct resolver_config config = {.servers = servers,
                                           .n_servers = 2,
                                           .want_v4 = true,
                                           .rng = seeded_rng(&g->seed),
                                           .log = &log};
    resolver_free(g->resolver);
    assert_int_equal(resolver_new(&g->resolver, &config), 0);

    ground_lookup(g, WWW);
    ground_answer(g, FAMILY_V4, RCODE_FORMERR, "");
    ground_wait(g, 2 * NS_PER_S);
    ground_answer_truncated(g, FAMILY_V4);
    ground_fail(g, FAMILY_V4, ERR_REFUSED);
    ground_answer(g, FAMILY_V4, RCODE_OK, WWW " CNAME 60 a.cdn");
    ground_answer(g, FAMILY_V4, RCODE_SERVFAIL, "");
    ground_expect(g, "udp 10.0.0.1 A " WWW "\n"
                     "dns: " WWW " A: FORMERR -> ask without EDNS 10.0.0.1\n"
                     "udp 10.0.0.1 A " WWW " plain\n"
                     "dns: " WWW " A: no answer -> ask 10.0.0.2\n"
                     "udp 10.0.0.2 A " WWW "\n"
                     "dns: " WWW " A: truncated -> ask over TCP 10.0.0.2\n"
                     "tcp 10.0.0.2 A " WWW "\n"
                     "dns: " WWW " A: connection refused -> ask 10.0.0.1\n"
                     "udp 10.0.0.1 A " WWW " plain\n"
                     "dns: a.cdn A: is an alias's end -> ask 10.0.0.1\n"
                     "udp 10.0.0.1 A a.cdn plain\n"
                     "dns: a.cdn A: server failed -> give up\n"
                     "= ERR_DNS_FAILED\n");
    ground_stop(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_server_is_asked_three_times),
        cmocka_unit_test(every_try_has_an_id_and_a_port_of_its_own),
        cmocka_unit_test(silent_servers_are_asked_in_turn),
        cmocka_unit_test(silence_is_over_before_14_s_with_any_number_of_servers),
        cmocka_unit_test(the_second_server_answers_when_the_first_does_not),
        cmocka_unit_test(a_server_that_was_silent_is_not_asked_first_for_30_s),
        cmocka_unit_test(a_server_that_was_silent_and_speaks_again_is_the_first_again),
        cmocka_unit_test(servers_that_are_all_silent_are_asked_in_their_order),
        cmocka_unit_test(a_server_that_fails_is_left_at_once_and_not_asked_again),
        cmocka_unit_test(an_answer_that_makes_no_sense_is_a_failure_of_the_server),
        cmocka_unit_test(no_such_name_is_believed_at_once),
        cmocka_unit_test(what_cannot_be_carried_goes_to_the_next_server_at_once),
        cmocka_unit_test(the_failure_that_got_furthest_is_told),
        cmocka_unit_test(what_is_not_the_answer_is_ignored),
        cmocka_unit_test(late_and_repeated_answers_are_ignored),
        cmocka_unit_test(the_log_tells_the_story_with_its_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
