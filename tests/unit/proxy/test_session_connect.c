/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/session_connect.c: what a CONNECT goes through until its bytes flow. */
#include "proxy/session_parts.h"

#include "base/err.h"
#include "unit/test.h"
#include "visit.h"

static void answers_leave_byte_by_byte_and_nothing_overtakes_them(void **state)
{
    (void)state;
    static const char expected[] = WELCOME CONNECTED "answer";
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    v.c.room = 0;
    visit_say(&v, BYTES(HELLO TO_V4 "early"));
    for (size_t n = 1; n < sizeof expected; n++) {
        if (n == 3) { /* the method's answer is out, and so the request was read */
            fake_tcp_connected(fake_tcp(v.g->stack, 0));
            fake_tcp_deliver(fake_tcp(v.g->stack, 0), "answer", 6);
        }
        v.c.room = 1;
        visit_settle(&v);
        visit_heard(&v, expected, n);
    }
    assert_int_equal(fake_tcp_sent(fake_tcp(v.g->stack, 0))->len, 5);
    visit_end(&v);
}

static void early_data_waits_and_goes_first(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(HELLO TO_V4 "one "));
    visit_say(&v, BYTES("two "));
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_connected(t);
    visit_settle(&v);
    visit_say(&v, BYTES("three"));
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
    visit_say(&v, BYTES(HELLO TO_V4));
    visit_say(&v, bytes, sizeof bytes);
    assert_true(v.c.input_at < 1200);
    assert_int_equal(v.c.wanted, 0); /* full: not told of it again and again */
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_set_room(t, 100, 33);
    fake_tcp_connected(t);
    visit_settle(&v);
    assert_int_equal(v.c.output.len, 12); /* the reply does not wait for it */
    while (fake_tcp_sent(t)->len < sizeof bytes) {
        size_t before = fake_tcp_sent(t)->len;
        fake_tcp_acknowledge(t, 50);
        visit_settle(&v);
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
    visit_say(&v, BYTES(HELLO TO_V4 "some early data"));
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_set_room(t, 4, 4);
    fake_tcp_connected(t);
    visit_settle(&v);
    visit_say(&v, BYTES(" and late data"));
    while (fake_tcp_sent(t)->len < 29) {
        fake_tcp_acknowledge(t, 4);
        visit_settle(&v);
    }
    assert_memory_equal(fake_tcp_sent(t)->data, "some early data and late data", 29);
    visit_end(&v);
}

static void a_client_that_leaves_cancels_its_dial(void **state)
{
    (void)state;
    for (unsigned reset = 0; reset < 2; reset++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, BYTES(HELLO TO_NAME));
        if (reset) {
            fake_client_reset(&v.c);
        } else {
            fake_client_shutdown(&v.c);
        }
        visit_settle(&v);
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
    visit_settle(&v);
    assert_int_equal(proxy_sessions(v.g->proxy), 1);
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_connected(t);
    visit_settle(&v);
    assert_true(fake_tcp_has_fin(t));
    assert_int_equal(fake_tcp_sent(t)->len, 13);
    fake_tcp_deliver(t, "answer", 6);
    fake_tcp_deliver_fin(t);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME CONNECTED "answer"));
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
    visit_say(&v, BYTES(HELLO TO_V4));
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    visit_settle(&v);
    assert_int_equal(fake_tcp_fate(fake_tcp(v.g->stack, 0)), FAKE_OPEN);
    fake_client_reset(&v.c);
    visit_settle(&v);
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
    visit_say(&v, BYTES(HELLO TO_V4));
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    visit_settle(&v);
    fake_tcp_failed(fake_tcp(v.g->stack, 0), ERR_RESET);
    visit_settle(&v);
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
    visit_settle(&v);
    assert_int_equal(fake_tcp_fate(t), FAKE_ABORTED);
    assert_true(ground_said(v.g,
                            "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> client: connection reset, "
                            "0 bytes up, 0 down"));
    visit_end(&v);

    t = visit_connected(&v);
    fake_tcp_failed(t, ERR_RESET);
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_ABORTED);
    assert_true(ground_said(v.g,
                            "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> tunnel: connection reset, "
                            "0 bytes up, 0 down"));
    visit_end(&v);
}

static void a_reply_that_is_not_taken_ends_the_session(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){.greeting_timeout = 3 * NS_PER_S});
    v.c.room = 2;
    visit_say(&v, BYTES(HELLO TO_V4));
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    visit_settle(&v);
    ground_sleep(v.g, 3 * NS_PER_S);
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_ABORTED);
    assert_int_equal(fake_tcp_fate(fake_tcp(v.g->stack, 0)), FAKE_ABORTED);
    visit_end(&v);
}

static void a_silent_target_is_a_timeout_after_fifteen_seconds(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(HELLO TO_V4));
    assert_int_equal(proxy_next_deadline(v.g->proxy), NEVER); /* the dialer's to say */
    ground_sleep(v.g, 15 * NS_PER_S);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME "\x05\x06\x00\x01\x00\x00\x00\x00\x00\x00"));
    visit_end(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_leave_byte_by_byte_and_nothing_overtakes_them),
        cmocka_unit_test(early_data_waits_and_goes_first),
        cmocka_unit_test(much_early_data_is_not_lost),
        cmocka_unit_test(a_client_is_not_heard_while_its_early_data_waits),
        cmocka_unit_test(a_client_that_leaves_cancels_its_dial),
        cmocka_unit_test(a_half_close_behind_early_data_is_kept),
        cmocka_unit_test(a_client_that_leaves_before_its_reply_resets_the_tunnel),
        cmocka_unit_test(a_tunnel_that_breaks_before_the_reply_is_out_resets_the_client),
        cmocka_unit_test(a_reset_stays_a_reset_in_both_directions),
        cmocka_unit_test(a_reply_that_is_not_taken_ends_the_session),
        cmocka_unit_test(a_silent_target_is_a_timeout_after_fifteen_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
