/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/proxy.c: who is let in, whose time is over, and what many sessions cost. */
#include "proxy/proxy.h"

#include "base/err.h"
#include "fail_alloc.h"
#include "ground.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 1000
#define BYTES(s) (s), sizeof(s) - 1
#define REQUEST "\x05\x01\x00\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50"

struct crowd {
    struct ground *g;
    struct fake_client c[N];
    struct fake_client *all[N];
};

static struct crowd *crowd_new(struct ground_options options)
{
    struct crowd *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->g = ground_new(options);
    for (unsigned i = 0; i < N; i++) {
        fake_client_init(&w->c[i]);
        w->all[i] = &w->c[i];
    }
    return w;
}

/* The clients that came in must have been given up by then. */
static void crowd_free(struct crowd *w, unsigned came)
{
    ground_free(w->g);
    for (unsigned i = 0; i < came; i++) {
        fake_client_fini(&w->c[i]);
    }
    free(w);
}

static void come_in(struct crowd *w, unsigned i)
{
    proxy_accept(w->g->proxy, &w->c[i].stream, w->g->now);
}

static void settle(struct crowd *w, unsigned n)
{
    ground_settle(w->g, w->all, n);
}

static void a_thousand_sessions_are_independent(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){0});
    for (unsigned i = 0; i < N; i++) {
        come_in(w, i);
        fake_client_send(&w->c[i], BYTES(REQUEST));
    }
    settle(w, N);
    assert_int_equal(proxy_sessions(w->g->proxy), N);
    assert_int_equal(fake_tcp_count(w->g->stack), N);
    for (unsigned i = 0; i < N; i++) { /* connected from the last to the first */
        fake_tcp_connected(fake_tcp(w->g->stack, N - 1 - i));
    }
    settle(w, N);
    assert_int_equal(proxy_next_deadline(w->g->proxy), NEVER);
    for (unsigned i = 0; i < N; i++) {
        char own[16];
        snprintf(own, sizeof own, "flow %03u", i);
        fake_client_send(&w->c[i], own, 8);
        fake_client_shutdown(&w->c[i]);
    }
    settle(w, N);
    for (unsigned i = 0; i < N; i++) {
        struct stack_tcp *t = fake_tcp(w->g->stack, i);
        assert_memory_equal(fake_tcp_sent(t)->data, w->c[i].input.data + sizeof REQUEST - 1, 8);
        fake_tcp_deliver(t, fake_tcp_sent(t)->data, 8);
        fake_tcp_deliver_fin(t);
    }
    settle(w, N);
    assert_int_equal(proxy_sessions(w->g->proxy), 0);
    for (unsigned i = 0; i < N; i++) {
        assert_memory_equal(w->c[i].output.data + 12, w->c[i].input.data + sizeof REQUEST - 1, 8);
        assert_int_equal(w->c[i].fate, FAKE_CLOSED);
    }
    crowd_free(w, N);
}

static void timeouts_come_in_order_and_each_at_its_time(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){0});
    uint64_t began = w->g->now.mono;
    for (unsigned i = 0; i < N; i++) {
        come_in(w, i);
        ground_sleep(w->g, NS_PER_MS);
    }
    settle(w, N);
    for (unsigned i = 0; i < N; i++) {
        uint64_t at = began + i * NS_PER_MS + 10 * NS_PER_S;
        assert_int_equal(proxy_next_deadline(w->g->proxy), at);
        w->g->now.mono = at;
        proxy_tick(w->g->proxy, w->g->now);
        assert_int_equal(w->c[i].fate, FAKE_CLOSED);
        assert_int_equal(proxy_sessions(w->g->proxy), N - 1 - i);
    }
    assert_int_equal(proxy_next_deadline(w->g->proxy), NEVER);
    crowd_free(w, N);
}

static void a_tick_before_its_time_does_nothing(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){0});
    come_in(w, 0);
    ground_sleep(w->g, 10 * NS_PER_S - 1);
    proxy_tick(w->g->proxy, w->g->now);
    assert_int_equal(proxy_sessions(w->g->proxy), 1);
    crowd_free(w, 1);
}

