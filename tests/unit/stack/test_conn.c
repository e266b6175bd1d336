/* SPDX-License-Identifier: MIT */
/* How connections end, by whose will, and what handlers may do meanwhile. */
#include "unit/stack/peer.h"

enum { MIB = 1024 * 1024 };

static const char *const families[] = {"10.0.0.2", "fd00::2"};

static bool server_failed(void *ctx)
{
    return peer_has_failed(ctx);
}

static void an_abort_is_a_reset_to_the_other_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){.delay = MS});
        struct peer client = {.to_send = 1000}, server = {.appetite = SIZE_MAX};
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
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer client = {.to_send = 1000}, server = {.appetite = 400};
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 50 * MS);
    assert_int_equal(server.received, 400);
    peer_close(&server);
    assert_true(wire_run(&w, peer_has_failed, &client, NS_PER_S));
    assert_int_equal(client.error, ERR_RESET);
    wire_close(&w);
}

static void what_came_before_a_reset_may_still_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){.delay = MS});
        struct peer client = {.to_send = 1000}, server = {.to_send = 3000};
        assert_int_equal(peer_pair(&w, &client, &server, families[i]), 0);
        wire_pass(&w, 50 * MS);
        peer_close(&server); /* which has not read the thousand */
        assert_true(wire_run(&w, peer_has_failed, &client, NS_PER_S));
        assert_int_equal(client.error, ERR_RESET);
        assert_int_equal(client.received, 0);
        wire_pass(&w, 50 * MS);
        peer_read(&client, 1000);
        wire_pass(&w, 50 * MS);
        peer_read(&client, SIZE_MAX);
        assert_int_equal(client.received, 3000);
        assert_false(client.eof);
        struct iovec iov;
        assert_int_equal(stack_tcp_peek(client.t, &iov, 1), 0);
        peer_close(&client);
        wire_pass(&w, NS_PER_S);
        assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
        wire_close(&w);
    }
}

static void bytes_for_a_closed_stream_are_answered_with_a_reset(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer client = {.appetite = SIZE_MAX}, server = {.appetite = SIZE_MAX};
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
    wire_open(&w, &(struct wire_config){.delay = 5 * MS, .loss = 10, .seed = 5});
    struct peer client = {.to_send = 4 * MIB}, server = {.appetite = 0};
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
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer client = {.to_send = MIB}, server = {.appetite = 0};
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
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer client = {.appetite = SIZE_MAX}, server = {.appetite = SIZE_MAX};
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

static void closes_itself_and_another(void *ctx, struct stack_tcp *t, unsigned events,
                                      struct now now)
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
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer client[2] = {0}, server[2] = {0};
    for (int i = 0; i < 2; i++) {
        peer_listen(&w.b, &server[i], (uint16_t)(80 + i));
        struct endpoint to = at(families[0], (uint16_t)(80 + i));
        assert_int_equal(
            stack_tcp_connect(w.a.stack, &to, peer_event, &client[i], &client[i].t, w.now), 0);
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
    wire_open(&w, &(struct wire_config){.delay = 5 * MS});
    struct peer client = {.to_send = 4 * MIB}, server = {.to_send = 4 * MIB, .appetite = 0};
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
        wire_open(&w, &(struct wire_config){.delay = MS});
        struct peer client = {0}, server = {0};
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
        cmocka_unit_test(an_abort_is_a_reset_to_the_other_side),
        cmocka_unit_test(closing_with_unread_bytes_is_a_reset),
        cmocka_unit_test(what_came_before_a_reset_may_still_be_read),
        cmocka_unit_test(bytes_for_a_closed_stream_are_answered_with_a_reset),
        cmocka_unit_test(close_still_delivers_everything),
        cmocka_unit_test(a_closed_stream_does_not_wait_for_ever),
        cmocka_unit_test(a_silent_peer_times_out),
        cmocka_unit_test(a_handler_may_close_its_own_stream_and_others),
        cmocka_unit_test(streams_left_open_go_with_their_stack_and_hear_nothing),
        cmocka_unit_test(both_sides_know_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
