/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/relay.c: both directions against a client and a stream whose every step is the
 * test's. */
#include "proxy/relay.h"

#include "base/err.h"
#include "base/macros.h"
#include "fake_client.h"
#include "fake_stack.h"
#include "unit/seeded.h"
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* A relay between a fake client and a fake stream, as a session would hold it. */
struct flow {
    struct stack *stack;
    struct stack_tcp *tunnel;
    struct fake_client client;
    struct relay relay;
    enum relay_verdict verdict;
};

static const struct now now = {.mono = NS_PER_S};

static void judge(struct flow *f, enum relay_verdict verdict)
{
    assert_int_equal(f->verdict, RELAY_GOES_ON);
    f->verdict = verdict;
    if (verdict != RELAY_GOES_ON) {
        relay_close(&f->relay);
    }
}

static void client_ready(void *ctx, unsigned events, struct now at)
{
    (void)at;
    struct flow *f = ctx;
    judge(f, relay_client_ready(&f->relay, events));
}

static void tunnel_event(void *ctx, struct stack_tcp *t, unsigned events, struct now at)
{
    (void)at;
    (void)t;
    struct flow *f = ctx;
    judge(f, relay_tunnel_event(&f->relay, events));
}

static int setup(void **state)
{
    struct flow *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->stack = fake_stack_new();
    struct endpoint to;
    assert_true(endpoint_parse(&to, "10.0.0.1:80"));
    assert_int_equal(stack_tcp_connect(f->stack, &to, tunnel_event, f, &f->tunnel, now), 0);
    fake_tcp_connected(f->tunnel);
    fake_client_init(&f->client);
    static const struct stream_handler handler = {.ready = client_ready};
    f->client.stream.handler = &handler;
    f->client.stream.ctx = f;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct flow *f = *state;
    if (f->verdict == RELAY_GOES_ON) {
        relay_close(&f->relay);
        assert_int_equal(fake_tcp_fate(f->tunnel), FAKE_ABORTED);
    }
    fake_client_fini(&f->client);
    fake_stack_free(f->stack);
    free(f);
    return 0;
}

static void start(struct flow *f, bool client_eof)
{
    judge(f, relay_start(&f->relay, &f->client.stream, f->tunnel, 0, client_eof));
}

static bool step(struct flow *f)
{
    bool moved = fake_stack_dispatch(f->stack, now);
    return fake_client_turn(&f->client, now) || moved;
}

static void settle(struct flow *f)
{
    for (unsigned rounds = 0; step(f); rounds++) {
        assert_true(rounds < 1000000);
    }
}

static uint8_t *noise(size_t len, uint64_t seed)
{
    uint8_t *p = malloc(len);
    assert_non_null(p);
    seeded_fill(&seed, p, len);
    return p;
}

static void assert_bytes(const struct fake_bytes *b, const uint8_t *data, size_t len)
{
    assert_int_equal(b->len, len);
    assert_true(len == 0 || memcmp(b->data, data, len) == 0);
}

static void bytes_go_both_ways(void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_client_send(&f->client, "request", 7);
    fake_tcp_deliver(f->tunnel, "answer", 6);
    settle(f);
    assert_bytes(fake_tcp_sent(f->tunnel), (const uint8_t *)"request", 7);
    assert_bytes(&f->client.output, (const uint8_t *)"answer", 6);
    assert_int_equal(f->relay.up, 7);
    assert_int_equal(f->relay.down, 6);
    assert_int_equal(f->client.wanted, STREAM_READABLE);
}

static void what_came_before_the_start_goes_down_without_an_event(void **state)
{
    struct flow *f = *state;
    fake_tcp_deliver(f->tunnel, "220 ready\r\n", 11);
    fake_tcp_deliver_fin(f->tunnel);
    start(f, false);
    assert_int_equal(f->client.output.len, 11);
    assert_true(f->client.shut);
}

