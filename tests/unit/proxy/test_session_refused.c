/* SPDX-License-Identifier: MIT */
/* Clients of src/proxy/session.c who are not led anywhere: what each is told, and how it ends. */
#include "proxy/session.h"

#include "base/err.h"
#include "base/macros.h"
#include "unit/test.h"
#include "visit.h"

#include <stdio.h>
#include <string.h>

static void each_failure_of_a_dial_has_its_reply(void **state)
{
    (void)state;
    static const struct {
        int err;
        char code;
    } cases[] = {
        {ERR_REFUSED, 5},
        {ERR_UNREACHABLE, 4},
        {ERR_TIMED_OUT, 6},
        {ERR_RESET, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, BYTES(HELLO TO_V4));
        fake_tcp_failed(fake_tcp(v.g->stack, 0), cases[i].err);
        visit_settle(&v);
        char reply[] = WELCOME "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
        reply[3] = cases[i].code;
        visit_heard(&v, BYTES(reply));
        char line[128];
        snprintf(line, sizeof line, "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> %s",
                 err_text(cases[i].err));
        fake_client_shutdown(&v.c);
        visit_settle(&v);
        assert_true(ground_said(v.g, line));
        visit_end(&v);
    }
}

static void each_failure_at_once_has_its_reply(void **state)
{
    (void)state;
    static const struct {
        int err;
        char code;
    } cases[] = {
        {ERR_NO_ROUTE, 3}, {ERR_NO_FAMILY, 3}, {ERR_INVALID, 1},
        {ERR_LIMIT, 1},    {ERR_NOMEM, 1},     {ERR_PERM, 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        fake_stack_forbid(v.g->stack, NULL, cases[i].err);
        visit_say(&v, BYTES(HELLO TO_V4));
        assert_int_equal(v.c.output.len, 12);
        assert_int_equal(v.c.output.data[3], cases[i].code);
        visit_end(&v);
    }
}

static void each_failure_of_a_name_has_its_reply(void **state)
{
    (void)state;
    static const int errs[] = {ERR_NO_NAME, ERR_NO_DATA, ERR_DNS_FAILED, ERR_DNS_SILENT};
    for (size_t i = 0; i < ARRAY_SIZE(errs); i++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, BYTES(HELLO TO_NAME));
        fake_resolver_fail(v.g->resolver, 0, errs[i], v.g->now);
        visit_settle(&v);
        visit_heard(&v, BYTES(WELCOME "\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"));
        visit_end(&v);
    }
}

static void a_request_that_cannot_be_served_is_answered_and_told(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(HELLO "\x05\x02\x00\x01\x0a\x00\x00\x01\x00\x50"));
    visit_heard(&v, BYTES(WELCOME "\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00"));
    assert_true(v.c.shut);
    fake_client_shutdown(&v.c);
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    assert_true(
        ground_said(v.g, "debug: 127.0.0.1:40000 -> a command that this door does not know"));
    visit_end(&v);
}

static void what_is_not_socks_is_closed_without_a_word(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){.protocols = DOOR_SOCKS5});
    visit_say(&v, BYTES("GET / HTTP/1.1\r\n"));
    assert_int_equal(v.c.output.len, 0);
    assert_true(v.c.shut);
    ground_sleep(v.g, 2 * NS_PER_S);
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    assert_true(ground_said(v.g, "debug: 127.0.0.1:40000 -> not SOCKS5"));
    visit_end(&v);
}

/* Closing over unread bytes would be a RST, which can overtake the reply. */
static void a_refused_client_is_read_until_it_closes(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    fake_stack_forbid(v.g->stack, NULL, ERR_NO_ROUTE);
    visit_say(&v, BYTES(HELLO TO_V4));
    assert_true(v.c.shut);
    char bytes[5000] = {0};
    for (unsigned i = 0; i < 20; i++) {
        visit_say(&v, bytes, sizeof bytes);
        assert_int_equal(v.c.fate, FAKE_OPEN);
        assert_int_equal(v.c.input_at, v.c.input.len);
    }
    fake_client_shutdown(&v.c);
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    visit_end(&v);
}

