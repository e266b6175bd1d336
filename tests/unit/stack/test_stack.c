/* SPDX-License-Identifier: MIT */
/* The stack as a host: what it is made from, what it answers by itself, what it counts. */
#include "unit/stack/packets.h"
#include "unit/stack/peer.h"

#include <stdio.h>

static struct wire w;

static void a_stack_needs_addresses_and_a_sensible_mtu(void **state)
{
    (void)state;
    static const struct {
        const char *addr[2];
        size_t n;
        uint16_t mtu;
        int err;
    } cases[] = {
        {{"10.0.0.1"}, 1, 576, 0},
        {{"10.0.0.1"}, 1, 575, ERR_INVALID},
        {{"fd00::1"}, 1, 1280, 0},
        {{"fd00::1"}, 1, 1279, ERR_INVALID},
        {{"10.0.0.1", "fd00::1"}, 2, 1279, ERR_INVALID},
        {{"10.0.0.1", "fd00::1"}, 2, 65535, 0},
        {{"10.0.0.1"}, 0, 1420, ERR_INVALID},
        {{"0.0.0.0"}, 1, 1420, ERR_INVALID},
        {{"ff02::1"}, 1, 1420, ERR_INVALID},
    };
    uint64_t seed = 1;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct prefix p[2];
        for (size_t j = 0; j < 2 && cases[i].addr[j]; j++) {
            assert_true(prefix_parse(&p[j], cases[i].addr[j]));
        }
        struct stack_config c = {.addresses = p,
                                 .n_addresses = cases[i].n,
                                 .mtu = cases[i].mtu,
                                 .rng = seeded_rng(&seed)};
        struct stack *s = NULL;
        assert_int_equal(stack_new(&s, &c, (struct now){0}), cases[i].err);
        if (s) {
            assert_int_equal(stack_next_deadline(s), NEVER);
            assert_false(stack_has_family(s, FAMILY_NONE));
            stack_free(s);
        }
    }
}

/* ---- ping ---- */

static uint8_t answer[70000];
static size_t answer_len, answer_bytes;
static unsigned n_answers;

static bool keep(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    memcpy(answer, ip, len);
    answer_len = len;
    answer_bytes += len;
    n_answers++;
    return true;
}

static uint32_t sum_of(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    }
    return sum;
}

static bool sums_to_zero(uint32_t sum)
{
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum == 0xffff;
}

static void ping_is_answered_in_both_families(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 56, 1000, 1372};
    wire_open(&w, &(struct wire_config){.a = {"10.0.0.1", "10.0.7.7", "fd00::1"},
                                        .b = {"10.0.0.2", "fd00::2"}});
    w.a.sniff = keep;
    static const char *const to[] = {"10.0.0.1", "10.0.7.7", "fd00::1"};
    uint8_t data[2000], ip[2100];
    seeded_fill(&w.chance, data, sizeof data);
    for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
        bool v4 = i < 2;
        for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
            n_answers = 0;
            size_t len = make_icmp(ip, v4 ? "10.9.9.9" : "2001:db8::9", to[i], v4 ? 8 : 128, 0,
                                   0x00070001, data, sizes[j]);
            wire_inject(&w.a, ip, len);
            assert_int_equal(n_answers, 1);
            assert_int_equal(answer_len, len);
            struct packet p;
            struct addr sender = at(v4 ? "10.9.9.9" : "2001:db8::9", 0).addr;
            gate_check(&sender, 1, answer, answer_len, &p);
            struct addr us = at(to[i], 0).addr;
            assert_true(addr_equal(&p.src, &us));
            assert_true(addr_equal(&p.dst, &sender));
            assert_int_equal(p.payload[0], v4 ? 0 : 129);
            assert_int_equal(load_be32(p.payload + 4), 0x00070001);
            assert_memory_equal(p.payload + 8, data, sizes[j]);
            if (v4) {
                assert_true(sums_to_zero(sum_of(answer, 20, 0)));
            } else {
                uint32_t pseudo = sum_of(answer + 8, 32, (uint32_t)p.payload_len + PROTO_ICMP6);
                assert_true(sums_to_zero(sum_of(p.payload, p.payload_len, pseudo)));
            }
        }
    }
    wire_close(&w);
}

static void a_large_ping_comes_and_goes_in_fragments(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){0});
    w.a.sniff = keep;
    static uint8_t whole[10000], ip[10000], data[4000];
    for (int v4 = 0; v4 < 2; v4++) {
        n_answers = 0;
        answer_bytes = 0;
        size_t n = make_icmp(whole, v4 ? "10.0.0.2" : "fd00::2", v4 ? "10.0.0.1" : "fd00::1",
                             v4 ? 8 : 128, 0, 9, data, sizeof data);
        for (size_t offset = 0; offset < 4008; offset += 1200) {
            size_t part = 4008 - offset < 1200 ? 4008 - offset : 1200;
            wire_inject(&w.a, ip, make_fragment(ip, whole, n, 3, offset, part));
        }
        assert_int_equal(n_answers, 3);
        assert_int_equal(answer_bytes, 4008 + 3 * (v4 ? 20 : 48));
    }
    wire_close(&w);
}

/* ---- counters ---- */

