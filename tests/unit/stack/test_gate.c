/* SPDX-License-Identifier: MIT */
/* The door: each kind of packet and its verdict, and each of them cut at every length. */
#include "unit/stack/packets.h"

static const uint8_t data[64];
static struct addr ours[3];

static int set_up(void **state)
{
    (void)state;
    ours[0] = at("10.0.0.1", 0).addr;
    ours[1] = at("10.0.1.1", 0).addr;
    ours[2] = at("fd00::1", 0).addr;
    return 0;
}

static enum gate_verdict check(uint8_t *ip, size_t len, struct packet *p)
{
    return gate_check(ours, ARRAY_SIZE(ours), ip, len, p);
}

/* The result as one number: a verdict, or -1 - why. */
static int verdict(uint8_t *ip, size_t len)
{
    struct packet p;
    enum gate_verdict v = check(ip, len, &p);
    return v == GATE_DROP ? -1 - (int)p.why : (int)v;
}

#define DROPPED(why) (-1 - (int)(why))

static void packets_have_these_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *src, *dst;
        uint8_t proto;
        int verdict;
    } cases[] = {
        {"10.0.0.2", "10.0.0.1", PROTO_TCP, GATE_TCP},
        {"192.0.2.1", "10.0.1.1", PROTO_TCP, GATE_TCP},
        {"fd00::2", "fd00::1", PROTO_TCP, GATE_TCP},
        {"fe80::2", "fd00::1", PROTO_TCP,
         GATE_TCP}, /* AllowedIPs decides about link-local addresses */
        {"10.0.0.2", "10.0.0.1", PROTO_UDP, GATE_UDP},
        {"fd00::2", "fd00::1", PROTO_UDP, GATE_UDP},
        /* destinations */
        {"10.0.0.2", "10.0.0.3", PROTO_TCP, DROPPED(STACK_DROP_DESTINATION)},
        {"10.0.0.2", "10.0.0.255", PROTO_UDP, DROPPED(STACK_DROP_DESTINATION)},
        {"10.0.0.2", "255.255.255.255", PROTO_UDP, DROPPED(STACK_DROP_DESTINATION)},
        {"10.0.0.2", "224.0.0.1", PROTO_UDP, DROPPED(STACK_DROP_DESTINATION)},
        {"fd00::2", "ff02::1", PROTO_UDP, DROPPED(STACK_DROP_DESTINATION)},
        {"fd00::2", "fd00::3", PROTO_TCP, DROPPED(STACK_DROP_DESTINATION)},
        /* sources */
        {"0.0.0.0", "10.0.0.1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        {"127.0.0.1", "10.0.0.1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        {"224.0.0.1", "10.0.0.1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        {"255.255.255.255", "10.0.0.1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        {"10.0.0.1", "10.0.0.1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        {"10.0.1.1", "10.0.0.1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        {"::", "fd00::1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        {"::1", "fd00::1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        {"ff02::1", "fd00::1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        {"fd00::1", "fd00::1", PROTO_TCP, DROPPED(STACK_DROP_SOURCE)},
        /* protocols */
        {"10.0.0.2", "10.0.0.1", 2 /* IGMP */, DROPPED(STACK_DROP_PROTOCOL)},
        {"10.0.0.2", "10.0.0.1", 47 /* GRE */, DROPPED(STACK_DROP_PROTOCOL)},
        {"10.0.0.2", "10.0.0.1", PROTO_ICMP6, DROPPED(STACK_DROP_PROTOCOL)},
        {"fd00::2", "fd00::1", PROTO_ICMP, DROPPED(STACK_DROP_PROTOCOL)},
        {"fd00::2", "fd00::1", 59 /* none */, DROPPED(STACK_DROP_PROTOCOL)},
        {"fd00::2", "fd00::1", 132 /* SCTP */, DROPPED(STACK_DROP_PROTOCOL)},
        /* extension headers */
        {"fd00::2", "fd00::1", 0, DROPPED(STACK_DROP_OPTIONS)},
        {"fd00::2", "fd00::1", 43, DROPPED(STACK_DROP_OPTIONS)},
        {"fd00::2", "fd00::1", 50, DROPPED(STACK_DROP_OPTIONS)},
        {"fd00::2", "fd00::1", 51, DROPPED(STACK_DROP_OPTIONS)},
        {"fd00::2", "fd00::1", 60, DROPPED(STACK_DROP_OPTIONS)},
        {"fd00::2", "fd00::1", 135, DROPPED(STACK_DROP_OPTIONS)},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t payload[64] = {0}, ip[128];
        payload[12] = 0x50; /* a TCP header */
        if (cases[i].proto == PROTO_UDP) {
            store_be16(payload + 4, sizeof payload);
        }
        size_t len =
            make_ip(ip, cases[i].src, cases[i].dst, cases[i].proto, payload, sizeof payload);
        assert_int_equal(verdict(ip, len), cases[i].verdict);
    }
}

static void only_echo_and_errors_of_icmp_pass(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        uint8_t ip[128];
        size_t len = make_icmp(ip, "10.0.0.2", "10.0.0.1", (uint8_t)type, 0, 0, data, 16);
        assert_int_equal(verdict(ip, len), type == 8   ? (int)GATE_ECHO
                                           : type == 0 ? (int)GATE_REPLY
                                           : type == 3 || type == 11
                                               ? (int)GATE_ERROR
                                               : DROPPED(STACK_DROP_PROTOCOL));
        len = make_icmp(ip, "fd00::2", "fd00::1", (uint8_t)type, 0, 0, data, 16);
        assert_int_equal(verdict(ip, len), type == 128              ? (int)GATE_ECHO
                                           : type == 129            ? (int)GATE_REPLY
                                           : type >= 1 && type <= 3 ? (int)GATE_ERROR
                                                                    : DROPPED(STACK_DROP_PROTOCOL));
    }
}

static void every_version_but_two_is_refused(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 16; version++) {
        uint8_t ip[64] = {(uint8_t)(version << 4 | 5)};
        struct packet p;
        enum gate_verdict v = check(ip, sizeof ip, &p);
        assert_int_equal(v, GATE_DROP);
        assert_true((p.why == STACK_DROP_VERSION) == (version != 4 && version != 6));
    }
    assert_int_equal(verdict(NULL, 0), DROPPED(STACK_DROP_SHORT));
}

static void ipv4_options_are_refused(void **state)
{
    (void)state;
    uint8_t ip[128];
    size_t len = make_tcp(ip, "10.0.0.2", 1, "10.0.0.1", 2, 0, 0, 0x10, data, 40);
    for (uint8_t words = 0; words < 16; words++) {
        ip[0] = (uint8_t)(0x40 | words);
        assert_int_equal(verdict(ip, len), words < 5    ? DROPPED(STACK_DROP_SHORT)
                                           : words == 5 ? (int)GATE_TCP
                                                        : DROPPED(STACK_DROP_OPTIONS));
    }
}

/* What the header states beyond the packet is refused at each length; what lies behind it is
 * ignored. */
static void no_packet_passes_when_it_is_cut(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"10.0.0.2", "10.0.0.1"}, {"fd00::2", "fd00::1"}};
    for (size_t f = 0; f < ARRAY_SIZE(pairs); f++) {
        for (int kind = 0; kind < 4; kind++) {
            uint8_t whole[256];
            const char *src = pairs[f][0], *dst = pairs[f][1];
            size_t len = kind == 0   ? make_tcp(whole, src, 1, dst, 2, 3, 4, 0x18, data, 30)
                         : kind == 1 ? make_udp(whole, src, 1, dst, 2, data, 30)
                         : kind == 2 ? make_icmp(whole, src, dst, f == 0 ? 8 : 128, 0, 7, data, 30)
                                     : make_icmp(whole, src, dst, f == 0 ? 3 : 1, 0, 7, data, 60);
            for (size_t cut = 0; cut < len; cut++) {
                uint8_t *exact =
                    malloc(cut ? cut : 1); /* so that a sanitizer sees each byte beyond */
                memcpy(exact, whole, cut);
                assert_int_equal(verdict(exact, cut), DROPPED(STACK_DROP_SHORT));
                free(exact);
            }
            uint8_t padded[300] = {0};
            memcpy(padded, whole, len);
            struct packet p;
            assert_int_not_equal(check(padded, len + 16, &p), GATE_DROP);
            assert_int_equal(p.len, len);
        }
    }
}

