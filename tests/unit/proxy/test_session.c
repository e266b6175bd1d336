/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/session.c: clients at the door, from their first byte to their last, over
 * puppets. */
#include "proxy/session.h"

#include "base/err.h"
#include "base/macros.h"
#include "fail_alloc.h"
#include "ground.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#define HELLO "\x05\x01\x00"
#define TO_V4 "\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50"
#define TO_NAME            \
    "\x05\x01\x00\x03\x0b" \
    "example.com"          \
    "\x01\xbb"
#define WELCOME "\x05\x00"
#define CONNECTED "\x05\x00\x00\x01\x0a\x09\x09\x09\xc3\x50"

/* A string literal and its length, NULs included. */
#define BYTES(s) (s), sizeof(s) - 1

struct visit {
    struct ground *g;
    struct fake_client c;
};

static void visit_begin(struct visit *v, struct ground_options options)
{
    v->g = ground_new(options);
    fake_client_init(&v->c);
    proxy_accept(v->g->proxy, &v->c.stream, v->g->now);
    assert_int_equal(proxy_sessions(v->g->proxy), 1);
}

static void visit_end(struct visit *v)
{
    ground_free(v->g);
    fake_client_fini(&v->c);
}

static void settle(struct visit *v)
{
    struct fake_client *const clients[] = {&v->c};
    ground_settle(v->g, clients, 1);
}

static void say(struct visit *v, const char *bytes, size_t len)
{
    fake_client_send(&v->c, bytes, len);
    settle(v);
}

/* Begin, ask for 10.0.0.1:80 and let it connect. */
static struct stack_tcp *visit_connected(struct visit *v)
{
    visit_begin(v, (struct ground_options){0});
    say(v, BYTES(HELLO));
    say(v, BYTES(TO_V4));
    struct stack_tcp *t = fake_tcp(v->g->stack, 0);
    fake_tcp_connected(t);
    settle(v);
    return t;
}

static void assert_heard(const struct visit *v, const char *bytes, size_t len)
{
    assert_int_equal(v->c.output.len, len);
    assert_memory_equal(v->c.output.data, bytes, len);
}

static void a_client_is_led_through_the_door(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    say(&v, BYTES(HELLO));
    assert_heard(&v, BYTES(WELCOME));
    say(&v, BYTES(TO_V4));
    assert_heard(&v, BYTES(WELCOME)); /* nothing before it is connected */
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    assert_string_equal(fake_tcp_where(t), "10.0.0.1:80");
    fake_tcp_connected(t);
    settle(&v);
    assert_heard(&v, BYTES(WELCOME CONNECTED));
    assert_int_equal(proxy_next_deadline(v.g->proxy), NEVER);

    say(&v, BYTES("ping"));
    fake_tcp_deliver(t, "pong", 4);
    fake_tcp_deliver_fin(t);
    fake_client_shutdown(&v.c);
    settle(&v);
    assert_heard(&v, BYTES(WELCOME CONNECTED "pong"));
    assert_int_equal(fake_tcp_sent(t)->len, 4);
    assert_int_equal(fake_tcp_fate(t), FAKE_CLOSED);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    assert_true(ground_said(
        v.g, "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> both sides finished, 4 bytes up, 4 down"));
    assert_int_equal(ground_lines(v.g), 1);
    visit_end(&v);
}

static void any_split_of_the_request_leads_through_the_door(void **state)
{
    (void)state;
    static const char all[] = HELLO TO_NAME "early";
    for (size_t a = 0; a < sizeof all - 1; a++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        say(&v, all, a);
        say(&v, all + a, sizeof all - 1 - a);
        fake_resolver_answer(v.g->resolver, 0, "10.0.0.1", v.g->now);
        fake_tcp_connected(fake_tcp(v.g->stack, 0));
        settle(&v);
        assert_heard(&v, BYTES(WELCOME CONNECTED));
        assert_int_equal(fake_tcp_sent(fake_tcp(v.g->stack, 0))->len, 5);
        visit_end(&v);
    }
}

static void a_name_is_told_with_its_address(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    say(&v, BYTES(HELLO TO_NAME));
    fake_resolver_answer(v.g->resolver, 0, "10.0.0.1", v.g->now);
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    settle(&v);
    assert_true(
        ground_said(v.g, "debug: 127.0.0.1:40000 to example.com:443 -> connected to 10.0.0.1:443"));
    visit_end(&v);
}

