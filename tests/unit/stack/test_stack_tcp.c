/* SPDX-License-Identifier: MIT */
/* Streams between two stacks: connecting, moving bytes over good and bad links, and every way to end. */
#include "unit/stack/peer.h"

enum { MIB = 1024 * 1024 };

static const char *const families[] = { "10.0.0.2", "fd00::2" };

/* Both send `size` bytes and a FIN; all must arrive. Returns the time it took. */
static uint64_t exchange(const struct wire_config *config, const char *addr, size_t size)
{
    struct wire w;
    wire_open(&w, config);
    struct peer client = { .to_send = size, .appetite = SIZE_MAX, .shutdown_after = true };
    struct peer server = { .to_send = size, .appetite = SIZE_MAX, .shutdown_after = true };
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
        exchange(&(struct wire_config){ .delay = 10 * MS }, families[i], 4 * MIB);
    }
}

static void bytes_arrive_over_a_link_that_loses_and_duplicates(void **state)
{
    (void)state;
    for (unsigned loss = 10; loss <= 50; loss += 20) {
        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
            exchange(&(struct wire_config){ .delay = 5 * MS, .loss = loss, .duplicate = 10, .seed = loss + i },
                     families[i], 4 * MIB);
        }
    }
}

static void bytes_arrive_over_a_link_that_reorders(void **state)
{
    (void)state;
    exchange(&(struct wire_config){ .delay = 5 * MS, .jitter = 2 * MS, .seed = 7 }, families[0], 4 * MIB);
    exchange(&(struct wire_config){ .delay = 5 * MS, .jitter = 5 * MS, .loss = 10, .seed = 8 }, families[1], MIB);
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
        wire_open(&w, &(struct wire_config){ .delay = 5 * MS });
        struct peer client = { .to_send = 8 * MIB, .appetite = SIZE_MAX, .shutdown_after = true };
        struct peer server = { .to_send = MIB, .appetite = SIZE_MAX, .shutdown_after = true, .hold_until_eof = true };
        assert_int_equal(peer_pair(&w, &client, &server, families[i]), 0);
        assert_true(wire_run(&w, has_received, &server, 60 * NS_PER_S));
        assert_true(wire_run(&w, peer_is_done, &client, 60 * NS_PER_S));
        assert_int_equal(client.received, MIB);
        assert_true(wire_run(&w, peer_is_done, &server, 60 * NS_PER_S));
        assert_int_equal(server.error, 0); /* its FIN was the last, and lwIP ended the connection: no error */
        peer_close(&client);
        peer_close(&server);
        wire_close(&w);
    }
}

static void what_is_committed_before_the_connection_waits_for_it(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){ .delay = 5 * MS });
    struct peer client = { .to_send = 100000, .appetite = SIZE_MAX, .shutdown_after = true };
    struct peer server = { .appetite = SIZE_MAX, .shutdown_after = true };
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
    wire_open(&w, &(struct wire_config){ .delay = 5 * MS });
    struct peer client = { .appetite = SIZE_MAX }, server = { .appetite = SIZE_MAX, .shutdown_after = true };
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
    wire_open(&w, &(struct wire_config){ .delay = MS, .loss = 5, .seed = 3 });
    struct peer client = { .appetite = 777 }, server = { .appetite = SIZE_MAX };
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
    wire_open(&w, &(struct wire_config){ .delay = MS });
    struct peer client = { .appetite = SIZE_MAX }, server = { .appetite = 0 };
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
    wire_pass(&w, 100 * MS);
    assert_true(client.seen & STACK_TCP_WRITABLE);
    assert_true(stack_tcp_write(client.t, zero, 1000) == 1000);
    wire_close(&w);
}