static void more_than_the_limit_are_refused_in_words_with_one_warning(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){.max_sessions = 3});
    for (unsigned i = 0; i < 6; i++) {
        come_in(w, i);
        fake_client_send(&w->c[i], BYTES(REQUEST));
    }
    settle(w, 6);
    assert_int_equal(fake_tcp_count(w->g->stack), 3);
    for (unsigned i = 3; i < 6; i++) {
        assert_memory_equal(w->c[i].output.data, "\x05\x00\x05\x01\x00\x01\0\0\0\0\0\0", 12);
        assert_true(w->c[i].shut);
    }
    assert_true(ground_said(
        w->g, "warning: 3 sessions are running, the limit -> new clients are turned away"));
    for (unsigned i = 3; i < 5; i++) {
        fake_client_shutdown(&w->c[i]);
    }
    settle(w, 6);
    assert_int_equal(proxy_sessions(w->g->proxy), 3 + 1);
    assert_int_equal(ground_lines(w->g), 1 + 2);
    fake_client_reset(&w->c[0]);
    settle(w, 6);
    come_in(w, 6); /* one left, one may come, whoever still reads why he may not */
    fake_client_send(&w->c[6], BYTES(REQUEST));
    settle(w, 7);
    assert_int_equal(fake_tcp_count(w->g->stack), 4);
    crowd_free(w, 7);
}

/* Not one more than a bounded number, and not at a door that has no words. */
static void far_more_than_the_limit_are_reset(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){.max_sessions = 3});
    unsigned reset = 0;
    for (unsigned i = 0; i < 200; i++) {
        come_in(w, i);
        reset += w->c[i].fate == FAKE_ABORTED;
    }
    assert_int_equal(reset, 200 - 3 - 64);
    crowd_free(w, 200);

    w = crowd_new((struct ground_options){
        .max_sessions = 1, .protocols = DOOR_FORWARD, .target = "10.0.0.1:80"});
    come_in(w, 0);
    come_in(w, 1);
    assert_int_equal(w->c[0].fate, FAKE_OPEN);
    assert_int_equal(w->c[1].fate, FAKE_ABORTED);
    crowd_free(w, 2);
}

#define GET "GET http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* Client `i` asks for a page; its server, the n-th that was dialled, answers if it is to. */
static void ask(struct crowd *w, unsigned i, unsigned n, bool answers)
{
    fake_client_send(&w->c[i], BYTES(GET));
    settle(w, i + 1);
    assert_int_equal(fake_tcp_count(w->g->stack), n + 1);
    fake_tcp_connected(fake_tcp(w->g->stack, n));
    if (answers) {
        fake_tcp_deliver(fake_tcp(w->g->stack, n), BYTES(OK));
    }
    settle(w, i + 1);
}

static bool was_answered(struct crowd *w, unsigned i)
{
    return w->c[i].output.len == sizeof OK - 1 &&
           memcmp(w->c[i].output.data, OK, sizeof OK - 1) == 0;
}

/* Its browser asks for a connection again when it needs one: RFC 9112 section 9.3. */
static void the_longest_resting_client_makes_room_for_a_new_one(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){.max_sessions = 3});
    for (unsigned i = 0; i < 3; i++) {
        come_in(w, i);
        ask(w, i, i, i != 1); /* the second one waits for its server */
        ground_sleep(w->g, NS_PER_S);
    }
    for (unsigned i = 3; i < 5; i++) {
        come_in(w, i);
        assert_int_equal(proxy_sessions(w->g->proxy), 3);
        unsigned gone = i == 3 ? 0 : 2;
        assert_int_equal(w->c[gone].fate, FAKE_CLOSED);
        assert_int_equal(fake_tcp_fate(fake_tcp(w->g->stack, gone)), FAKE_CLOSED);
        ask(w, i, i, false);
    }
    assert_null(strstr(w->g->lines, "warning"));
    assert_true(ground_said(w->g, "debug: 127.0.0.1:40000 -> it rested, and another one came"));
    come_in(w, 5); /* nobody rests any more */
    fake_client_send(&w->c[5], BYTES(GET));
    settle(w, 6);
    assert_int_equal(fake_tcp_count(w->g->stack), 5);
    assert_memory_equal(w->c[5].output.data, "HTTP/1.1 503", 12);
    assert_int_equal(w->c[1].fate, FAKE_OPEN);
    crowd_free(w, 6);
}

