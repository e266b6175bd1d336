/* SPDX-License-Identifier: MIT */
/* Streams between two stacks: bytes over good and bad links, and the two queues. */
#include "unit/stack/peer.h"

enum { MIB = 1024 * 1024 };

static const char *const families[] = {"10.0.0.2", "fd00::2"};

/* Both send `size` bytes and a FIN; all must arrive. Returns the time it took. */
static uint64_t exchange(const struct wire_config *config, const char *addr, size_t size)
{
    struct wire w;
    wire_open(&w, config);
    struct peer client = {.to_send = size, .appetite = SIZE_MAX, .shutdown_after = true};
    struct peer server = {.to_send = size, .appetite = SIZE_MAX, .shutdown_after = true};
    assert_int_equal(peer_pair(&w, &client, &server, addr), 0);
    uint64_t begin = w.now.mono;
    assert_true(wire_run(&w, peer_is_done, &client, 600 * NS_PER_S));
    assert_true(wire_run(&w, peer_is_done, &server, 600 * NS_PER_S));
    uint64_t took = w.now.mono - begin;
    assert_int_equal(client.received, size);
    assert_int_equal(server.received, size);
    assert_int_equal(client.error, 0);
    peer_close(&client);
    peer_close(&server);
    stack_tcp_listener_close(server.listener);
    wire_close(&w);
    return took;
}

static void bytes_arrive_in_both_directions_and_families(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        exchange(&(struct wire_config){.delay = 10 * MS}, families[i], 4 * MIB);
    }
}

static void bytes_arrive_over_a_link_that_loses_and_duplicates(void **state)
{
    (void)state;
    for (unsigned loss = 10; loss <= 50; loss += 20) {
        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
            exchange(
                &(struct wire_config){
                    .delay = 5 * MS, .loss = loss, .duplicate = 10, .seed = loss + i},
                families[i], 4 * MIB);
        }
    }
}

static void bytes_arrive_over_a_link_that_reorders(void **state)
{
    (void)state;
    exchange(&(struct wire_config){.delay = 5 * MS, .jitter = 2 * MS, .seed = 7}, families[0],
             4 * MIB);
    exchange(&(struct wire_config){.delay = 5 * MS, .jitter = 5 * MS, .loss = 10, .seed = 8},
             families[1], MIB);
}

/* ---- the queues ---- */

static bool has_received(void *ctx)
{
    struct peer *p = ctx;
    return p->received == 8 * MIB && p->eof;
}

static void an_answer_may_follow_the_end_of_the_question(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){.delay = 5 * MS});
        struct peer client = {.to_send = 8 * MIB, .appetite = SIZE_MAX, .shutdown_after = true};
        struct peer server = {
            .to_send = MIB, .appetite = SIZE_MAX, .shutdown_after = true, .hold_until_eof = true};
        assert_int_equal(peer_pair(&w, &client, &server, families[i]), 0);
        assert_true(wire_run(&w, has_received, &server, 60 * NS_PER_S));
        assert_true(wire_run(&w, peer_is_done, &client, 60 * NS_PER_S));
        assert_int_equal(client.received, MIB);
        assert_true(wire_run(&w, peer_is_done, &server, 60 * NS_PER_S));
        assert_int_equal(server.error,
                         0); /* its FIN was the last, and lwIP ended the connection: no error */
        peer_close(&client);
        peer_close(&server);
        wire_close(&w);
    }
}

static void what_is_committed_before_the_connection_waits_for_it(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = 5 * MS});
    struct peer client = {.to_send = 100000, .appetite = SIZE_MAX, .shutdown_after = true};
    struct peer server = {.appetite = SIZE_MAX, .shutdown_after = true};
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    peer_pump(&client);
    assert_int_equal(client.sent, 100000);
    assert_int_equal(stack_tcp_unsent(client.t), 100000);
    assert_true(wire_run(&w, peer_is_done, &client, NS_PER_S));
    assert_int_equal(server.received, 100000);
    assert_int_equal(stack_tcp_unsent(client.t), 0);
    wire_close(&w);
}