/* LogDomains */
static void where_clients_go_is_told_at_info_where_the_door_says_so(void **state)
{
    (void)state;
    struct visit v;
    for (int tells = 0; tells < 2; tells++) {
        visit_begin(&v, (struct ground_options){.tells_targets = tells});
        v.g->log.level = LOG_INFO;
        say(&v, BYTES(HELLO TO_NAME));
        fake_resolver_answer(v.g->resolver, 0, "10.0.0.1", v.g->now);
        fake_tcp_connected(fake_tcp(v.g->stack, 0));
        settle(&v);
        assert_int_equal(ground_said(v.g,
                                     "info: 127.0.0.1:40000 to example.com:443 -> connected to "
                                     "10.0.0.1:443"),
                         tells);
        visit_end(&v);
    }
}

static void an_ipv6_target_has_an_ipv6_end(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    say(&v, BYTES(HELLO));
    say(&v, BYTES("\x05\x01\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50"));
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    settle(&v);
    assert_heard(&v, BYTES(WELCOME "\x05\x00\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\xc3\x50"));
    visit_end(&v);
}

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
        say(&v, BYTES(HELLO TO_V4));
        fake_tcp_failed(fake_tcp(v.g->stack, 0), cases[i].err);
        settle(&v);
        char reply[] = WELCOME "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
        reply[3] = cases[i].code;
        assert_heard(&v, BYTES(reply));
        char line[128];
        snprintf(line, sizeof line, "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> %s",
                 err_text(cases[i].err));
        fake_client_shutdown(&v.c);
        settle(&v);
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
        say(&v, BYTES(HELLO TO_V4));
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
        say(&v, BYTES(HELLO TO_NAME));
        fake_resolver_fail(v.g->resolver, 0, errs[i], v.g->now);
        settle(&v);
        assert_heard(&v, BYTES(WELCOME "\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"));
        visit_end(&v);
    }
}

static void a_request_that_cannot_be_served_is_answered_and_told(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    say(&v, BYTES(HELLO "\x05\x02\x00\x01\x0a\x00\x00\x01\x00\x50"));
    assert_heard(&v, BYTES(WELCOME "\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00"));
    assert_true(v.c.shut);
    fake_client_shutdown(&v.c);
    settle(&v);
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
    say(&v, BYTES("GET / HTTP/1.1\r\n"));
    assert_int_equal(v.c.output.len, 0);
    assert_true(v.c.shut);
    ground_sleep(v.g, 2 * NS_PER_S);
    settle(&v);
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
    say(&v, BYTES(HELLO TO_V4));
    assert_true(v.c.shut);
    char bytes[5000] = {0};
    for (unsigned i = 0; i < 20; i++) {
        say(&v, bytes, sizeof bytes);
        assert_int_equal(v.c.fate, FAKE_OPEN);
        assert_int_equal(v.c.input_at, v.c.input.len);
    }
    fake_client_shutdown(&v.c);
    settle(&v);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    visit_end(&v);
}

static void a_refused_client_that_stays_is_closed_after_two_seconds(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    fake_stack_forbid(v.g->stack, NULL, ERR_NO_ROUTE);
    say(&v, BYTES(HELLO TO_V4));
    assert_int_equal(proxy_next_deadline(v.g->proxy), v.g->now.mono + 2 * NS_PER_S);
    ground_sleep(v.g, 2 * NS_PER_S - 1);
    settle(&v);
    assert_int_equal(v.c.fate, FAKE_OPEN);
    ground_sleep(v.g, 1);
    settle(&v);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    visit_end(&v);
}

static void answers_leave_byte_by_byte_and_nothing_overtakes_them(void **state)
{
    (void)state;
    static const char expected[] = WELCOME CONNECTED "answer";
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    v.c.room = 0;
    say(&v, BYTES(HELLO TO_V4 "early"));
    for (size_t n = 1; n < sizeof expected; n++) {
        if (n == 3) { /* the method's answer is out, and so the request was read */
            fake_tcp_connected(fake_tcp(v.g->stack, 0));
            fake_tcp_deliver(fake_tcp(v.g->stack, 0), "answer", 6);
        }
        v.c.room = 1;
        settle(&v);
        assert_heard(&v, expected, n);
    }
    assert_int_equal(fake_tcp_sent(fake_tcp(v.g->stack, 0))->len, 5);
    visit_end(&v);
}