static void drops_are_counted_by_reason(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){0});
    uint8_t ip[100];
    for (unsigned why = 0; why < STACK_DROP_N; why++) {
        assert_int_equal(stack_drop_count(w.a.stack, why), 0);
        assert_string_not_equal(stack_drop_text(why), "unknown");
    }
    assert_string_equal(stack_drop_text(STACK_DROP_N), "unknown");
    wire_inject(&w.a, ip, 0);
    size_t len = make_tcp(ip, "10.0.0.2", 1, "10.0.0.1", 2, 0, 0, 2, "", 0);
    wire_inject(&w.a, ip, len - 1);
    ip[0] = 0x15;
    wire_inject(&w.a, ip, len);
    ip[0] = 0x46;
    wire_inject(&w.a, ip, len);
    wire_inject(&w.a, ip, make_tcp(ip, "10.0.0.2", 1, "10.0.0.3", 2, 0, 0, 2, "", 0));
    wire_inject(&w.a, ip, make_tcp(ip, "127.0.0.1", 1, "10.0.0.1", 2, 0, 0, 2, "", 0));
    wire_inject(&w.a, ip, make_ip(ip, "10.0.0.2", "10.0.0.1", 47, "", 0));
    static const unsigned want[STACK_DROP_N] = {
        [STACK_DROP_SHORT] = 2,  [STACK_DROP_VERSION] = 1,  [STACK_DROP_OPTIONS] = 1,
        [STACK_DROP_SOURCE] = 1, [STACK_DROP_PROTOCOL] = 1, [STACK_DROP_DESTINATION] = 1,
    };
    for (unsigned why = 0; why < STACK_DROP_N; why++) {
        assert_int_equal(stack_drop_count(w.a.stack, why), want[why]);
    }
    wire_close(&w);
}

static void a_packet_without_a_buffer_is_copied(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){0});
    w.a.sniff = keep;
    n_answers = 0;
    uint8_t *ip = malloc(100);
    size_t len = make_icmp(ip, "10.0.0.2", "10.0.0.1", 8, 0, 1, "data", 4);
    stack_input(w.a.stack, NULL, ip, len, w.now);
    free(ip);
    assert_int_equal(n_answers, 1);
    wire_close(&w);
}

/* Whoever receives what we send verifies these, unlike us. */
static unsigned n_checked;

static bool verify(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    bool v4 = ip[0] >> 4 == 4;
    size_t header = v4 ? IP4_HEADER : IP6_HEADER;
    uint8_t proto = v4 ? ip[9] : ip[6];
    assert_true(!v4 || sums_to_zero(sum_of(ip, IP4_HEADER, 0)));
    bool fragment = v4 ? (load_be16(ip + 6) & 0x3fff) != 0 : proto == PROTO_FRAGMENT;
    if (!fragment) {
        uint32_t pseudo = sum_of(ip + (v4 ? 12 : 8), v4 ? 8 : 32, (uint32_t)(len - header) + proto);
        pseudo = v4 && proto == PROTO_ICMP ? 0 : pseudo;
        assert_true(sums_to_zero(sum_of(ip + header, len - header, pseudo)));
        n_checked++;
    }
    return false;
}

static void every_checksum_that_leaves_is_right(void **state)
{
    (void)state;
    static const struct stack_udp_handler handler = {0};
    for (int v4 = 0; v4 < 2; v4++) {
        wire_open(&w, &(struct wire_config){.delay = MS, .loss = 30, .seed = 3});
        w.a.sniff = w.b.sniff = verify;
        n_checked = 0;
        struct peer client = {.to_send = 300001, .appetite = SIZE_MAX, .shutdown_after = true};
        struct peer server = {.to_send = 77777, .appetite = SIZE_MAX, .shutdown_after = true};
        assert_int_equal(peer_pair(&w, &client, &server, v4 ? "10.0.0.2" : "fd00::2"), 0);
        struct stack_udp *u;
        struct endpoint to = at(v4 ? "10.0.0.2" : "fd00::2", 9);
        assert_int_equal(stack_udp_open(w.a.stack, 0, &handler, NULL, &u), 0);
        for (size_t len = 0; len < 1300; len += 99) {
            assert_int_equal(stack_udp_send(u, &to, answer, len), 0);
        }
        wire_pass(&w, 30 * NS_PER_S);
        assert_int_equal(server.received, 300001);
        assert_true(n_checked > 300);
        wire_close(&w);
    }
}

/* What nobody asked for: no router, neighbour, address or multicast traffic of its own. */
static void an_idle_stack_says_nothing(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){0});
    wire_pass(&w, 1000 * NS_PER_S);
    assert_int_equal(w.a.packets, 0);
    assert_int_equal(w.wakeups, 0);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_needs_addresses_and_a_sensible_mtu),
        cmocka_unit_test(ping_is_answered_in_both_families),
        cmocka_unit_test(a_large_ping_comes_and_goes_in_fragments),
        cmocka_unit_test(drops_are_counted_by_reason),
        cmocka_unit_test(a_packet_without_a_buffer_is_copied),
        cmocka_unit_test(every_checksum_that_leaves_is_right),
        cmocka_unit_test(an_idle_stack_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