static void half_close_is_kept_with_8_mib_up_and_1_mib_down(void **state)
{
    struct flow *f = *state;
    uint8_t *up = noise(8 * MIB, 1), *down = noise(MIB, 2);
    start(f, false);
    fake_client_send(&f->client, up, 8 * MIB);
    fake_client_shutdown(&f->client);
    while (!fake_tcp_has_fin(f->tunnel)) {
        settle(f);
        fake_tcp_acknowledge(f->tunnel, 30 * KIB);
    }
    assert_bytes(fake_tcp_sent(f->tunnel), up, 8 * MIB);
    assert_int_equal(f->verdict, RELAY_GOES_ON);

    /* only now does the answer begin */
    f->client.room = 100 * KIB;
    fake_tcp_deliver(f->tunnel, down, MIB);
    fake_tcp_deliver_fin(f->tunnel);
    while (f->verdict == RELAY_GOES_ON) {
        settle(f);
        f->client.room = 100 * KIB;
    }
    assert_bytes(&f->client.output, down, MIB);
    assert_int_equal(f->verdict, RELAY_FINISHED);
    assert_true(f->client.shut);
    assert_int_equal(f->client.fate, FAKE_CLOSED);
    assert_int_equal(fake_tcp_fate(f->tunnel), FAKE_CLOSED);
    free(up);
    free(down);
}

static void half_close_is_kept_the_other_way_round(void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_tcp_deliver(f->tunnel, "banner", 6);
    fake_tcp_deliver_fin(f->tunnel);
    settle(f);
    assert_true(f->client.shut);
    assert_int_equal(f->verdict, RELAY_GOES_ON);
    fake_client_send(&f->client, "upload", 6);
    settle(f);
    assert_int_equal(fake_tcp_sent(f->tunnel)->len, 6);
    assert_false(fake_tcp_has_fin(f->tunnel));
    fake_client_shutdown(&f->client);
    settle(f);
    assert_true(fake_tcp_has_fin(f->tunnel));
    assert_int_equal(f->verdict, RELAY_FINISHED);
}

static void an_event_after_the_end_of_its_direction_changes_nothing(void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_tcp_deliver_fin(f->tunnel);
    settle(f);
    judge(f, relay_tunnel_event(&f->relay, STACK_TCP_READABLE));
    fake_client_shutdown(&f->client);
    assert_true(f->client.shut);
    settle(f);
    assert_int_equal(f->verdict, RELAY_FINISHED);
}

/* The loop may have gathered it before the interest was dropped. */
static void an_event_that_is_no_longer_wanted_is_let_pass(void **state)
{
    struct flow *f = *state;
    start(f, false);
    judge(f, relay_client_ready(&f->relay, STREAM_WRITABLE));
    fake_tcp_set_room(f->tunnel, 4, 4);
    fake_client_send(&f->client, "too much", 8);
    settle(f);
    unsigned reads = f->client.n_reads;
    judge(f, relay_client_ready(&f->relay, STREAM_READABLE | STREAM_WRITABLE));
    assert_int_equal(f->client.n_reads, reads);
    fake_tcp_acknowledge(f->tunnel, 4);
    fake_client_shutdown(&f->client);
    settle(f);
    fake_tcp_acknowledge(f->tunnel, 4);
    settle(f);
    judge(f, relay_client_ready(&f->relay, STREAM_READABLE));
    assert_true(fake_tcp_has_fin(f->tunnel));
}

static void an_end_of_file_that_was_read_before_is_passed_on(void **state)
{
    struct flow *f = *state;
    fake_client_shutdown(&f->client);
    start(f, true);
    assert_true(fake_tcp_has_fin(f->tunnel));
    assert_int_equal(f->client.wanted, 0); /* or it would be told of it again and again */
    fake_tcp_deliver_fin(f->tunnel);
    settle(f);
    assert_int_equal(f->verdict, RELAY_FINISHED);
}

static void the_end_waits_for_the_last_byte_down(void **state)
{
    struct flow *f = *state;
    start(f, false);
    f->client.room = 3;
    fake_tcp_deliver(f->tunnel, "answer", 6);
    fake_tcp_deliver_fin(f->tunnel);
    fake_client_shutdown(&f->client);
    settle(f);
    assert_int_equal(f->verdict, RELAY_GOES_ON);
    assert_false(f->client.shut);
    f->client.room = 3;
    settle(f);
    assert_int_equal(f->verdict, RELAY_FINISHED);
    assert_int_equal(f->client.output.len, 6);
}