static void a_refusal_leaves_byte_by_byte(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    fake_stack_forbid(v.g->stack, NULL, ERR_NO_ROUTE);
    v.c.room = 2;
    say(&v, BYTES(HELLO TO_V4 "early"));
    for (size_t n = 3; n <= 12; n++) {
        assert_false(v.c.shut);
        v.c.room = 1;
        settle(&v);
        assert_int_equal(v.c.output.len, n);
    }
    assert_true(v.c.shut);
    visit_end(&v);
}

static void early_data_waits_and_goes_first(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    say(&v, BYTES(HELLO TO_V4 "one "));
    say(&v, BYTES("two "));
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_connected(t);
    settle(&v);
    say(&v, BYTES("three"));
    assert_int_equal(fake_tcp_sent(t)->len, 13);
    assert_memory_equal(fake_tcp_sent(t)->data, "one two three", 13);
    visit_end(&v);
}

/* More than is read ahead waits in the client's socket; a tunnel with little room takes it bit by
 * bit. */
static void much_early_data_is_not_lost(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    char bytes[10000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
    }
    say(&v, BYTES(HELLO TO_V4));
    say(&v, bytes, sizeof bytes);
    assert_true(v.c.input_at < 1200);
    assert_int_equal(v.c.wanted, 0); /* full: not told of it again and again */
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_set_room(t, 100, 33);
    fake_tcp_connected(t);
    settle(&v);
    assert_int_equal(v.c.output.len, 12); /* the reply does not wait for it */
    while (fake_tcp_sent(t)->len < sizeof bytes) {
        size_t before = fake_tcp_sent(t)->len;
        fake_tcp_acknowledge(t, 50);
        settle(&v);
        assert_true(fake_tcp_sent(t)->len > before);
    }
    assert_memory_equal(fake_tcp_sent(t)->data, bytes, sizeof bytes);
    visit_end(&v);
}

/* What the client sends meanwhile must not be told again and again: settling would never end. */
static void a_client_is_not_heard_while_its_early_data_waits(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    say(&v, BYTES(HELLO TO_V4 "some early data"));
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_set_room(t, 4, 4);
    fake_tcp_connected(t);
    settle(&v);
    say(&v, BYTES(" and late data"));
    while (fake_tcp_sent(t)->len < 29) {
        fake_tcp_acknowledge(t, 4);
        settle(&v);
    }
    assert_memory_equal(fake_tcp_sent(t)->data, "some early data and late data", 29);
    visit_end(&v);
}

static void a_client_that_leaves_before_its_request_is_forgotten(void **state)
{
    (void)state;
    static const char all[] = HELLO TO_NAME;
    for (size_t n = 0; n < sizeof all - 1; n++) {
        for (unsigned reset = 0; reset < 2; reset++) {
            struct visit v;
            visit_begin(&v, (struct ground_options){0});
            say(&v, all, n);
            if (reset) {
                fake_client_reset(&v.c);
            } else {
                fake_client_shutdown(&v.c);
            }
            settle(&v);
            assert_int_equal(proxy_sessions(v.g->proxy), 0);
            assert_int_equal(ground_lines(v.g), 1);
            visit_end(&v);
        }
    }
}

static void a_client_that_leaves_cancels_its_dial(void **state)
{
    (void)state;
    for (unsigned reset = 0; reset < 2; reset++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        say(&v, BYTES(HELLO TO_NAME));
        if (reset) {
            fake_client_reset(&v.c);
        } else {
            fake_client_shutdown(&v.c);
        }
        settle(&v);
        assert_int_equal(proxy_sessions(v.g->proxy), 0);
        assert_int_equal(fake_resolver_running(v.g->resolver), 0);
        assert_int_equal(dialer_next_deadline(v.g->dialer), NEVER);
        assert_true(ground_said(
            v.g, reset ? "debug: 127.0.0.1:40000 to example.com:443 -> client: connection reset"
                       : "debug: 127.0.0.1:40000 to example.com:443 -> the client left before it "
                         "was connected"));
        visit_end(&v);
    }
}