static void nothing_is_taken_after_shutdown(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){ .delay = MS });
    struct peer client = { .appetite = SIZE_MAX }, server = { .appetite = SIZE_MAX };
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
    wire_open(&w, &(struct wire_config){ .delay = MS });
    struct peer client = { .to_send = 10000 }, server = { .appetite = 0 };
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
    wire_open(&w, &(struct wire_config){ .delay = 5 * MS });
    struct peer client = { .to_send = 16 * MIB, .shutdown_after = true }, server = { .appetite = 0 };
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 5 * NS_PER_S); /* wire.c asserts in each turn that the stack holds no buffer */
    size_t arrived = client.sent - stack_tcp_unsent(client.t);
    assert_true(arrived >= 64 * 1024);
    assert_true(arrived <= 300 * 1024); /* the window closed */
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

/* ---- the end ---- */

static bool server_failed(void *ctx)
{
    return peer_has_failed(ctx);
}

static void an_abort_is_a_reset_to_the_other_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){ .delay = MS });
        struct peer client = { .to_send = 1000 }, server = { .appetite = SIZE_MAX };
        assert_int_equal(peer_pair(&w, &client, &server, families[i]), 0);
        wire_pass(&w, 50 * MS);
        stack_tcp_abort(client.t);
        assert_true(wire_run(&w, server_failed, &server, NS_PER_S));
        assert_int_equal(server.error, ERR_RESET);
        assert_int_equal(stack_tcp_error(server.t), ERR_RESET);
        size_t len;
        assert_null(stack_tcp_reserve(server.t, &len));
        struct iovec iov;
        assert_int_equal(stack_tcp_peek(server.t, &iov, 1), 0);
        peer_close(&server);
        wire_pass(&w, NS_PER_S);
        assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
        assert_int_equal(stack_next_deadline(w.b.stack), NEVER);
        wire_close(&w);
    }
}

static void closing_with_unread_bytes_is_a_reset(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){ .delay = MS });
    struct peer client = { .to_send = 1000 }, server = { .appetite = 400 };
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 50 * MS);
    assert_int_equal(server.received, 400);
    peer_close(&server);
    assert_true(wire_run(&w, peer_has_failed, &client, NS_PER_S));
    assert_int_equal(client.error, ERR_RESET);
    wire_close(&w);
}

static void bytes_for_a_closed_stream_are_answered_with_a_reset(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){ .delay = MS });
    struct peer client = { .appetite = SIZE_MAX }, server = { .appetite = SIZE_MAX };
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 50 * MS);
    peer_close(&server);
    wire_pass(&w, 50 * MS);
    assert_true(client.eof);
    client.to_send = 100;
    peer_pump(&client);
    assert_true(wire_run(&w, peer_has_failed, &client, NS_PER_S));
    assert_int_equal(client.error, ERR_RESET);
    wire_close(&w);
}

static bool has_four_mib(void *ctx)
{
    return ((struct peer *)ctx)->received == 4 * MIB && ((struct peer *)ctx)->eof;
}

static void close_still_delivers_everything(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){ .delay = 5 * MS, .loss = 10, .seed = 5 });
    struct peer client = { .to_send = 4 * MIB }, server = { .appetite = 0 };
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    server.appetite = SIZE_MAX;
    while (client.sent < client.to_send) {
        wire_pass(&w, MS);
    }
    assert_true(stack_tcp_unsent(client.t) > 0);
    peer_close(&client);
    assert_true(wire_run(&w, has_four_mib, &server, 120 * NS_PER_S));
    peer_close(&server);
    wire_pass(&w, 60 * NS_PER_S);
    assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
    assert_int_equal(stack_next_deadline(w.b.stack), NEVER);
    wire_close(&w);
}

static void a_closed_stream_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){ .delay = MS });
    struct peer client = { .to_send = MIB }, server = { .appetite = 0 };
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, NS_PER_S);
    peer_close(&client); /* the reader never reads: its window stays shut */
    wire_pass(&w, 30 * NS_PER_S);
    assert_false(peer_has_failed(&server));
    wire_pass(&w, 40 * NS_PER_S);
    assert_true(peer_has_failed(&server));
    assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
    wire_close(&w);
}