static void a_refused_client_that_stays_is_closed_after_two_seconds(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    fake_stack_forbid(v.g->stack, NULL, ERR_NO_ROUTE);
    visit_say(&v, BYTES(HELLO TO_V4));
    assert_int_equal(proxy_next_deadline(v.g->proxy), v.g->now.mono + 2 * NS_PER_S);
    ground_sleep(v.g, 2 * NS_PER_S - 1);
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_OPEN);
    ground_sleep(v.g, 1);
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    visit_end(&v);
}

static void a_refusal_leaves_byte_by_byte(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    fake_stack_forbid(v.g->stack, NULL, ERR_NO_ROUTE);
    v.c.room = 2;
    visit_say(&v, BYTES(HELLO TO_V4 "early"));
    for (size_t n = 3; n <= 12; n++) {
        assert_false(v.c.shut);
        v.c.room = 1;
        visit_settle(&v);
        assert_int_equal(v.c.output.len, n);
    }
    assert_true(v.c.shut);
    visit_end(&v);
}

#define NO_DNS                                                                                \
    "warning: this tunnel has no DNS = ...: names are refused, not looked up outside, which " \
    "[Resolve] Outside = yes would allow"

static void names_without_dns_are_refused_with_one_warning_a_minute(void **state)
{
    (void)state;
    struct ground *g = ground_new((struct ground_options){.no_dns = true});
    static const struct {
        unsigned seconds, warnings;
    } cases[] = {{0, 1}, {1, 1}, {58, 1}, {1, 2}, {59, 2}, {1, 3}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ground_sleep(g, cases[i].seconds * NS_PER_S);
        struct fake_client c;
        fake_client_init(&c);
        proxy_accept(g->proxy, &c.stream, g->now);
        fake_client_send(&c, BYTES(HELLO TO_NAME));
        fake_client_shutdown(&c);
        struct fake_client *const clients[] = {&c};
        ground_settle(g, clients, 1);
        assert_int_equal(c.output.data[3], 4);
        assert_int_equal(fake_tcp_count(g->stack), 0);
        fake_client_fini(&c);
        assert_int_equal(ground_lines(g), i + 1 + cases[i].warnings);
    }
    assert_true(ground_said(g, NO_DNS));
    ground_free(g);
}

static void name_servers_that_are_silent_are_warned_of_once_a_minute(void **state)
{
    (void)state;
    struct ground *g = ground_new((struct ground_options){0});
    g->log.level = LOG_INFO;
    static const struct {
        unsigned seconds, warnings;
        int err;
    } cases[] = {{0, 0, ERR_NO_NAME},     {0, 0, ERR_DNS_FAILED}, {0, 1, ERR_DNS_SILENT},
                 {59, 1, ERR_DNS_SILENT}, {1, 1, ERR_NO_NAME},    {0, 2, ERR_DNS_SILENT}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ground_sleep(g, cases[i].seconds * NS_PER_S);
        struct fake_client c;
        fake_client_init(&c);
        proxy_accept(g->proxy, &c.stream, g->now);
        fake_client_send(&c, BYTES(HELLO TO_NAME));
        struct fake_client *const clients[] = {&c};
        ground_settle(g, clients, 1);
        fake_resolver_fail(g->resolver, 0, cases[i].err, g->now);
        fake_client_shutdown(&c);
        ground_settle(g, clients, 1);
        assert_int_equal(c.output.data[3], 4);
        fake_client_fini(&c);
        assert_int_equal(ground_lines(g), cases[i].warnings);
    }
    assert_true(ground_said(
        g, "warning: no DNS server in the tunnel answers -> the peer may know us by another "
           "Address, another program may use our key, or DNS = be wrong; see 'wgproxy check'"));
    ground_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_of_a_dial_has_its_reply),
        cmocka_unit_test(each_failure_at_once_has_its_reply),
        cmocka_unit_test(each_failure_of_a_name_has_its_reply),
        cmocka_unit_test(a_request_that_cannot_be_served_is_answered_and_told),
        cmocka_unit_test(what_is_not_socks_is_closed_without_a_word),
        cmocka_unit_test(a_refused_client_is_read_until_it_closes),
        cmocka_unit_test(a_refused_client_that_stays_is_closed_after_two_seconds),
        cmocka_unit_test(a_refusal_leaves_byte_by_byte),
        cmocka_unit_test(names_without_dns_are_refused_with_one_warning_a_minute),
        cmocka_unit_test(name_servers_that_are_silent_are_warned_of_once_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