static void a_client_that_breaks_resets_the_tunnel(void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_client_reset(&f->client);
    settle(f);
    assert_int_equal(f->verdict, RELAY_CLIENT_BROKE);
    assert_int_equal(f->relay.err, ERR_RESET);
    assert_int_equal(fake_tcp_fate(f->tunnel), FAKE_ABORTED);
    assert_int_equal(f->client.fate, FAKE_ABORTED);
}

static void a_half_closed_client_that_breaks_is_noticed_although_nothing_is_wanted_of_it(
    void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_client_shutdown(&f->client);
    settle(f);
    assert_int_equal(f->verdict, RELAY_GOES_ON);
    assert_int_equal(f->client.wanted, 0);
    fake_client_reset(&f->client);
    settle(f);
    assert_int_equal(f->verdict, RELAY_CLIENT_BROKE);
    assert_int_equal(fake_tcp_fate(f->tunnel), FAKE_ABORTED);
}

static void a_client_that_left_is_noticed_when_written_to(void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_client_shutdown(&f->client);
    f->client.write_err = ERR_CLOSED;
    settle(f);
    assert_int_equal(f->verdict, RELAY_GOES_ON);
    fake_tcp_deliver(f->tunnel, "answer", 6);
    settle(f);
    assert_int_equal(f->verdict, RELAY_CLIENT_BROKE);
    assert_int_equal(f->relay.err, ERR_CLOSED);
    assert_int_equal(fake_tcp_fate(f->tunnel), FAKE_ABORTED);
}

static void a_tunnel_that_breaks_resets_the_client(void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_tcp_failed(f->tunnel, ERR_RESET);
    settle(f);
    assert_int_equal(f->verdict, RELAY_TUNNEL_BROKE);
    assert_int_equal(f->relay.err, ERR_RESET);
    assert_int_equal(f->client.fate, FAKE_ABORTED);
}

static void a_tunnel_that_breaks_in_the_middle_is_never_a_clean_end(void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_client_shutdown(&f->client);
    fake_tcp_deliver(f->tunnel, "half an ans", 11);
    settle(f);
    fake_tcp_failed(f->tunnel, ERR_TIMED_OUT);
    settle(f);
    assert_int_equal(f->relay.err, ERR_TIMED_OUT);
    assert_false(f->client.shut);
    assert_int_equal(f->client.fate, FAKE_ABORTED);
}

/* A server that answers early, closes, and resets what is still being uploaded: its answer must not
 * be torn out of the client's socket. */
static void a_reset_after_the_whole_answer_leaves_the_answer(void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_tcp_deliver(f->tunnel, "413 too large", 13);
    fake_tcp_deliver_fin(f->tunnel);
    settle(f);
    fake_tcp_failed(f->tunnel, ERR_RESET);
    settle(f);
    assert_int_equal(f->verdict, RELAY_TUNNEL_BROKE);
    assert_int_equal(f->client.output.len, 13);
    assert_int_equal(f->client.fate, FAKE_CLOSED);
}

/* The same server, which does not wait with its reset: a kernel would show the answer first, then the error. */
static void what_came_before_a_reset_reaches_a_slow_client_first(void **state)
{
    struct flow *f = *state;
    start(f, false);
    f->client.room = 5;
    fake_tcp_deliver(f->tunnel, "413 too large", 13);
    fake_tcp_failed(f->tunnel, ERR_RESET);
    settle(f);
    assert_int_equal(f->verdict, RELAY_GOES_ON);
    assert_int_equal(f->client.output.len, 5);
    fake_client_send(&f->client, "more", 4); /* nobody takes it any more */
    settle(f);
    assert_int_equal(f->client.input_at, 0);
    f->client.room = 100;
    settle(f);
    assert_int_equal(f->verdict, RELAY_TUNNEL_BROKE);
    assert_int_equal(f->relay.err, ERR_RESET);
    assert_int_equal(f->client.output.len, 13);
    assert_int_equal(f->client.fate, FAKE_ABORTED);
}