static void a_half_close_behind_early_data_is_kept(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    fake_client_send(&v.c, BYTES(HELLO TO_V4 "whole request"));
    fake_client_shutdown(&v.c);
    settle(&v);
    assert_int_equal(proxy_sessions(v.g->proxy), 1);
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_connected(t);
    settle(&v);
    assert_true(fake_tcp_has_fin(t));
    assert_int_equal(fake_tcp_sent(t)->len, 13);
    fake_tcp_deliver(t, "answer", 6);
    fake_tcp_deliver_fin(t);
    settle(&v);
    assert_heard(&v, BYTES(WELCOME CONNECTED "answer"));
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    assert_true(ground_said(
        v.g, "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> both sides finished, 13 bytes up, 6 down"));
    visit_end(&v);
}

static void a_client_that_leaves_before_its_reply_resets_the_tunnel(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    v.c.room = 2;
    say(&v, BYTES(HELLO TO_V4));
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    settle(&v);
    assert_int_equal(fake_tcp_fate(fake_tcp(v.g->stack, 0)), FAKE_OPEN);
    fake_client_reset(&v.c);
    settle(&v);
    assert_int_equal(fake_tcp_fate(fake_tcp(v.g->stack, 0)), FAKE_ABORTED);
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    visit_end(&v);
}

static void a_tunnel_that_breaks_before_the_reply_is_out_resets_the_client(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    v.c.room = 2;
    say(&v, BYTES(HELLO TO_V4));
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    settle(&v);
    fake_tcp_failed(fake_tcp(v.g->stack, 0), ERR_RESET);
    settle(&v);
    assert_int_equal(v.c.fate, FAKE_ABORTED);
    assert_true(
        ground_said(v.g, "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> tunnel: connection reset"));
    visit_end(&v);
}

static void a_reset_stays_a_reset_in_both_directions(void **state)
{
    (void)state;
    struct visit v;
    struct stack_tcp *t = visit_connected(&v);
    fake_client_reset(&v.c);
    settle(&v);
    assert_int_equal(fake_tcp_fate(t), FAKE_ABORTED);
    assert_true(ground_said(v.g,
                            "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> client: connection reset, "
                            "0 bytes up, 0 down"));
    visit_end(&v);

    t = visit_connected(&v);
    fake_tcp_failed(t, ERR_RESET);
    settle(&v);
    assert_int_equal(v.c.fate, FAKE_ABORTED);
    assert_true(ground_said(v.g,
                            "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> tunnel: connection reset, "
                            "0 bytes up, 0 down"));
    visit_end(&v);
}

static void the_request_must_be_whole_in_ten_seconds(void **state)
{
    (void)state;
    static const char all[] = HELLO TO_NAME;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    uint64_t end = v.g->now.mono + 10 * NS_PER_S;
    for (size_t i = 0; i < sizeof all - 2; i++) { /* a drip does not prolong it */
        say(&v, all + i, 1);
        ground_sleep(v.g, 400 * NS_PER_MS);
        assert_int_equal(proxy_next_deadline(v.g->proxy), end);
    }
    v.g->now.mono = end - 1;
    settle(&v);
    assert_int_equal(v.c.fate, FAKE_OPEN);
    ground_sleep(v.g, 1);
    settle(&v);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    assert_true(ground_said(v.g, "debug: 127.0.0.1:40000 -> no whole request in time"));
    visit_end(&v);
}

static void a_reply_that_is_not_taken_ends_the_session(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){.greeting_timeout = 3 * NS_PER_S});
    v.c.room = 2;
    say(&v, BYTES(HELLO TO_V4));
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    settle(&v);
    ground_sleep(v.g, 3 * NS_PER_S);
    settle(&v);
    assert_int_equal(v.c.fate, FAKE_ABORTED);
    assert_int_equal(fake_tcp_fate(fake_tcp(v.g->stack, 0)), FAKE_ABORTED);
    visit_end(&v);
}

