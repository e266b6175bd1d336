/* SPDX-License-Identifier: MIT */
/* More of src/proxy/session.c and session_connect.c: the protocols beside plain SOCKS5, what is refused, what ends
 * early, and what a session costs. */
#include "proxy/session_parts.h"

#include "base/err.h"
#include "base/macros.h"
#include "unit/test.h"
#include "visit.h"

#include <string.h>

#define SOCKS4 "\x04\x01\x00\x50\x0a\x00\x00\x01me\0"
#define SOCKS4A "\x04\x01\x00\x50\0\0\0\1\0example.com\0"
#define GRANTED "\x00\x5a\xc3\x50\x0a\x09\x09\x09"
#define REJECTED "\x00\x5b\0\0\0\0\0\0"

static const struct ground_options forward = {.protocols = DOOR_FORWARD, .target = "10.0.0.1:80"};

/* ---- SOCKS4 ---- */

static void a_socks4_client_is_led_through_the_door(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(SOCKS4 "early"));
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    visit_settle(&v);
    visit_heard(&v, BYTES(GRANTED));
    assert_memory_equal(fake_tcp_sent(fake_tcp(v.g->stack, 0))->data, "early", 5);
    visit_end(&v);
}

static void a_socks4a_name_is_looked_up_inside(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(SOCKS4A));
    assert_string_equal(fake_resolver_name(v.g->resolver, 0), "example.com");
    fake_resolver_fail(v.g->resolver, 0, ERR_NO_NAME, v.g->now);
    visit_settle(&v);
    visit_heard(&v, BYTES(REJECTED));
    assert_true(v.c.shut);
    visit_end(&v);
}

/* ---- forwards ---- */

static void a_forward_dials_before_the_client_says_anything(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, forward);
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    assert_string_equal(fake_tcp_where(t), "10.0.0.1:80");
    fake_tcp_connected(t);
    fake_tcp_deliver(t, "220 ready", 9);
    visit_settle(&v);
    visit_heard(&v, BYTES("220 ready"));
    visit_say(&v, BYTES("quit"));
    fake_client_shutdown(&v.c);
    fake_tcp_deliver_fin(t);
    visit_settle(&v);
    assert_memory_equal(fake_tcp_sent(t)->data, "quit", 4);
    assert_true(fake_tcp_has_fin(t));
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    visit_end(&v);
}

static void a_forward_that_fails_resets_its_client(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, forward);
    fake_tcp_failed(fake_tcp(v.g->stack, 0), ERR_REFUSED);
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_ABORTED);
    assert_int_equal(v.c.output.len, 0);
    assert_true(ground_said(v.g, "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> connection refused"));
    visit_end(&v);
}

/* Standard input and output have nobody else to tell it. */
static void a_forward_that_fails_says_why_where_that_is_wanted(void **state)
{
    (void)state;
    struct ground_options options = forward;
    struct visit v;
    visit_begin(&v, options);
    fake_tcp_failed(fake_tcp(v.g->stack, 0), ERR_REFUSED);
    visit_settle(&v);
    assert_false(ground_said(v.g, "error: 10.0.0.1:80: connection refused"));
    visit_end(&v);
    options.tells_failures = true;
    visit_begin(&v, options);
    fake_tcp_failed(fake_tcp(v.g->stack, 0), ERR_REFUSED);
    visit_settle(&v);
    assert_true(ground_said(v.g, "error: 10.0.0.1:80: connection refused"));
    visit_end(&v);
}

static void a_forward_that_cannot_begin_resets_its_client_at_once(void **state)
{
    (void)state;
    struct ground *g = ground_new(forward);
    fake_stack_forbid(g->stack, NULL, ERR_NO_ROUTE);
    struct fake_client c;
    fake_client_init(&c);
    proxy_accept(g->proxy, &c.stream, g->now);
    assert_int_equal(c.fate, FAKE_ABORTED);
    assert_int_equal(proxy_sessions(g->proxy), 0);
    ground_free(g);
    fake_client_fini(&c);
}

/* `nc host port </dev/null` wants to hear all the same. */
static void a_forwards_client_may_end_its_side_before_it_is_connected(void **state)
{
    (void)state;
    static const char *const said[] = {"", "question"};
    for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
        struct visit v;
        visit_begin(&v, forward);
        visit_say(&v, said[i], strlen(said[i]));
        fake_client_shutdown(&v.c);
        visit_settle(&v);
        assert_int_equal(proxy_sessions(v.g->proxy), 1);
        struct stack_tcp *t = fake_tcp(v.g->stack, 0);
        fake_tcp_connected(t);
        visit_settle(&v);
        assert_true(fake_tcp_has_fin(t));
        assert_int_equal(fake_tcp_sent(t)->len, strlen(said[i]));
        fake_tcp_deliver(t, "answer", 6);
        fake_tcp_deliver_fin(t);
        visit_settle(&v);
        visit_heard(&v, BYTES("answer"));
        assert_int_equal(v.c.fate, FAKE_CLOSED);
        visit_end(&v);
    }
}

static void a_forwards_client_that_breaks_is_noticed_although_it_ended_its_side(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, forward);
    fake_client_shutdown(&v.c);
    visit_settle(&v);
    fake_client_reset(&v.c);
    visit_settle(&v);
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    assert_int_equal(fake_tcp_fate(fake_tcp(v.g->stack, 0)), FAKE_ABORTED);
    visit_end(&v);
}

