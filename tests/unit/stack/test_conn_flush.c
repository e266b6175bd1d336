/* SPDX-License-Identifier: MIT */
/* What the end of a turn makes of what was committed: few, full segments, and a queue as long as
 * the path needs. */
#include "base/bytes.h"
#include "stack/internal.h"
#include "unit/stack/peer.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static struct wire w;
static struct peer client, server;

static void open_pair(uint64_t delay)
{
    wire_open(&w, &(struct wire_config){.delay = delay});
    client = (struct peer){0};
    server = (struct peer){.appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
    wire_pass(&w, 3 * delay + 200 * MS);
    assert_true(peer_is_connected(&client));
}

static void many_small_pieces_leave_in_full_segments(void **state)
{
    (void)state;
    open_pair(MS);
    uint64_t packets = w.a.packets;
    for (int i = 0; i < 100; i++) {
        client.to_send += 100;
        peer_pump(&client);
    }
    assert_int_equal(w.a.packets, packets); /* nothing before the flush */
    stack_flush(w.a.stack, w.now);
    assert_int_equal(w.a.packets - packets, (100 * 100 + 1379) / 1380);
    wire_pass(&w, 100 * MS);
    assert_int_equal(server.received, 10000);
    wire_close(&w);
}

static void the_send_queue_grows_with_what_is_in_flight(void **state)
{
    (void)state;
    open_pair(50 * MS);
    client.to_send = 1000 * MIB; /* without end */
    peer_pump(&client);
    assert_int_equal(stack_tcp_unsent(client.t), 256 * KIB);
    size_t most = 0;
    for (int i = 0; i < 300; i++) {
        wire_pass(&w, 10 * MS);
        size_t now = stack_tcp_unsent(client.t);
        assert_true(now <= 16 * MIB);
        most = now > most ? now : most;
    }
    assert_true(most > 15 * MIB);
    wire_close(&w);
}

static void a_short_path_keeps_a_short_queue(void **state)
{
    (void)state;
    open_pair(MS);
    server.appetite = 0;
    client.to_send = 1000 * MIB;
    peer_pump(&client);
    wire_pass(&w, 10 * NS_PER_S);
    assert_true(stack_tcp_unsent(client.t) <= 600 * KIB);
    wire_close(&w);
}

static void queues_hold_no_memory_when_all_is_acknowledged(void **state)
{
    (void)state;
    open_pair(5 * MS);
    client.to_send = 5 * MIB;
    peer_pump(&client);
    wire_pass(&w, 10 * NS_PER_S);
    assert_int_equal(server.received, 5 * MIB);
    assert_int_equal(w.a.stack->chunks.bytes, 0);
    assert_int_equal(w.b.stack->chunks.bytes, 0);

    size_t len; /* nor for a reserve that came to nothing */
    assert_non_null(stack_tcp_reserve(client.t, &len));
    assert_true(w.a.stack->chunks.bytes > 0);
    wire_pass(&w, MS);
    assert_int_equal(w.a.stack->chunks.bytes, 0);
    wire_close(&w);
}

/* A FIN on the last segment saves a packet. */
static unsigned n_fins, n_fins_with_data;

static bool look_for_fin(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    if (ip[33] & 0x01) {
        n_fins++;
        n_fins_with_data += len > 40;
    }
    return false;
}

static void a_fin_travels_with_the_last_bytes(void **state)
{
    (void)state;
    open_pair(MS);
    w.a.sniff = look_for_fin;
    client.to_send = 5000;
    client.shutdown_after = true;
    peer_pump(&client);
    wire_pass(&w, 100 * MS);
    assert_true(server.eof);
    assert_int_equal(n_fins, 1);
    assert_int_equal(n_fins_with_data, 1);
    wire_close(&w);
}

static bool lose_one_data_segment(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)ip;
    int *countdown = end->ctx;
    return len > 1000 && --*countdown == 0;
}

static void a_batch_is_acknowledged_once_and_each_64_kib(void **state)
{
    (void)state;
    open_pair(MS / 10); /* near by nothing is paced, and a turn brings all that a window holds */
    client.to_send = 400 * MIB;
    peer_pump(&client);
    wire_pass(&w, 20 * MS);
    uint64_t segments = w.a.packets, acks = w.b.packets;
    wire_pass(&w, 20 * MS);
    segments = w.a.packets - segments;
    acks = w.b.packets - acks;
    assert_true(segments > 10000);
    assert_in_range(acks, segments * 1380 / (66 * KIB) - 10, segments * 1380 / (64 * KIB) + 30);
    wire_close(&w);
}

static void a_young_flow_is_acknowledged_every_second_segment(void **state)
{
    (void)state;
    open_pair(50 * MS);
    client.to_send = 10 * 1380;
    peer_pump(&client);
    uint64_t acks = w.b.packets;
    wire_pass(&w, 90 * MS);
    assert_in_range(w.b.packets - acks, 3, 5);
    wire_close(&w);
}