static void a_silent_target_is_a_timeout_after_fifteen_seconds(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    say(&v, BYTES(HELLO TO_V4));
    assert_int_equal(proxy_next_deadline(v.g->proxy), NEVER); /* the dialer's to say */
    ground_sleep(v.g, 15 * NS_PER_S);
    settle(&v);
    assert_heard(&v, BYTES(WELCOME "\x05\x06\x00\x01\x00\x00\x00\x00\x00\x00"));
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

static void names_of_targets_appear_at_debug_only(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    v.g->log.level = LOG_INFO;
    say(&v, BYTES(HELLO TO_NAME));
    fake_client_shutdown(&v.c);
    settle(&v);
    assert_int_equal(ground_lines(v.g), 0);
    visit_end(&v);
}

static void a_client_of_a_unix_socket_has_no_address(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    v.c.stream.remote = (struct endpoint){.port = 0};
    fake_client_shutdown(&v.c);
    settle(&v);
    assert_true(
        ground_said(v.g, "debug: local client -> the client left before its request was whole"));
    visit_end(&v);
}

/* A whole visit in which the k-th allocation fails: refused, or answered with 01, and nothing is
 * kept. */
static void without_memory_a_visit_ends_and_keeps_nothing(void **state)
{
    (void)state;
    for (unsigned k = 1;; k++) {
        struct ground *g = ground_new((struct ground_options){0});
        struct fake_client c;
        fake_client_init(&c);
        fail_alloc_at(k);
        proxy_accept(g->proxy, &c.stream, g->now);
        fake_client_send(&c, BYTES(HELLO TO_NAME));
        struct fake_client *const clients[] = {&c};
        ground_settle(g, clients, 1);
        if (fake_resolver_running(g->resolver) == 1) {
            fake_resolver_answer(g->resolver, 0, "10.0.0.1", g->now);
        }
        if (fake_tcp_count(g->stack) == 1) {
            fake_tcp_connected(fake_tcp(g->stack, 0));
        }
        ground_settle(g, clients, 1);
        bool through = fail_alloc_count() < k;
        fail_alloc_at(0);
        assert_int_equal(c.output.len, c.fate == FAKE_ABORTED ? 0 : 12);
        assert_int_equal(c.output.len == 12 ? c.output.data[3] : 1, through ? 0 : 1);
        proxy_free(g->proxy);
        g->proxy = NULL;
        ground_free(g);
        fake_client_fini(&c);
        if (through) {
            assert_true(k > 4); /* session, handshake, dial, and the puppets' query and stream */
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_led_through_the_door),
        cmocka_unit_test(any_split_of_the_request_leads_through_the_door),
        cmocka_unit_test(a_name_is_told_with_its_address),
        cmocka_unit_test(where_clients_go_is_told_at_info_where_the_door_says_so),
        cmocka_unit_test(an_ipv6_target_has_an_ipv6_end),
        cmocka_unit_test(each_failure_of_a_dial_has_its_reply),
        cmocka_unit_test(each_failure_at_once_has_its_reply),
        cmocka_unit_test(each_failure_of_a_name_has_its_reply),
        cmocka_unit_test(a_request_that_cannot_be_served_is_answered_and_told),
        cmocka_unit_test(what_is_not_socks_is_closed_without_a_word),
        cmocka_unit_test(a_refused_client_is_read_until_it_closes),
        cmocka_unit_test(a_refused_client_that_stays_is_closed_after_two_seconds),
        cmocka_unit_test(answers_leave_byte_by_byte_and_nothing_overtakes_them),
        cmocka_unit_test(a_refusal_leaves_byte_by_byte),
        cmocka_unit_test(early_data_waits_and_goes_first),
        cmocka_unit_test(much_early_data_is_not_lost),
        cmocka_unit_test(a_client_is_not_heard_while_its_early_data_waits),
        cmocka_unit_test(a_client_that_leaves_before_its_request_is_forgotten),
        cmocka_unit_test(a_client_that_leaves_cancels_its_dial),
        cmocka_unit_test(a_half_close_behind_early_data_is_kept),
        cmocka_unit_test(a_client_that_leaves_before_its_reply_resets_the_tunnel),
        cmocka_unit_test(a_tunnel_that_breaks_before_the_reply_is_out_resets_the_client),
        cmocka_unit_test(a_reset_stays_a_reset_in_both_directions),
        cmocka_unit_test(the_request_must_be_whole_in_ten_seconds),
        cmocka_unit_test(a_reply_that_is_not_taken_ends_the_session),
        cmocka_unit_test(a_silent_target_is_a_timeout_after_fifteen_seconds),
        cmocka_unit_test(names_without_dns_are_refused_with_one_warning_a_minute),
        cmocka_unit_test(name_servers_that_are_silent_are_warned_of_once_a_minute),
        cmocka_unit_test(names_of_targets_appear_at_debug_only),
        cmocka_unit_test(a_client_of_a_unix_socket_has_no_address),
        cmocka_unit_test(without_memory_a_visit_ends_and_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