static void a_fin_may_be_all_that_is_sent(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = 5 * MS});
    struct peer client = {.appetite = SIZE_MAX},
                server = {.appetite = SIZE_MAX, .shutdown_after = true};
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    stack_tcp_shutdown(client.t);
    assert_true(wire_run(&w, peer_is_done, &client, NS_PER_S));
    assert_true(server.eof);
    wire_close(&w);
}

static void pieces_of_any_size_arrive_in_order(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS, .loss = 5, .seed = 3});
    struct peer client = {.appetite = 777}, server = {.appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, families[1]), 0);
    for (int i = 0; i < 2000; i++) {
        client.to_send += 1 + rng_below(&w.rng, i % 10 == 0 ? 9000 : 90);
        peer_pump(&client);
        wire_pass(&w, MS / 4);
    }
    wire_pass(&w, 20 * NS_PER_S);
    assert_int_equal(client.sent, client.to_send);
    assert_int_equal(server.received, client.to_send);
    wire_close(&w);
}

static void write_copies_what_fits_and_says_when_there_is_room_again(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer client = {.appetite = SIZE_MAX}, server = {.appetite = 0};
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 10 * MS);
    static const uint8_t zero[MIB];
    size_t took = stack_tcp_write(client.t, zero, sizeof zero);
    assert_true(took >= 64 * 1024 && took < sizeof zero);
    assert_int_equal(stack_tcp_write(client.t, zero, 1), 0);
    size_t len = 1;
    assert_null(stack_tcp_reserve(client.t, &len));
    assert_int_equal(len, 0);
    client.seen = 0;
    wire_pass(&w, 50 * MS);
    stack_tcp_consume(server.t, 32 * 1024);
    wire_pass(&w, 50 * MS);
    assert_true(client.seen & STACK_TCP_WRITABLE);
    assert_true(stack_tcp_write(client.t, zero, 1000) == 1000);
    wire_close(&w);
}

static void nothing_is_taken_after_shutdown(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer client = {.appetite = SIZE_MAX}, server = {.appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    stack_tcp_shutdown(client.t);
    size_t len;
    assert_null(stack_tcp_reserve(client.t, &len));
    assert_int_equal(stack_tcp_write(client.t, "x", 1), 0);
    wire_close(&w);
}

static void peek_shows_and_consume_takes(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer client = {.to_send = 10000}, server = {.appetite = 0};
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 100 * MS);
    struct iovec iov[16];
    size_t seen = 0;
    int n = stack_tcp_peek(server.t, iov, 16);
    for (int i = 0; i < n; i++) {
        assert_true(iov[i].iov_len > 0);
        seen += iov[i].iov_len;
    }
    assert_int_equal(seen, 10000);
    assert_int_equal(stack_tcp_peek(server.t, iov, 1), 1);
    for (size_t left = 10000; left > 0;) { /* in odd bites, some across a slice's end */
        size_t bite = left < 617 ? left : 617;
        peer_read(&server, bite);
        left -= bite;
        assert_int_equal(server.received, 10000 - left);
    }
    assert_int_equal(stack_tcp_peek(server.t, iov, 16), 0);
    assert_false(stack_tcp_eof(server.t));
    wire_close(&w);
}

static void a_slow_reader_holds_a_window_and_no_receive_buffer(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = 5 * MS});
    struct peer client = {.to_send = 16 * MIB, .shutdown_after = true}, server = {.appetite = 0};
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 5 * NS_PER_S); /* wire.c asserts in each turn that the stack holds no buffer */
    size_t arrived = client.sent - stack_tcp_unsent(client.t);
    assert_in_range(arrived, 60 * 1024, 64 * 1024); /* the window closed */
    wire_pass(&w, 60 * NS_PER_S);
    assert_int_equal(client.sent - stack_tcp_unsent(client.t), arrived);
    assert_false(client.seen & STACK_TCP_FAILED);

    server.appetite = SIZE_MAX; /* and opens again */
    peer_read(&server, SIZE_MAX);
    for (int i = 0; i < 100 && !server.eof; i++) {
        wire_pass(&w, 100 * MS);
    }
    assert_true(server.eof);
    assert_int_equal(server.received, 16 * MIB);
    wire_close(&w);
}