/* Without a limit, too: the machine may have no descriptor for one more. */
static void the_longest_resting_client_may_be_asked_to_make_room(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){0});
    for (unsigned i = 0; i < 3; i++) {
        come_in(w, i);
        ask(w, i, i, i != 1);
        ground_sleep(w->g, NS_PER_S);
    }
    assert_true(proxy_make_room(w->g->proxy));
    assert_int_equal(w->c[0].fate, FAKE_CLOSED);
    assert_int_equal(w->c[2].fate, FAKE_OPEN);
    assert_true(proxy_make_room(w->g->proxy));
    assert_false(proxy_make_room(w->g->proxy));
    assert_int_equal(w->c[1].fate, FAKE_OPEN);
    crowd_free(w, 3);
}

/* It was one too many when it came, and is none when it asks. */
static void who_came_beyond_the_limit_is_let_in_where_there_is_room_by_then(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){.max_sessions = 2});
    for (unsigned i = 0; i < 2; i++) {
        come_in(w, i);
        ask(w, i, i, false);
    }
    for (unsigned i = 2; i < 5; i++) {
        come_in(w, i);
    }
    fake_tcp_deliver(fake_tcp(w->g->stack, 0), BYTES(OK)); /* the first one rests */
    fake_client_reset(&w->c[1]);                           /* and the second one is gone */
    settle(w, 5);
    assert_true(was_answered(w, 0));
    for (unsigned i = 2; i < 5; i++) {
        fake_client_send(&w->c[i], BYTES(GET));
        settle(w, 5);
    }
    assert_int_equal(w->c[0].fate, FAKE_CLOSED);
    assert_int_equal(fake_tcp_count(w->g->stack), 4);
    assert_memory_equal(w->c[4].output.data, "HTTP/1.1 503", 12);
    for (unsigned n = 2; n < 4; n++) {
        fake_tcp_connected(fake_tcp(w->g->stack, n));
        fake_tcp_deliver(fake_tcp(w->g->stack, n), BYTES(OK));
    }
    settle(w, 5);
    assert_true(was_answered(w, 2) && was_answered(w, 3));
    crowd_free(w, 5);
}

#define IDLE (80 * NS_PER_S)

static void a_silent_flow_ends_with_a_reset_at_its_limit_and_a_busy_one_does_not(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){.idle = IDLE});
    for (unsigned i = 0; i < 3; i++) {
        come_in(w, i);
        fake_client_send(&w->c[i], BYTES(REQUEST));
        settle(w, 3);
        fake_tcp_connected(fake_tcp(w->g->stack, i));
        settle(w, 3);
    }
    for (unsigned s = 0; s < 60; s++) { /* one busy upwards, one downwards, one silent */
        ground_sleep(w->g, NS_PER_S);
        fake_client_send(&w->c[0], "x", 1);
        fake_tcp_deliver(fake_tcp(w->g->stack, 1), "x", 1);
        settle(w, 3);
    }
    ground_sleep(w->g, IDLE - 60 * NS_PER_S - 1);
    settle(w, 3);
    assert_int_equal(w->c[2].fate, FAKE_OPEN);
    ground_sleep(w->g, IDLE / 8 + 2);
    settle(w, 3);
    assert_int_equal(w->c[2].fate, FAKE_ABORTED);
    assert_int_equal(fake_tcp_fate(fake_tcp(w->g->stack, 2)), FAKE_ABORTED);
    assert_true(ground_said(
        w->g, "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> idle for too long, 0 bytes up, 0 down"));
    assert_int_equal(proxy_sessions(w->g->proxy), 2);
    ground_sleep(w->g, IDLE);
    settle(w, 3);
    assert_int_equal(proxy_sessions(w->g->proxy), 0);
    assert_int_equal(proxy_next_deadline(w->g->proxy), NEVER);
    crowd_free(w, 3);
}