/* The IP header agrees with the packet, and the header behind it does not. */
static void inner_headers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    uint8_t ip[128];
    for (size_t len = 0; len < 20; len++) {
        size_t n = make_ip(ip, "10.0.0.2", "10.0.0.1", PROTO_TCP, data, len);
        assert_int_equal(verdict(ip, n), DROPPED(STACK_DROP_SHORT));
        n = make_ip(ip, "fd00::2", "fd00::1", PROTO_TCP, data, len);
        assert_int_equal(verdict(ip, n), DROPPED(STACK_DROP_SHORT));
    }
    for (size_t len = 0; len < 8; len++) {
        size_t n = make_ip(ip, "10.0.0.2", "10.0.0.1", PROTO_UDP, data, len);
        assert_int_equal(verdict(ip, n), DROPPED(STACK_DROP_SHORT));
        n = make_ip(ip, "fd00::2", "fd00::1", PROTO_ICMP6, data, len);
        assert_int_equal(verdict(ip, n), DROPPED(STACK_DROP_SHORT));
    }
    for (uint8_t words = 0; words < 16; words++) { /* TCP's data offset, in a segment of 24 bytes */
        size_t n = make_tcp(ip, "10.0.0.2", 1, "10.0.0.1", 2, 0, 0, 0x10, data, 4);
        ip[32] = (uint8_t)(words << 4);
        assert_int_equal(verdict(ip, n),
                         words == 5 || words == 6 ? (int)GATE_TCP : DROPPED(STACK_DROP_SHORT));
    }
    for (uint16_t stated = 0; stated < 60; stated++) { /* UDP's length, in a payload of 28 bytes */
        size_t n = make_udp(ip, "10.0.0.2", 1, "10.0.0.1", 2, data, 20);
        store_be16(ip + 24, stated);
        bool fits = stated >= 8 && stated <= 28;
        assert_int_equal(verdict(ip, n), fits ? (int)GATE_UDP : DROPPED(STACK_DROP_SHORT));
    }
}