/* Orderly or not, and whatever the other side does of itself a moment later. */
static void either_side_may_leave_at_any_moment(void **state)
{
    (void)state;
    for (int ms = 0; ms < 200; ms++) {
        struct wire w;
        struct peer client = {
            .to_send = 30000, .appetite = SIZE_MAX, .shutdown_after = ms % 3 == 0};
        struct peer server = {.to_send = 30000, .appetite = SIZE_MAX};
        wire_open(&w, &(struct wire_config){.delay = 5 * MS, .loss = 50, .seed = (uint64_t)ms});
        assert_int_equal(peer_pair(&w, &client, &server, families[ms % 2]), 0);
        wire_pass(&w, (uint64_t)ms / 2 * MS);
        struct peer *leaver = ms % 4 < 2 || !server.t ? &client : &server;
        if (ms % 8 < 4) {
            stack_tcp_abort(leaver->t);
            leaver->t = NULL;
        } else {
            peer_close(leaver);
        }
        wire_pass(&w, 20 * MS);
        peer_close(&client);
        peer_close(&server);
        wire_pass(&w, 60 * NS_PER_S);
        wire_close(&w);
    }
}

/* What a program must wait for before it ends. */
static void what_was_closed_is_under_way_until_the_peer_has_it(void **state)
{
    (void)state;
    for (unsigned peer_first = 0; peer_first < 2; peer_first++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){.delay = 5 * MS});
        struct peer client = {.to_send = 3000};
        struct peer server = {.to_send = 0, .appetite = 100, .shutdown_after = peer_first};
        assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
        wire_pass(&w, 100 * MS);
        client.to_send = 50000;
        peer_pump(&client);
        assert_false(stack_tcp_is_delivering(w.a.stack)); /* there is still somebody */
        peer_close(&client);
        assert_true(stack_tcp_is_delivering(w.a.stack));
        wire_pass(&w, 6 * MS); /* it is there, and we do not know it yet */
        assert_true(stack_tcp_is_delivering(w.a.stack));
        wire_pass(&w, 300 * MS);
        assert_false(stack_tcp_is_delivering(w.a.stack));
        assert_false(stack_tcp_is_delivering(w.b.stack));
        stack_tcp_abort(server.t);
        server.t = NULL;
        assert_false(stack_tcp_is_delivering(w.b.stack));
        stack_tcp_listener_close(server.listener);
        wire_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_follow_the_end_of_the_question),
        cmocka_unit_test(what_is_committed_before_the_connection_waits_for_it),
        cmocka_unit_test(a_fin_may_be_all_that_is_sent),
        cmocka_unit_test(pieces_of_any_size_arrive_in_order),
        cmocka_unit_test(write_copies_what_fits_and_says_when_there_is_room_again),
        cmocka_unit_test(nothing_is_taken_after_shutdown),
        cmocka_unit_test(peek_shows_and_consume_takes),
        cmocka_unit_test(either_side_may_leave_at_any_moment),
        cmocka_unit_test(what_was_closed_is_under_way_until_the_peer_has_it),
        cmocka_unit_test(a_slow_reader_holds_a_window_and_no_receive_buffer),
        cmocka_unit_test(bytes_arrive_in_both_directions_and_families),
        cmocka_unit_test(bytes_arrive_over_a_link_that_loses_and_duplicates),
        cmocka_unit_test(bytes_arrive_over_a_link_that_reorders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
