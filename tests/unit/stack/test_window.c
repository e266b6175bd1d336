/* SPDX-License-Identifier: MIT */
/* How much a sender may have on its way: what we announce, read from the packets. */
#include "base/bytes.h"
#include "stack/internal.h"
#include "unit/stack/peer.h"

#define US (NS_PER_MS / 1000)

enum { KIB = 1024, MIB = 1024 * 1024 };

static struct wire w;
static struct peer client, server;
static size_t announced, largest;
static bool unscaled;

/* The server's window, as the client understands it. */
static bool read_window(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)len;
    bool syn = (ip[33] & 0x02) != 0;
    announced = (size_t)load_be16(ip + 34) << (syn || unscaled ? 0 : 9);
    largest = announced > largest ? announced : largest;
    return false;
}

static void open_pair(uint64_t delay, size_t to_send, size_t appetite)
{
    wire_open(&w, &(struct wire_config){.delay = delay});
    w.b.sniff = read_window;
    announced = largest = 0;
    client = (struct peer){.to_send = to_send, .shutdown_after = true};
    server = (struct peer){.appetite = appetite};
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
}

static bool server_has_all(void *ctx)
{
    return ((struct peer *)ctx)->eof;
}

static void it_begins_small(void **state)
{
    (void)state;
    unscaled = false;
    open_pair(MS, 3000, SIZE_MAX);
    wire_pass(&w, 200 * MS);
    assert_in_range(largest, 65535, 65536);
    wire_close(&w);
}

static void it_grows_for_a_reader_that_keeps_up(void **state)
{
    (void)state;
    open_pair(50 * MS, 64 * MIB, SIZE_MAX);
    uint64_t begin = w.now.mono;
    assert_true(wire_run(&w, server_has_all, &server, 60 * NS_PER_S));
    assert_in_range(largest, 15 * MIB, 16 * MIB);
    /* A sender in slow start was never held up: 64 MiB in flights that double every 100 ms. */
    assert_true(w.now.mono - begin < 2 * NS_PER_S);
    wire_close(&w);
}

/* 400 KiB each 5 ms: 80 MB/s, of which a round trip of 100 us holds 8 KB; but while they come, they come faster. */
static void near_by_it_does_not_grow_by_what_comes_in_bursts(void **state)
{
    (void)state;
    open_pair(50 * US, 1, SIZE_MAX);
    client.shutdown_after = false;
    wire_pass(&w, MS);
    for (int i = 0; i < 200; i++) {
        client.to_send += 400 * KIB;
        peer_pump(&client);
        wire_pass(&w, 5 * MS);
    }
    assert_int_equal(server.received, 1 + 200 * 400 * KIB);
    assert_true(largest <= 256 * KIB);
    wire_close(&w);
}

static void it_stays_small_for_a_slow_reader(void **state)
{
    (void)state;
    open_pair(10 * MS, 8 * MIB, 0);
    for (int i = 0; i < 500; i++) { /* 2 MB/s, of a path that could do far more */
        wire_pass(&w, 2 * MS);
        if (server.t) {
            peer_read(&server, 4000);
        }
        assert_true(w.b.stack->chunks.bytes < 512 * KIB);
    }
    assert_true(largest <= 256 * KIB);
    assert_true(server.received > 1500000);
    wire_close(&w);
}

static void a_reader_that_stops_holds_a_window_and_gets_a_small_one_afterwards(void **state)
{
    (void)state;
    open_pair(20 * MS, 128 * MIB, SIZE_MAX);
    while (largest < 4 * MIB) {
        wire_pass(&w, MS);
    }
    server.appetite = 0;
    wire_pass(&w, 3 * NS_PER_S);
    assert_true(w.b.stack->chunks.bytes <= 17 * MIB);
    for (int i = 0; i < 12000; i++) { /* 2 MB/s, of which a round trip holds 80 KB */
        wire_pass(&w, MS);
        peer_read(&server, 2000);
    }
    assert_true(w.b.stack->chunks.bytes <= 512 * KIB);
    assert_true(server.received > 20 * MIB);
    wire_close(&w);
}

/* A peer without window scaling (RFC 7323 2.2) gets 64 KiB and no more. */
static bool strip_scaling(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    if (ip[33] & 0x02) {
        for (size_t i = 40; i + 2 < len; i++) {
            if (ip[i] == 3 && ip[i + 1] == 3) {
                memset(ip + i, 1, 3);
            }
        }
    }
    return false;
}

static void a_peer_that_does_not_scale_gets_64_kib(void **state)
{
    (void)state;
    unscaled = true;
    open_pair(5 * MS, 4 * MIB, SIZE_MAX);
    w.a.sniff = strip_scaling;
    assert_true(wire_run(&w, server_has_all, &server, 60 * NS_PER_S));
    assert_in_range(largest, 60000, 65535);
    assert_int_equal(server.received, 4 * MIB);
    wire_close(&w);
    unscaled = false;
}

static void no_growth_while_memory_is_short(void **state)
{
    (void)state;
    open_pair(10 * MS, 32 * MIB, SIZE_MAX);
    w.b.stack->chunks.bytes += 100 * MIB; /* as if other streams held so much */
    assert_true(wire_run(&w, server_has_all, &server, 60 * NS_PER_S));
    assert_true(largest <= 64 * KIB);
    w.b.stack->chunks.bytes -= 100 * MIB;
    wire_close(&w);
}

static void a_send_queue_is_short_while_memory_is(void **state)
{
    (void)state;
    open_pair(10 * MS, 8 * MIB, SIZE_MAX);
    w.a.stack->chunks.bytes += 100 * MIB;
    for (int i = 0; i < 50; i++) {
        wire_pass(&w, 10 * MS);
        assert_true(stack_tcp_unsent(client.t) <= 64 * KIB);
    }
    assert_true(wire_run(&w, server_has_all, &server, 60 * NS_PER_S)); /* all the same */
    w.a.stack->chunks.bytes -= 100 * MIB;
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_small),
        cmocka_unit_test(it_grows_for_a_reader_that_keeps_up),
        cmocka_unit_test(near_by_it_does_not_grow_by_what_comes_in_bursts),
        cmocka_unit_test(it_stays_small_for_a_slow_reader),
        cmocka_unit_test(a_reader_that_stops_holds_a_window_and_gets_a_small_one_afterwards),
        cmocka_unit_test(a_peer_that_does_not_scale_gets_64_kib),
        cmocka_unit_test(no_growth_while_memory_is_short),
        cmocka_unit_test(a_send_queue_is_short_while_memory_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
