/* SPDX-License-Identifier: MIT */
/* The way out: whole packets of the interface's size, in the order in which they were made, and
 * only when allowed. */
#include "base/bytes.h"
#include "stack/internal.h"
#include "unit/stack/packets.h"
#include "unit/stack/peer.h"

static struct wire w;

static void packets_are_as_large_as_the_mtu(void **state)
{
    (void)state;
    static const uint16_t mtus[] = {576, 1280, 1420, 9000, 65535};
    for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
        for (int v4 = mtus[i] < 1280; v4 < 2; v4++) {
            struct wire_config c = {.delay = 5 * MS, .loss = 5, .seed = i, .mtu = mtus[i]};
            c.a[0] = v4 ? "10.0.0.1" : "fd00::1";
            c.b[0] = v4 ? "10.0.0.2" : "fd00::2";
            wire_open(&w, &c);
            struct peer client = {.to_send = 500000, .appetite = SIZE_MAX, .shutdown_after = true};
            struct peer server = {.to_send = 500000, .appetite = SIZE_MAX, .shutdown_after = true};
            assert_int_equal(peer_pair(&w, &client, &server, c.b[0]), 0);
            assert_true(wire_run(&w, peer_is_done, &client, 60 * NS_PER_S));
            assert_int_equal(client.received, 500000);
            assert_int_equal(server.received, 500000);
            size_t most = 8860 + (v4 ? 40 : 60); /* TCP_MSS of lwipopts.h */
            assert_int_equal(w.a.largest, mtus[i] < most ? mtus[i] : most);
            wire_close(&w);
        }
    }
}

static uint16_t ports[8]; /* where the packets went, in order */
static unsigned n_ports;

static bool note_port(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)len;
    if (n_ports < ARRAY_SIZE(ports)) {
        ports[n_ports++] = load_be16(ip + IP4_HEADER + (ip[9] == PROTO_ICMP ? 4 : 2));
    }
    return true;
}

static const struct stack_udp_handler deaf;

/* Made by a handler, waiting for the flush, and then a packet comes that lwIP answers at once. */
static void what_waited_leaves_before_what_is_answered(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){0});
    w.a.sniff = note_port;
    n_ports = 0;
    struct stack_udp *u;
    assert_int_equal(stack_udp_open(w.a.stack, 0, &deaf, NULL, &u), 0);
    for (uint16_t port = 1; port <= 3; port++) {
        struct endpoint to = at("10.0.0.2", port);
        assert_int_equal(stack_udp_send(u, &to, "x", 1), 0);
    }
    assert_int_equal(n_ports, 0);
    uint8_t ip[64];
    wire_inject(&w.a, ip, make_icmp(ip, "10.0.0.2", "10.0.0.1", 8, 0, 4 << 16, "ping", 4));
    assert_int_equal(n_ports, 4);
    for (uint16_t i = 0; i < 4; i++) {
        assert_int_equal(ports[i], i + 1);
    }
    wire_close(&w);
}

static uint16_t ids[8];
static unsigned n_ids;

static bool note_id(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)len;
    ids[n_ids++ % ARRAY_SIZE(ids)] = load_be16(ip + 4);
    return true;
}

static void identifications_are_each_stacks_own(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){.seed = 4});
    w.a.sniff = w.b.sniff = note_id;
    n_ids = 0;
    struct stack_udp *u[2];
    assert_int_equal(stack_udp_open(w.a.stack, 0, &deaf, NULL, &u[0]), 0);
    assert_int_equal(stack_udp_open(w.b.stack, 0, &deaf, NULL, &u[1]), 0);
    for (int i = 0; i < 4; i++) {
        struct endpoint to = at("10.0.0.9", 1);
        assert_int_equal(stack_udp_send(u[i % 2], &to, "x", 1), 0);
        wire_pass(&w, 0);
    }
    assert_int_equal((uint16_t)(ids[2] - ids[0]), 1);
    assert_int_equal((uint16_t)(ids[3] - ids[1]), 1);
    assert_true((uint16_t)(ids[1] - ids[0]) > 100 && (uint16_t)(ids[0] - ids[1]) > 100);
    wire_close(&w);
}

static unsigned unreachables;

static bool count_unreachables(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    unreachables += ip[0] >> 4 == 4 ? len >= 28 && ip[9] == 1 && ip[20] == 3
                                    : len >= 48 && ip[6] == 58 && ip[40] == 1;
    return true;
}

/* Whoever sends to closed ports gets 50 answers at once, and 100 a second. */
static void errors_are_told_in_moderation(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        uint8_t ip[100];
        wire_open(&w, &(struct wire_config){.delay = MS});
        w.a.sniff = count_unreachables;
        unreachables = 0;
        size_t len =
            make_udp(ip, v6 ? "fd00::2" : "10.0.0.2", 1000, v6 ? "fd00::1" : "10.0.0.1", 9, "x", 1);
        for (int i = 0; i < 500; i++) {
            wire_inject(&w.a, ip, len);
        }
        assert_in_range(unreachables, 50, 51);
        for (int i = 0; i < 1000; i++) {
            wire_pass(&w, MS);
            wire_inject(&w.a, ip, len);
        }
        assert_in_range(unreachables, 149, 152);
        wire_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_told_in_moderation),
        cmocka_unit_test(packets_are_as_large_as_the_mtu),
        cmocka_unit_test(what_waited_leaves_before_what_is_answered),
        cmocka_unit_test(identifications_are_each_stacks_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