static void a_silent_peer_times_out(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){ .delay = MS });
    struct peer client = { .appetite = SIZE_MAX }, server = { .appetite = SIZE_MAX };
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 50 * MS);
    stack_free(w.b.stack); /* without a word */
    w.b.stack = NULL;
    client.to_send = 100;
    peer_pump(&client);
    assert_true(wire_run(&w, peer_has_failed, &client, 3600 * NS_PER_S));
    assert_int_equal(client.error, ERR_TIMED_OUT);
    wire_close(&w);
}

/* ---- handlers ---- */

static void closes_itself_and_another(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)events, (void)now;
    struct peer *other = ctx;
    stack_tcp_close(t);
    stack_tcp_abort(other->t);
    other->t = NULL;
}

static void a_handler_may_close_its_own_stream_and_others(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){ .delay = MS });
    struct peer client[2] = { 0 }, server[2] = { 0 };
    for (int i = 0; i < 2; i++) {
        peer_listen(&w.b, &server[i], (uint16_t)(80 + i));
        struct endpoint to = at(families[0], (uint16_t)(80 + i));
        assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &client[i], &client[i].t, w.now), 0);
    }
    wire_pass(&w, 50 * MS);
    stack_tcp_set_handler(client[0].t, closes_itself_and_another, &client[1]);
    client[1].n_events = 0;
    for (int i = 0; i < 2; i++) { /* news for both in one turn */
        assert_int_equal(stack_tcp_write(server[i].t, "news", 4), 4);
    }
    wire_pass(&w, 50 * MS);
    assert_null(client[1].t);
    assert_int_equal(client[1].n_events, 0);
    assert_int_equal(server[0].error, ERR_RESET); /* its bytes were not read */
    assert_int_equal(server[1].error, ERR_RESET);
    wire_close(&w);
}

static void streams_left_open_go_with_their_stack_and_hear_nothing(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){ .delay = 5 * MS });
    struct peer client = { .to_send = 4 * MIB }, server = { .to_send = 4 * MIB, .appetite = 0 };
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 40 * MS);
    unsigned client_events = client.n_events, server_events = server.n_events;
    uint64_t packets = w.a.packets;
    wire_close(&w);
    assert_int_equal(client.n_events, client_events);
    assert_int_equal(server.n_events, server_events);
    assert_int_equal(w.a.packets, packets);
}

static void both_sides_know_where_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){ .delay = MS });
        struct peer client = { 0 }, server = { 0 };
        assert_int_equal(peer_pair(&w, &client, &server, families[i]), 0);
        wire_pass(&w, 50 * MS);
        struct endpoint cl = stack_tcp_local(client.t), cr = stack_tcp_remote(client.t);
        struct endpoint sl = stack_tcp_local(server.t), sr = stack_tcp_remote(server.t);
        struct endpoint want = at(families[i], 80);
        assert_true(endpoint_equal(&cr, &want));
        assert_true(endpoint_equal(&sl, &cr));
        assert_true(endpoint_equal(&sr, &cl));
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
        cmocka_unit_test(a_slow_reader_holds_a_window_and_no_receive_buffer),
        cmocka_unit_test(an_abort_is_a_reset_to_the_other_side),
        cmocka_unit_test(closing_with_unread_bytes_is_a_reset),
        cmocka_unit_test(bytes_for_a_closed_stream_are_answered_with_a_reset),
        cmocka_unit_test(close_still_delivers_everything),
        cmocka_unit_test(a_closed_stream_does_not_wait_for_ever),
        cmocka_unit_test(a_silent_peer_times_out),
        cmocka_unit_test(a_handler_may_close_its_own_stream_and_others),
        cmocka_unit_test(streams_left_open_go_with_their_stack_and_hear_nothing),
        cmocka_unit_test(both_sides_know_where_they_are),
        cmocka_unit_test(bytes_arrive_in_both_directions_and_families),
        cmocka_unit_test(bytes_arrive_over_a_link_that_loses_and_duplicates),
        cmocka_unit_test(bytes_arrive_over_a_link_that_reorders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