static void an_end_before_a_reset_stays_an_end(void **state)
{
    struct flow *f = *state;
    start(f, false);
    fake_tcp_deliver(f->tunnel, "bye", 3);
    fake_tcp_deliver_fin(f->tunnel);
    fake_tcp_failed(f->tunnel, ERR_RESET);
    settle(f);
    assert_int_equal(f->verdict, RELAY_TUNNEL_BROKE);
    assert_int_equal(f->client.output.len, 3);
    assert_true(f->client.shut);
    assert_int_equal(f->client.fate, FAKE_CLOSED);
}

static void a_slow_client_leaves_the_bytes_in_the_tunnel(void **state)
{
    struct flow *f = *state;
    uint8_t *down = noise(200 * KIB, 3);
    start(f, false);
    f->client.room = 10 * KIB;
    fake_tcp_deliver(f->tunnel, down, 200 * KIB);
    settle(f);
    assert_int_equal(fake_tcp_unread(f->tunnel), 190 * KIB);
    assert_int_equal(f->client.n_writes, 1); /* a short write is not followed by one that says so */
    assert_int_equal(f->client.wanted, STREAM_READABLE | STREAM_WRITABLE);

    /* while it is full, news from the tunnel costs no call to the socket */
    unsigned writes = f->client.n_writes;
    fake_tcp_deliver(f->tunnel, "x", 1);
    settle(f);
    assert_int_equal(f->client.n_writes, writes);

    while (fake_tcp_unread(f->tunnel) > 0) {
        f->client.room = 7 * KIB;
        settle(f);
    }
    assert_int_equal(f->client.output.len, 200 * KIB + 1);
    assert_memory_equal(f->client.output.data, down, 200 * KIB);
    f->client.room = SIZE_MAX;
    settle(f);
    assert_int_equal(f->client.wanted, STREAM_READABLE);
    free(down);
}

static void a_full_tunnel_leaves_the_bytes_with_the_client(void **state)
{
    struct flow *f = *state;
    uint8_t *up = noise(200 * KIB, 4);
    start(f, false);
    fake_tcp_set_room(f->tunnel, 64 * KIB, 16 * KIB);
    fake_client_send(&f->client, up, 200 * KIB);
    settle(f);
    assert_int_equal(f->client.input_at, 64 * KIB);
    assert_int_equal(f->client.wanted, 0);

    unsigned wants = f->client.n_wants;
    /* still more to send than room: the interest stays as it is */
    for (unsigned i = 0; i < 3; i++) {
        fake_tcp_acknowledge(f->tunnel, 32 * KIB);
        settle(f);
    }
    assert_int_equal(f->client.n_wants, wants);
    assert_int_equal(f->client.input_at, 160 * KIB);

    fake_tcp_acknowledge(f->tunnel, 64 * KIB);
    settle(f);
    assert_bytes(fake_tcp_sent(f->tunnel), up, 200 * KIB);
    assert_int_equal(f->client.wanted, STREAM_READABLE);
    free(up);
}

static void an_idle_flow_is_not_asked_twice(void **state)
{
    struct flow *f = *state;
    start(f, false);
    unsigned wants = f->client.n_wants;
    for (unsigned i = 0; i < 100; i++) {
        fake_client_send(&f->client, "ping", 4);
        fake_tcp_deliver(f->tunnel, "pong", 4);
        settle(f);
    }
    assert_int_equal(f->client.n_wants, wants);
    assert_int_equal(f->client.n_reads, 100); /* a short read is not followed by one that says so */
    assert_int_equal(f->client.n_writes, 100);
}

