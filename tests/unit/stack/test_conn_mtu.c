/* SPDX-License-Identifier: MIT */
/* A path that is narrower than the tunnel: segments get smaller when a router says so, and all
 * bytes arrive. */
#include "unit/stack/packets.h"
#include "unit/stack/peer.h"

static struct wire w;
static size_t narrow; /* what the router forwards at most */
static uint8_t too_big[2048];
static size_t too_big_len;

/* A router that drops what is too large and quotes it. */
static bool router(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    if (len <= narrow) {
        return false;
    }
    memcpy(too_big, ip, len);
    too_big_len = len;
    return true;
}

static void tell_the_sender(size_t mtu)
{
    uint8_t ip[2500];
    bool v4 = too_big[0] >> 4 == 4;
    size_t len =
        make_icmp(ip, v4 ? "192.0.2.1" : "2001:db8::1", v4 ? "10.0.0.1" : "fd00::1", v4 ? 3 : 2,
                  v4 ? 4 : 0, (uint32_t)mtu, too_big, too_big_len < 1200 ? too_big_len : 1200);
    too_big_len = 0;
    wire_inject(&w.a, ip, len);
}

static const char *const families[] = {"10.0.0.2", "fd00::2"};

static void all_bytes_pass_a_narrow_path(void **state)
{
    (void)state;
    static const size_t mtus[] = {1280, 1300, 1419};
    for (size_t i = 0; i < 2 * ARRAY_SIZE(mtus); i++) {
        wire_open(&w, &(struct wire_config){.delay = 5 * MS});
        struct peer client = {.to_send = 200000, .shutdown_after = true};
        struct peer server = {.appetite = SIZE_MAX, .shutdown_after = true};
        assert_int_equal(peer_pair(&w, &client, &server, families[i % 2]), 0);
        narrow = mtus[i / 2];
        w.a.sniff = router;
        too_big_len = 0;
        for (int ms = 0; ms < 5000 && !server.eof; ms++) {
            wire_pass(&w, MS);
            if (too_big_len > 0) {
                tell_the_sender(narrow);
            }
        }
        assert_int_equal(server.received, 200000);
        assert_true(server.eof);
        wire_pass(&w, 100 * MS);
        assert_int_equal(stack_tcp_unsent(client.t), 0);
        wire_close(&w);
    }
}

/* Nothing may go below the smallest MTU of the family, whatever an error claims. */
static void an_absurd_mtu_is_raised_to_the_least(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        wire_open(&w, &(struct wire_config){.delay = 5 * MS});
        struct peer client = {.to_send = 200000, .shutdown_after = true};
        struct peer server = {.appetite = SIZE_MAX, .shutdown_after = true};
        assert_int_equal(peer_pair(&w, &client, &server, families[i]), 0);
        narrow = 1000;
        w.a.sniff = router;
        too_big_len = 0;
        while (too_big_len == 0) {
            wire_pass(&w, MS);
        }
        w.a.sniff = NULL;
        w.a.largest = 0;
        tell_the_sender(0);
        wire_pass(&w, 5 * NS_PER_S);
        assert_int_equal(server.received, 200000);
        assert_int_equal(w.a.largest, i == 0 ? 576 : 1280);
        wire_close(&w);
    }
}

static bool swallow(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)ip;
    return len > narrow;
}

static void a_path_that_swallows_large_packets_silently_is_worked_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        wire_open(&w, &(struct wire_config){.delay = 5 * MS});
        struct peer client = {.to_send = 200000, .shutdown_after = true};
        struct peer server = {.appetite = SIZE_MAX, .shutdown_after = true};
        assert_int_equal(peer_pair(&w, &client, &server, families[i]), 0);
        narrow = 1300;
        w.a.sniff = swallow;
        wire_pass(&w, 20 * NS_PER_S);
        assert_int_equal(server.received, 200000);
        assert_true(server.eof);
        wire_close(&w);
    }
}

/* The tunnel itself finds its path narrower: what is on its way goes out again, smaller, and what comes later too. */
static void a_narrower_tunnel_sends_again_what_did_not_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        wire_open(&w, &(struct wire_config){.delay = 5 * MS});
        struct peer client = {.to_send = 200000, .shutdown_after = true};
        struct peer server = {.appetite = SIZE_MAX, .shutdown_after = true};
        assert_int_equal(peer_pair(&w, &client, &server, families[i]), 0);
        narrow = 1300;
        w.a.sniff = router;
        too_big_len = 0;
        while (too_big_len == 0) {
            wire_pass(&w, MS);
        }
        stack_lower_mtu(w.a.stack, 1300, w.now);
        too_big_len = 0;
        wire_pass(&w, 5 * NS_PER_S);
        assert_int_equal(too_big_len, 0);
        assert_int_equal(server.received, 200000);
        stack_lower_mtu(w.a.stack, 100, w.now);  /* raised to what the families need */
        stack_lower_mtu(w.a.stack, 1400, w.now); /* never wider again */
        wire_close(&w);
    }
}

static size_t largest;

static bool measure(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)ip;
    largest = len > largest ? len : largest;
    return false;
}

/* Only one side wishes it, and tells the other. */
static void full_segments_are_packets_of_whole_blocks_in_both_directions(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        bool up = i < 2;
        wire_open(&w, &(struct wire_config){.delay = MS, .segment_block = 64});
        struct peer client = {.to_send = up ? 200000 : 0, .appetite = SIZE_MAX};
        struct peer server = {.to_send = up ? 0 : 200000, .appetite = SIZE_MAX};
        assert_int_equal(peer_pair(&w, &client, &server, families[i % 2]), 0);
        largest = 0;
        w.a.sniff = w.b.sniff = measure;
        wire_pass(&w, NS_PER_S);
        assert_int_equal(client.received + server.received, 200000);
        assert_int_equal(largest, 1408); /* of 1420 */
        wire_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bytes_pass_a_narrow_path),
        cmocka_unit_test(an_absurd_mtu_is_raised_to_the_least),
        cmocka_unit_test(a_path_that_swallows_large_packets_silently_is_worked_round),
        cmocka_unit_test(a_narrower_tunnel_sends_again_what_did_not_fit),
        cmocka_unit_test(full_segments_are_packets_of_whole_blocks_in_both_directions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