/* ---- users and rules ---- */

static void the_rules_of_the_door_are_asked_with_the_user(void **state)
{
    (void)state;
    struct users *u;
    assert_int_equal(users_new(&u), 0);
    assert_int_equal(users_add(u, "alice", "pw"), 0);
    assert_int_equal(users_add(u, "bob", "pw"), 0);
    struct access *a;
    assert_int_equal(access_new(&a), 0);
    assert_int_equal(
        access_add(a, &(struct access_rule){.allow = true, .user = "alice", .last = 65535}), 0);
    struct ground_options options = {.users = u, .access = a};

    struct visit v;
    visit_begin(&v, options);
    visit_say(&v, BYTES("\x05\x01\x02\x01\x05"
                        "alice"
                        "\x02"
                        "pw" TO_V4));
    assert_int_equal(fake_tcp_count(v.g->stack), 1);
    visit_heard(&v, BYTES("\x05\x02\x01\x00"));
    visit_end(&v);

    visit_begin(&v, options);
    visit_say(&v, BYTES("\x05\x01\x02\x01\x03"
                        "bob"
                        "\x02"
                        "pw" TO_V4));
    assert_int_equal(fake_tcp_count(v.g->stack), 0);
    visit_heard(&v, BYTES("\x05\x02\x01\x00\x05\x02\x00\x01\0\0\0\0\0\0"));
    visit_end(&v);

    visit_begin(&v, options);
    visit_say(&v, BYTES("\x05\x01\x02\x01\x03"
                        "bob"
                        "\x02"
                        "ww" TO_V4));
    visit_heard(&v, BYTES("\x05\x02\x01\x01"));
    assert_true(v.c.shut);
    fake_client_shutdown(&v.c);
    visit_settle(&v);
    assert_true(ground_said(v.g, "debug: 127.0.0.1:40000 -> no such user, or another password"));
    visit_end(&v);
    access_free(a);
    users_free(u);
}

static void denied_has_its_code_in_each_protocol(void **state)
{
    (void)state;
    struct access *a;
    assert_int_equal(access_new(&a), 0);
    assert_int_equal(access_add(a, &(struct access_rule){.allow = false, .last = 65535}), 0);
    struct visit v;
    visit_begin(&v, (struct ground_options){.access = a});
    visit_say(&v, BYTES(HELLO TO_NAME));
    visit_heard(&v, BYTES(WELCOME "\x05\x02\x00\x01\0\0\0\0\0\0"));
    visit_end(&v);
    visit_begin(&v, (struct ground_options){.access = a});
    visit_say(&v, BYTES(SOCKS4));
    visit_heard(&v, BYTES(REJECTED));
    visit_end(&v);
    access_free(a);
}

/* ---- a full door ---- */

static void a_full_door_refuses_in_the_clients_own_protocol(void **state)
{
    (void)state;
    static const struct {
        const char *asks;
        size_t len;
        const char *hears; /* how it begins */
        size_t hears_len;
    } cases[] = {
        {BYTES(HELLO TO_V4), BYTES(WELCOME "\x05\x01\x00\x01\0\0\0\0\0\0")},
        {BYTES(SOCKS4), BYTES(REJECTED)},
        {BYTES("CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: 10.0.0.1:443\r\n\r\n"),
         BYTES("HTTP/1.1 503 ")},
        {BYTES("GET http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n"), BYTES("HTTP/1.1 503 ")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){.max_sessions = 1});
        struct fake_client second;
        fake_client_init(&second);
        proxy_accept(v.g->proxy, &second.stream, v.g->now);
        fake_client_send(&second, cases[i].asks, cases[i].len);
        struct fake_client *const clients[] = {&v.c, &second};
        ground_settle(v.g, clients, 2);
        assert_true(second.output.len >= cases[i].hears_len);
        assert_memory_equal(second.output.data, cases[i].hears, cases[i].hears_len);
        assert_true(second.shut);
        assert_int_equal(fake_tcp_count(v.g->stack), 0);
        visit_end(&v);
        fake_client_fini(&second);
    }
}

/* ---- what it costs ---- */

/* Ten thousand idle connections are ordinary: a session that relays is small, and what it needs before that is gone. */
static void a_session_that_relays_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct session) <= 256);
    assert_true(sizeof(struct handshake) <= 4096);
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(HELLO TO_V4));
    const struct session *s = v.c.stream.ctx;
    assert_non_null(s->handshake);
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    visit_settle(&v);
    assert_int_equal(s->state, RELAYING);
    assert_null(s->handshake);
    visit_end(&v);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_socks4_client_is_led_through_the_door),
        TEST(a_socks4a_name_is_looked_up_inside),
        TEST(a_forward_dials_before_the_client_says_anything),
        TEST(a_forward_that_fails_resets_its_client),
        TEST(a_forward_that_fails_says_why_where_that_is_wanted),
        TEST(a_forward_that_cannot_begin_resets_its_client_at_once),
        TEST(a_forwards_client_may_end_its_side_before_it_is_connected),
        TEST(a_forwards_client_that_breaks_is_noticed_although_it_ended_its_side),
        TEST(the_rules_of_the_door_are_asked_with_the_user),
        TEST(denied_has_its_code_in_each_protocol),
        TEST(a_full_door_refuses_in_the_clients_own_protocol),
        TEST(a_session_that_relays_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