static void what_udp_does_not_count_is_cut_off(void **state)
{
    (void)state;
    uint8_t ip[128];
    struct packet p;
    size_t n = make_udp(ip, "10.0.0.2", 1, "10.0.0.1", 2, data, 20);
    store_be16(ip + 24, 8 + 5);
    assert_int_equal(check(ip, n, &p), GATE_UDP);
    assert_int_equal(p.len, 20 + 8 + 5);
    assert_int_equal(load_be16(ip + 2), p.len);
    n = make_udp(ip, "fd00::2", 1, "fd00::1", 2, data, 20);
    store_be16(ip + 44, 8 + 5);
    assert_int_equal(check(ip, n, &p), GATE_UDP);
    assert_int_equal(p.len, 40 + 8 + 5);
    assert_int_equal(load_be16(ip + 4), 8 + 5);
}

static void tcp_options_must_be_whole(void **state)
{
    (void)state;
    static const struct {
        uint8_t options[8];
        bool good;
    } cases[] = {
        {{1, 1, 1, 1, 1, 1, 1, 1}, true},   {{0, 9, 9, 9, 9, 9, 9, 9}, true},
        {{2, 4, 5, 180, 1, 1, 4, 2}, true}, {{3, 3, 7, 1, 1, 1, 1, 1}, true},
        {{5, 8, 0, 0, 0, 0, 0, 0}, true},   {{254, 2, 254, 6, 0, 0, 0, 0}, true},
        {{5, 10, 0, 0, 0, 0, 0, 0}, false}, {{2, 0, 0, 0, 0, 0, 0, 0}, false},
        {{2, 1, 0, 0, 0, 0, 0, 0}, false},  {{1, 1, 1, 1, 1, 1, 1, 2}, false},
        {{1, 1, 1, 1, 1, 1, 2, 4}, false},  {{1, 255, 1, 1, 1, 1, 1, 1}, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t ip[128];
        size_t n = make_tcp(ip, "10.0.0.2", 1, "10.0.0.1", 2, 0, 0, 0x02, cases[i].options, 8);
        ip[32] = 0x70;
        assert_int_equal(verdict(ip, n), cases[i].good ? (int)GATE_TCP : DROPPED(STACK_DROP_SHORT));
    }
}

/* lwIP takes an MSS from any segment, and asserts that nothing that it queued is larger. */
static void an_mss_counts_in_a_syn_alone_and_is_never_tiny(void **state)
{
    (void)state;
    static const uint8_t large[4] = {2, 4, 5, 180}, tiny[4] = {2, 4, 0, 1}, nops[4] = {1, 1, 1, 1};
    uint8_t ip[128];
    size_t n = make_tcp(ip, "10.0.0.2", 1, "10.0.0.1", 2, 0, 0, 0x02, large, 4);
    ip[32] = 0x60;
    assert_int_equal(verdict(ip, n), GATE_TCP);
    assert_memory_equal(ip + 40, large, 4);

    n = make_tcp(ip, "10.0.0.2", 1, "10.0.0.1", 2, 0, 0, 0x02, tiny, 4);
    ip[32] = 0x60;
    assert_int_equal(verdict(ip, n), GATE_TCP);
    assert_int_equal(load_be16(ip + 42), 64);

    n = make_tcp(ip, "10.0.0.2", 1, "10.0.0.1", 2, 0, 0, 0x10, tiny, 4);
    ip[32] = 0x60;
    assert_int_equal(verdict(ip, n), GATE_TCP);
    assert_memory_equal(ip + 40, nops, 4);
}

static void fragments_stay_within_bounds(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"10.0.0.2", "10.0.0.1"}, {"fd00::2", "fd00::1"}};
    static const struct {
        size_t offset, len;
        bool more;
        bool good;
    } cases[] = {
        {0, 8, true, true},         {0, 1400, true, true},    {8, 1, false, true},
        {1400, 3, false, true},     {0, 0, true, false},      {8, 0, false, false},
        {0, 9, true, false},        {8, 4, true, false},      {65496, 20, false, false},
        {65528, 100, false, false}, {65480, 15, false, true},
    };
    static uint8_t whole[70000], ip[70000];
    for (size_t f = 0; f < ARRAY_SIZE(pairs); f++) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            size_t header = make_ip(whole, pairs[f][0], pairs[f][1], PROTO_UDP, data, 0);
            size_t total = header + cases[i].offset + cases[i].len + (cases[i].more ? 8 : 0);
            size_t n = make_fragment(ip, whole, total, 77, cases[i].offset, cases[i].len);
            struct packet p;
            enum gate_verdict v = check(ip, n, &p);
            bool good = cases[i].good;
            assert_int_equal(v, good ? GATE_FRAGMENT : GATE_DROP);
            if (good) {
                assert_int_equal(p.fragment_offset, cases[i].offset);
                assert_int_equal(p.payload_len, cases[i].len);
                assert_true(p.fragment_more == cases[i].more);
                assert_int_equal(p.fragment_id, 77);
                assert_int_equal(p.proto, PROTO_UDP);
            } else {
                assert_int_equal(p.why, STACK_DROP_FRAGMENT);
            }
        }
    }
    size_t header = make_ip(whole, "10.0.0.2", "10.0.0.1", 47, data, 0);
    size_t n = make_fragment(ip, whole, header + 100, 1, 0, 8);
    assert_int_equal(verdict(ip, n), DROPPED(STACK_DROP_PROTOCOL));
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct rng rng = seeded_rng(&seed);
    for (int i = 0; i < 200000; i++) {
        size_t len = rng_below(&rng, 90);
        uint8_t *ip = malloc(len + 1);
        rng_fill(&rng, ip, len);
        if (len >= 40 && i % 4) { /* plausible enough to get further */
            uint8_t head[40];
            size_t n = i % 4 == 1
                           ? make_ip(head, "10.0.0.2", "10.0.0.1", ip[9] % 3 == 0 ? 6 : 17, data, 0)
                           : make_ip(head, "fd00::2", "fd00::1", ip[9] % 3 == 0 ? 6 : 44, data, 0);
            memcpy(ip, head, n);
            store_be16(ip + (n == 20 ? 2 : 4), (uint16_t)(len - (n == 20 ? 0 : 40)));
        }
        struct packet p;
        if (check(ip, len, &p) != GATE_DROP) {
            assert_true(p.len <= len);
            assert_true(p.payload + p.payload_len <= ip + p.len);
        }
        free(ip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_have_these_verdicts),
        cmocka_unit_test(only_echo_and_errors_of_icmp_pass),
        cmocka_unit_test(every_version_but_two_is_refused),
        cmocka_unit_test(ipv4_options_are_refused),
        cmocka_unit_test(no_packet_passes_when_it_is_cut),
        cmocka_unit_test(inner_headers_that_do_not_fit_are_refused),
        cmocka_unit_test(what_udp_does_not_count_is_cut_off),
        cmocka_unit_test(tcp_options_must_be_whole),
        cmocka_unit_test(an_mss_counts_in_a_syn_alone_and_is_never_tiny),
        cmocka_unit_test(fragments_stay_within_bounds),
        cmocka_unit_test(random_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