static void draining_ends_who_asked_for_nothing_and_waits_for_the_others(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){0});
    for (unsigned i = 0; i < 4; i++) {
        come_in(w, i);
    }
    fake_client_send(&w->c[1], BYTES(REQUEST));
    fake_client_send(&w->c[2], BYTES(REQUEST));
    w->c[2].room = 2; /* its reply will be stuck */
    settle(w, 4);
    fake_tcp_connected(fake_tcp(w->g->stack, 0));
    fake_tcp_connected(fake_tcp(w->g->stack, 1));
    settle(w, 4);

    assert_true(proxy_drain(w->g->proxy));
    assert_int_equal(proxy_sessions(w->g->proxy), 2);
    assert_int_equal(w->c[0].fate, FAKE_CLOSED);
    assert_int_equal(w->c[1].fate, FAKE_OPEN);
    assert_int_equal(w->c[2].fate, FAKE_OPEN);
    assert_int_equal(w->c[3].fate, FAKE_CLOSED);

    come_in(w, 4);
    assert_int_equal(w->c[4].fate, FAKE_ABORTED);

    w->c[2].room = SIZE_MAX;
    settle(w, 4);
    fake_client_reset(&w->c[1]);
    fake_client_reset(&w->c[2]);
    settle(w, 4);
    assert_false(proxy_drain(w->g->proxy));
    crowd_free(w, 5);
}

static void what_is_left_at_the_end_is_given_up(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){0});
    for (unsigned i = 0; i < 4; i++) {
        come_in(w, i);
    }
    fake_client_send(&w->c[1], BYTES(REQUEST));    /* dialling */
    fake_client_send(&w->c[2], BYTES("\x05\x00")); /* refused */
    fake_client_send(&w->c[3], BYTES(REQUEST));    /* relaying */
    settle(w, 4);
    fake_tcp_connected(fake_tcp(w->g->stack, 1));
    settle(w, 4);
    proxy_free(w->g->proxy);
    w->g->proxy = NULL;
    assert_int_equal(w->c[0].fate, FAKE_CLOSED);
    assert_int_equal(w->c[1].fate, FAKE_ABORTED);
    assert_int_equal(w->c[2].fate, FAKE_CLOSED);
    assert_int_equal(w->c[3].fate, FAKE_ABORTED);
    assert_int_equal(fake_tcp_fate(fake_tcp(w->g->stack, 0)), FAKE_ABORTED);
    assert_int_equal(fake_tcp_fate(fake_tcp(w->g->stack, 1)), FAKE_ABORTED);
    crowd_free(w, 4);
}

static void without_memory_a_client_is_turned_away(void **state)
{
    (void)state;
    struct crowd *w = crowd_new((struct ground_options){0});
    fail_alloc_at(1);
    come_in(w, 0);
    fail_alloc_at(2);
    come_in(w, 1);
    fail_alloc_at(1);
    struct proxy *p;
    assert_int_equal(proxy_new(&p, &(struct proxy_config){.dialer = w->g->dialer}), ERR_NOMEM);
    fail_alloc_at(0);
    assert_int_equal(w->c[0].fate, FAKE_ABORTED);
    assert_int_equal(w->c[1].fate, FAKE_ABORTED);
    assert_int_equal(proxy_sessions(w->g->proxy), 0);
    assert_true(ground_said(w->g, "warning: a client is turned away: out of memory"));
    assert_int_equal(ground_lines(w->g), 1);
    crowd_free(w, 2);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_sessions_are_independent),
        TEST(timeouts_come_in_order_and_each_at_its_time),
        TEST(a_tick_before_its_time_does_nothing),
        TEST(more_than_the_limit_are_refused_in_words_with_one_warning),
        TEST(far_more_than_the_limit_are_reset),
        TEST(the_longest_resting_client_makes_room_for_a_new_one),
        TEST(the_longest_resting_client_may_be_asked_to_make_room),
        TEST(who_came_beyond_the_limit_is_let_in_where_there_is_room_by_then),
        TEST(a_silent_flow_ends_with_a_reset_at_its_limit_and_a_busy_one_does_not),
        TEST(draining_ends_who_asked_for_nothing_and_waits_for_the_others),
        TEST(what_is_left_at_the_end_is_given_up),
        TEST(without_memory_a_client_is_turned_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
