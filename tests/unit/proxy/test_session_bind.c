/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/session_bind.c: where we wait, who may come, and what the client hears of it. */
#include "proxy/session.h"

#include "base/err.h"
#include "fail_alloc.h"
#include "unit/test.h"
#include "visit.h"

#define WAIT (60 * NS_PER_S)
#define BIND_V4 "\x05\x02\x00\x01\x0a\x00\x00\x01\x00\x15"
#define BIND_ANY "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"
#define BIND_NAME          \
    "\x05\x02\x00\x03\x0b" \
    "example.com"          \
    "\x00\x15"
#define WAITS "\x05\x00\x00\x01\x0a\x09\x09\x09\x9c\x40"
#define CAME "\x05\x00\x00\x01\x0a\x00\x00\x01\x00\x14"

static const struct ground_options binds = {.binds = true};

static void who_was_named_is_let_through_and_the_client_hears_of_both(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES(HELLO BIND_V4));
    visit_heard(&v, BYTES(WELCOME WAITS));
    struct stack_tcp *t = fake_listener_show(v.g->stack, 0, "10.0.0.1:20", v.g->now);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME WAITS CAME));
    assert_false(fake_listener_is_open(v.g->stack, 0));
    fake_tcp_deliver(t, "file", 4);
    fake_tcp_deliver_fin(t);
    visit_say(&v, BYTES("ok"));
    visit_heard(&v, BYTES(WELCOME WAITS CAME "file"));
    assert_memory_equal(fake_tcp_sent(t)->data, "ok", 2);
    fake_client_shutdown(&v.c);
    visit_settle(&v);
    assert_int_equal(fake_tcp_fate(t), FAKE_CLOSED);
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    visit_end(&v);
}

static void strangers_are_reset_and_the_wait_goes_on(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES(HELLO BIND_V4));
    assert_int_equal(fake_tcp_fate(fake_listener_show(v.g->stack, 0, "10.0.0.2:20", v.g->now)),
                     FAKE_ABORTED);
    assert_int_equal(fake_tcp_fate(fake_listener_show(v.g->stack, 0, "[fd00::1]:20", v.g->now)),
                     FAKE_ABORTED);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME WAITS));
    fake_listener_show(v.g->stack, 0, "10.0.0.1:20", v.g->now);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME WAITS CAME));
    visit_end(&v);
}

static void without_an_address_anyone_may_come(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES(HELLO BIND_ANY));
    visit_heard(&v, BYTES(WELCOME WAITS));
    fake_listener_show(v.g->stack, 0, "[fd00::1]:20", v.g->now);
    visit_settle(&v);
    visit_heard(
        &v, BYTES(WELCOME WAITS "\x05\x00\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x14"));
    visit_end(&v);
}

static void any_address_of_a_name_may_come(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES(HELLO BIND_NAME));
    visit_heard(&v, BYTES(WELCOME));
    assert_int_equal(fake_listener_count(v.g->stack), 0);
    fake_resolver_answer(v.g->resolver, 0, "10.0.0.7 10.0.0.1", v.g->now);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME WAITS));
    fake_listener_show(v.g->stack, 0, "10.0.0.1:20", v.g->now);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME WAITS CAME));
    visit_end(&v);
}

static void a_name_that_is_none_is_refused(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES(HELLO BIND_NAME));
    fake_resolver_fail(v.g->resolver, 0, ERR_NO_NAME, v.g->now);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME "\x05\x04\x00\x01\0\0\0\0\0\0"));
    assert_true(v.c.shut);
    visit_end(&v);
}

static void the_address_told_is_of_the_family_that_will_come(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES(HELLO "\x05\x02\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x15"));
    visit_heard(&v, BYTES(WELCOME "\x05\x00\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\x9c\x40"));
    visit_end(&v);

    visit_begin(&v, binds);
    fake_stack_lacks(v.g->stack, FAMILY_V4);
    visit_say(&v, BYTES(HELLO BIND_ANY));
    visit_heard(&v, BYTES(WELCOME "\x05\x00\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\x9c\x40"));
    visit_end(&v);
}

static void nobody_comes_in_time(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES(HELLO BIND_V4));
    assert_int_equal(proxy_next_deadline(v.g->proxy), v.g->now.mono + WAIT);
    ground_sleep(v.g, WAIT);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME WAITS "\x05\x06\x00\x01\0\0\0\0\0\0"));
    assert_false(fake_listener_is_open(v.g->stack, 0));
    fake_client_shutdown(&v.c);
    visit_settle(&v);
    assert_true(ground_said(v.g, "debug: 127.0.0.1:40000 to 10.0.0.1:21 -> timed out"));
    visit_end(&v);
}

static void a_client_that_leaves_takes_the_port_along(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 4; step++) {
        struct visit v;
        visit_begin(&v, binds);
        visit_say(&v, BYTES(HELLO));
        if (step >= 2) {
            visit_say(&v, BYTES(BIND_NAME)); /* 2: while it is looked up; 3: while it waits */
        } else {
            visit_say(&v, BYTES(BIND_V4));
        }
        if (step == 3) {
            fake_resolver_answer(v.g->resolver, 0, "10.0.0.1", v.g->now);
            visit_settle(&v);
        }
        if (step == 0) {
            fake_client_shutdown(&v.c);
        } else {
            fake_client_reset(&v.c);
        }
        visit_settle(&v);
        assert_int_equal(proxy_sessions(v.g->proxy), 0);
        assert_int_equal(v.c.fate, FAKE_ABORTED);
        visit_end(&v); /* fails when a listener or a look-up is left */
    }
}