/* The sender counts duplicates: they are not merged. */
static void what_comes_behind_a_hole_is_acknowledged_each_time(void **state)
{
    (void)state;
    open_pair(50 * MS);
    client.to_send = 10 * 1380;
    int countdown = 2;
    w.a.sniff = lose_one_data_segment;
    w.a.ctx = &countdown;
    peer_pump(&client);
    uint64_t acks = w.b.packets;
    wire_pass(&w, 90 * MS);
    assert_true(w.b.packets - acks >= 8);
    wire_pass(&w, 150 * MS); /* sooner than any timer */
    assert_int_equal(server.received, 10 * 1380);
    wire_close(&w);
}

/* What the other end says is kept back, to arrive when the test wants it. */
struct held {
    unsigned n;
    size_t len[8];
    uint8_t ip[8][128];
};

static bool hold_back(struct wire_end *end, uint8_t *ip, size_t len)
{
    struct held *h = end->ctx;
    assert_true(h->n < 8 && len <= sizeof h->ip[0]);
    memcpy(h->ip[h->n], ip, len);
    h->len[h->n++] = len;
    return true;
}

/* Where the sender's bytes end, and where its FIN says that they do. */
static uint32_t bytes_end, fin_at;

static bool lose_the_second_and_look_for_fin(struct wire_end *end, uint8_t *ip, size_t len)
{
    size_t headers = 20 + 4 * (size_t)(ip[32] >> 4);
    uint32_t past = load_be32(ip + 24) + (uint32_t)(len - headers);
    if (ip[33] & 0x01) {
        n_fins++;
        fin_at = past;
    }
    if (bytes_end == 0 || (int32_t)(past - bytes_end) > 0) {
        bytes_end = past;
    }
    return lose_one_data_segment(end, ip, len);
}

/* Three duplicates call for an old segment in the middle of a turn, and before the turn ends the
 * user is done. A sender that gives it back to lwIP there and then (tcp_rexmit()) has it as the last one
 * unsent, with later ones on their way, and the FIN on it; ours resends in place. */
static void a_fin_does_not_end_the_stream_at_a_segment_that_is_sent_again(void **state)
{
    (void)state;
    open_pair(50 * MS);
    int countdown = 2;
    n_fins = 0;
    w.a.sniff = lose_the_second_and_look_for_fin;
    w.a.ctx = &countdown;
    client.to_send = 8 * 1380;
    peer_pump(&client);
    struct held held = {0};
    w.b.sniff = hold_back;
    w.b.ctx = &held;
    wire_pass(&w, 60 * MS);
    assert_true(countdown < 0 && held.n >= 3);
    w.b.sniff = NULL;
    for (unsigned i = 0; i < held.n; i++) {
        wire_inject(&w.a, held.ip[i], held.len[i]);
    }
    stack_tcp_shutdown(client.t);
    wire_pass(&w, 2 * NS_PER_S);
    assert_true(n_fins > 0);
    assert_int_equal(fin_at, bytes_end);
    assert_int_equal(server.received, 8 * 1380);
    assert_true(server.eof);
    wire_close(&w);
}

/* The server says that it takes so much, in whatever unit was agreed on. */
static bool say_window(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)len;
    store_be16(ip + 20 + 14, *(const uint16_t *)end->ctx);
    return false;
}

/* A peer that takes nothing at first, and little then, must not stop anybody: neither the program, nor itself for good. */
static void a_window_that_opens_late_and_little_is_used(void **state)
{
    (void)state;
    for (uint16_t little = 1; little < 4; little++) {
        uint16_t window = 0;
        wire_open(&w, &(struct wire_config){.delay = MS});
        w.b.sniff = say_window;
        w.b.ctx = &window;
        client = (struct peer){.to_send = 20000};
        server = (struct peer){.appetite = SIZE_MAX};
        assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
        wire_pass(&w, 200 * MS);
        assert_true(peer_is_connected(&client));
        assert_true(server.received <= 1); /* a probe */
        for (int i = 0; i < 3; i++) {
            window = little;
            server.to_send += 10; /* it speaks, and so tells of its window */
            peer_pump(&server);
            wire_pass(&w, 50 * MS);
            client.to_send += 20000;
            peer_pump(&client);
            wire_pass(&w, 50 * MS);
        }
        w.b.sniff = NULL;
        wire_pass(&w, 120 * NS_PER_S);
        assert_int_equal(server.received, 80000);
        wire_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_small_pieces_leave_in_full_segments),
        cmocka_unit_test(the_send_queue_grows_with_what_is_in_flight),
        cmocka_unit_test(a_short_path_keeps_a_short_queue),
        cmocka_unit_test(queues_hold_no_memory_when_all_is_acknowledged),
        cmocka_unit_test(a_fin_travels_with_the_last_bytes),
        cmocka_unit_test(a_batch_is_acknowledged_once_and_each_64_kib),
        cmocka_unit_test(a_young_flow_is_acknowledged_every_second_segment),
        cmocka_unit_test(a_window_that_opens_late_and_little_is_used),
        cmocka_unit_test(what_comes_behind_a_hole_is_acknowledged_each_time),
        cmocka_unit_test(a_fin_does_not_end_the_stream_at_a_segment_that_is_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