static void one_call_carries_a_bounded_amount(void **state)
{
    struct flow *f = *state;
    uint8_t *bytes = noise(MIB, 5);
    start(f, false);
    fake_tcp_set_room(f->tunnel, 16 * MIB, 100 * KIB + 1);
    fake_client_send(&f->client, bytes, MIB);
    assert_true(fake_client_turn(&f->client, now));
    assert_int_equal(f->client.input_at, RELAY_BUDGET);

    fake_tcp_deliver(f->tunnel, bytes, MIB);
    assert_true(fake_stack_dispatch(f->stack, now));
    assert_int_equal(f->client.output.len, RELAY_BUDGET);
    /* its next turn comes through the client's socket */
    assert_false(fake_stack_dispatch(f->stack, now));
    settle(f);
    assert_bytes(fake_tcp_sent(f->tunnel), bytes, MIB);
    assert_bytes(&f->client.output, bytes, MIB);
    assert_int_equal(f->client.wanted, STREAM_READABLE);
    free(bytes);
}

/* Random sizes on every side, random order of events: what arrives is what was sent, and at the end
 * both know it. */
static void any_order_of_events_carries_the_same_bytes(void **state)
{
    struct flow *f = *state;
    uint64_t seed = 6;
    struct rng rng = seeded_rng(&seed);
    size_t up_len = 300 * KIB, down_len = 400 * KIB, up_given = 0, down_given = 0;
    uint8_t *up = noise(up_len, 7), *down = noise(down_len, 8);
    start(f, false);
    while (f->verdict == RELAY_GOES_ON) {
        size_t n = rng_below(&rng, 9000);
        f->client.read_max = 1 + rng_below(&rng, 5000);
        f->client.write_max = 1 + rng_below(&rng, 5000);
        fake_tcp_set_room(f->tunnel, 8 * KIB, 1 + rng_below(&rng, 3000));
        switch (rng_below(&rng, 5)) {
        case 0:
            n = n < up_len - up_given ? n : up_len - up_given;
            if (!f->client.input_eof) {
                fake_client_send(&f->client, up + up_given, n);
                up_given += n;
                f->client.input_eof = up_given == up_len;
            }
            break;
        case 1:
            n = n < down_len - down_given ? n : down_len - down_given;
            fake_tcp_deliver(f->tunnel, down + down_given, n);
            if ((down_given += n) == down_len) {
                fake_tcp_deliver_fin(f->tunnel);
            }
            break;
        case 2:
            fake_tcp_acknowledge(f->tunnel, n);
            break;
        case 3:
            f->client.room = n;
            break;
        default:
            step(f);
        }
    }
    assert_int_equal(f->verdict, RELAY_FINISHED);
    assert_bytes(fake_tcp_sent(f->tunnel), up, up_len);
    assert_bytes(&f->client.output, down, down_len);
    free(up);
    free(down);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_both_ways),
        TEST(what_came_before_the_start_goes_down_without_an_event),
        TEST(half_close_is_kept_with_8_mib_up_and_1_mib_down),
        TEST(half_close_is_kept_the_other_way_round),
        TEST(an_event_after_the_end_of_its_direction_changes_nothing),
        TEST(an_event_that_is_no_longer_wanted_is_let_pass),
        TEST(an_end_of_file_that_was_read_before_is_passed_on),
        TEST(the_end_waits_for_the_last_byte_down),
        TEST(a_client_that_breaks_resets_the_tunnel),
        TEST(a_half_closed_client_that_breaks_is_noticed_although_nothing_is_wanted_of_it),
        TEST(a_client_that_left_is_noticed_when_written_to),
        TEST(a_tunnel_that_breaks_resets_the_client),
        TEST(a_tunnel_that_breaks_in_the_middle_is_never_a_clean_end),
        TEST(a_reset_after_the_whole_answer_leaves_the_answer),
        TEST(what_came_before_a_reset_reaches_a_slow_client_first),
        TEST(an_end_before_a_reset_stays_an_end),
        TEST(a_slow_client_leaves_the_bytes_in_the_tunnel),
        TEST(a_full_tunnel_leaves_the_bytes_with_the_client),
        TEST(an_idle_flow_is_not_asked_twice),
        TEST(one_call_carries_a_bounded_amount),
        TEST(any_order_of_events_carries_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