static void the_second_reply_waits_for_the_first(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES(HELLO));
    v.c.room = 3;
    visit_say(&v, BYTES(BIND_V4));
    struct stack_tcp *t = fake_listener_show(v.g->stack, 0, "10.0.0.1:20", v.g->now);
    fake_tcp_deliver(t, "hi", 2);
    visit_settle(&v);
    assert_int_equal(v.c.output.len, 2 + 3);
    v.c.room = SIZE_MAX;
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME WAITS CAME "hi"));
    visit_end(&v);
}

static void who_came_may_break_before_the_reply(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES(HELLO));
    v.c.room = 3;
    visit_say(&v, BYTES(BIND_V4));
    struct stack_tcp *t = fake_listener_show(v.g->stack, 0, "10.0.0.1:20", v.g->now);
    fake_tcp_failed(t, ERR_RESET);
    visit_settle(&v);
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    visit_end(&v);

    visit_begin(&v, binds); /* nor does a client that takes nothing hold the port for ever */
    visit_say(&v, BYTES(HELLO));
    v.c.room = 3;
    visit_say(&v, BYTES(BIND_V4));
    ground_sleep(v.g, WAIT);
    visit_settle(&v);
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    visit_end(&v);
}

static void the_rules_hold_for_who_comes(void **state)
{
    (void)state;
    struct access *a;
    assert_int_equal(access_new(&a), 0);
    struct access_rule rule = {.allow = false, .has_net = true, .last = 65535};
    assert_true(prefix_parse(&rule.net, "10.0.0.0/24"));
    assert_int_equal(access_add(a, &rule), 0);
    struct ground_options options = {.binds = true, .access = a};

    struct visit v;
    visit_begin(&v, options);
    visit_say(&v, BYTES(HELLO BIND_V4));
    visit_heard(&v, BYTES(WELCOME "\x05\x02\x00\x01\0\0\0\0\0\0"));
    visit_end(&v);

    visit_begin(&v, options);
    visit_say(&v, BYTES(HELLO BIND_ANY));
    assert_int_equal(fake_tcp_fate(fake_listener_show(v.g->stack, 0, "10.0.0.1:20", v.g->now)),
                     FAKE_ABORTED);
    assert_int_equal(fake_tcp_fate(fake_listener_show(v.g->stack, 0, "10.0.1.1:20", v.g->now)),
                     FAKE_OPEN);
    visit_end(&v);

    visit_begin(&v, options);
    visit_say(&v, BYTES(HELLO BIND_NAME));
    fake_resolver_answer(v.g->resolver, 0, "10.0.0.1", v.g->now);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME "\x05\x02\x00\x01\0\0\0\0\0\0"));
    visit_end(&v);
    access_free(a);
}

static void socks4_binds_too(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, binds);
    visit_say(&v, BYTES("\x04\x02\x00\x15\x0a\x00\x00\x01me\0"));
    visit_heard(&v, BYTES("\x00\x5a\x9c\x40\x0a\x09\x09\x09"));
    fake_listener_show(v.g->stack, 0, "10.0.0.1:20", v.g->now);
    visit_settle(&v);
    visit_heard(&v, BYTES("\x00\x5a\x9c\x40\x0a\x09\x09\x09\x00\x5a\x00\x14\x0a\x00\x00\x01"));
    visit_end(&v);
}

static void a_door_without_a_stack_does_not_bind(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(HELLO BIND_V4));
    visit_heard(&v, BYTES(WELCOME "\x05\x07\x00\x01\0\0\0\0\0\0"));
    visit_end(&v);
}

static void without_memory_it_is_refused(void **state)
{
    (void)state;
    for (unsigned k = 1; k <= 2; k++) {
        struct visit v;
        visit_begin(&v, binds);
        fail_alloc_at(k);
        visit_say(&v, BYTES(HELLO BIND_V4));
        fail_alloc_at(0);
        visit_heard(&v, BYTES(WELCOME "\x05\x01\x00\x01\0\0\0\0\0\0"));
        visit_end(&v);
    }
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_was_named_is_let_through_and_the_client_hears_of_both),
        TEST(strangers_are_reset_and_the_wait_goes_on),
        TEST(without_an_address_anyone_may_come),
        TEST(any_address_of_a_name_may_come),
        TEST(a_name_that_is_none_is_refused),
        TEST(the_address_told_is_of_the_family_that_will_come),
        TEST(nobody_comes_in_time),
        TEST(a_client_that_leaves_takes_the_port_along),
        TEST(the_second_reply_waits_for_the_first),
        TEST(who_came_may_break_before_the_reply),
        TEST(the_rules_hold_for_who_comes),
        TEST(socks4_binds_too),
        TEST(a_door_without_a_stack_does_not_bind),
        TEST(without_memory_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
