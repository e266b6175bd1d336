/* SPDX-License-Identifier: MIT */
/* Fragments into packets: any order and any cut gives the packet back, contradictions give nothing,
 * and nothing grows beyond its bounds. */
#include "stack/reass.h"
#include "unit/stack/packets.h"

static const char *const pairs[][2] = {{"10.0.0.2", "10.0.0.1"}, {"fd00::2", "fd00::1"}};

static struct addr ours[2];
static struct reass r;
static uint8_t whole[66000], fragment[66000];
static size_t whole_len;

static int set_up(void **state)
{
    (void)state;
    ours[0] = at("10.0.0.1", 0).addr;
    ours[1] = at("fd00::1", 0).addr;
    reass_init(&r);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    reass_fini(&r);
    assert_int_equal(r.n, 0);
    assert_int_equal(r.bytes, 0);
    return 0;
}

static void make_whole(size_t pair, size_t payload)
{
    static uint8_t data[65536];
    uint64_t seed = payload;
    seeded_fill(&seed, data, payload);
    whole_len = make_udp(whole, pairs[pair][0], 1, pairs[pair][1], 2, data, payload);
}

static enum reass_result add_bytes(size_t len, uint8_t **ip, size_t *ip_len, uint64_t mono)
{
    struct packet p;
    assert_int_equal(gate_check(ours, 2, fragment, len, &p), GATE_FRAGMENT);
    return reass_add(&r, &p, ip, ip_len, mono);
}

static enum reass_result add(uint32_t id, size_t offset, size_t len, uint8_t **ip, size_t *ip_len)
{
    return add_bytes(make_fragment(fragment, whole, whole_len, id, offset, len), ip, ip_len, 0);
}

/* The checksum, the name and the time to live may differ; nobody looks at the first two. */
static void check_whole(uint8_t *ip, size_t len)
{
    assert_int_equal(len, whole_len);
    struct packet p;
    assert_int_equal(gate_check(ours, 2, ip, len, &p), GATE_UDP);
    assert_int_equal(p.len, whole_len);
    size_t header = whole[0] >> 4 == 4 ? IP4_HEADER : IP6_HEADER;
    assert_memory_equal(ip + header, whole + header, whole_len - header);
    free(ip);
}

/* Shuffle the pieces of a packet, send some twice, and get it back once. */
static void any_order_gives_the_packet_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {9, 1000, 4000, 30000, 65507, 65487};
    uint64_t seed = 11;
    struct rng rng = seeded_rng(&seed);
    for (int round = 0; round < 200; round++) {
        size_t pair = (size_t)round % 2, size = sizes[rng_below(&rng, ARRAY_SIZE(sizes))];
        size = pair == 1 && size > 65487 ? 65487 : size;
        make_whole(pair, size);
        size_t payload = whole_len - (pair == 0 ? IP4_HEADER : IP6_HEADER);
        size_t cut = size < 5000 ? 8 * (1 + rng_below(&rng, 100)) : 8 * (64 + rng_below(&rng, 200));
        size_t n = (payload + cut - 1) / cut, order[600];
        if (n < 2 || n > REASS_FRAGMENTS_MAX) {
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            size_t j = rng_below(&rng, (uint32_t)i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (size_t i = 0; i < n; i++) {
            size_t offset = order[i] * cut, len = payload - offset < cut ? payload - offset : cut;
            uint8_t *ip = NULL;
            size_t ip_len;
            enum reass_result got = add((uint32_t)round, offset, len, &ip, &ip_len);
            assert_int_equal(got, i + 1 < n ? REASS_WAITS : REASS_WHOLE);
            if (got == REASS_WHOLE) {
                check_whole(ip, ip_len);
            } else if (rng_below(&rng, 4) == 0) {
                assert_int_equal(add((uint32_t)round, offset, len, &ip, &ip_len), REASS_WAITS);
            }
        }
        assert_int_equal(r.n, 0);
        assert_int_equal(r.bytes, 0);
    }
}

/* RFC 5722: with an overlap the whole packet goes, and what follows cannot complete it. */
static void overlaps_and_contradictions_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t offset[3], len[3];
    } cases[] = {
        {{0, 8}, {16, 16}},     /* the second begins in the first */
        {{16, 8}, {16, 16}},    /* the second ends in the first */
        {{0, 0}, {16, 24}},     /* the same beginning, another length */
        {{8, 0}, {8, 24}},      /* the second swallows the first */
        {{1000, 1000}, {8, 8}}, /* two ends: see below */
    };
    for (size_t pair = 0; pair < 2; pair++) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            uint8_t *ip;
            size_t ip_len;
            make_whole(pair, 4000);
            if (i == 4) {
                whole_len = (pair == 0 ? IP4_HEADER : IP6_HEADER) + 1008;
            }
            assert_int_equal(add(5, cases[i].offset[0], cases[i].len[0], &ip, &ip_len),
                             REASS_WAITS);
            if (i == 4) {
                whole_len += 8;
                assert_int_equal(add(5, 1008, 8, &ip, &ip_len), REASS_BAD);
            } else {
                assert_int_equal(add(5, cases[i].offset[1], cases[i].len[1], &ip, &ip_len),
                                 REASS_BAD);
            }
            assert_int_equal(r.n, 0);
        }
    }
}

static void packets_do_not_mix(void **state)
{
    (void)state;
    uint8_t *ip;
    size_t ip_len;
    make_whole(0, 100);
    assert_int_equal(add(1, 0, 56, &ip, &ip_len), REASS_WAITS);
    assert_int_equal(add(2, 56, 52, &ip, &ip_len), REASS_WAITS); /* another name */
    whole_len = make_udp(whole, "10.0.0.9", 1, "10.0.0.1", 2, whole + 28, 100);
    assert_int_equal(add(1, 56, 52, &ip, &ip_len), REASS_WAITS); /* another source */
    make_whole(0, 100);
    whole[9] = PROTO_TCP;
    assert_int_equal(add(1, 56, 52, &ip, &ip_len), REASS_WAITS); /* another protocol */
    assert_int_equal(r.n, 4);
    make_whole(0, 100);
    assert_int_equal(add(1, 56, 52, &ip, &ip_len), REASS_WHOLE);
    check_whole(ip, ip_len);
}

static void an_only_fragment_is_a_packet_of_its_own(void **state)
{
    (void)state;
    uint8_t *ip;
    size_t ip_len;
    make_whole(1, 100);
    assert_int_equal(add(3, 0, 56, &ip, &ip_len), REASS_WAITS);
    assert_int_equal(add(3, 0, 108, &ip, &ip_len),
                     REASS_WHOLE); /* RFC 6946: the same name, not the same packet */
    check_whole(ip, ip_len);
    assert_int_equal(r.n, 1);
}

static void what_does_not_complete_is_forgotten_in_time(void **state)
{
    (void)state;
    uint8_t *ip;
    size_t ip_len;
    assert_int_equal(reass_next_deadline(&r), NEVER);
    for (uint32_t id = 0; id < 3; id++) {
        make_whole(0, 100);
        size_t n = make_fragment(fragment, whole, whole_len, id, 0, 56);
        assert_int_equal(add_bytes(n, &ip, &ip_len, id * NS_PER_S), REASS_WAITS);
    }
    assert_int_equal(reass_next_deadline(&r), REASS_SECONDS * NS_PER_S);
    reass_tick(&r, REASS_SECONDS * NS_PER_S);
    assert_int_equal(r.n, 2);
    reass_tick(&r, 60 * NS_PER_S);
    assert_int_equal(r.n, 0);
    assert_int_equal(reass_next_deadline(&r), NEVER);
}

static void a_flood_of_beginnings_stays_within_its_bounds(void **state)
{
    (void)state;
    uint8_t *ip;
    size_t ip_len;
    make_whole(0, 65000);
    for (uint32_t id = 0; id < 1000; id++) {
        assert_int_equal(add(id, 0, 1400, &ip, &ip_len), REASS_WAITS);
        assert_true(r.n <= REASS_PACKETS_MAX);
    }
    for (uint32_t id = 0; id < 100; id++) {
        for (size_t offset = 0; offset < 60000; offset += 8000) {
            assert_int_equal(add(id, offset, 8000, &ip, &ip_len), REASS_WAITS);
            assert_true(r.bytes <= REASS_BYTES_MAX + 10000);
        }
    }
    make_whole(0, 3000);
    assert_int_equal(add(5000, 0, 1400, &ip, &ip_len),
                     REASS_WAITS); /* and an honest packet still comes through */
    assert_int_equal(add(5000, 1400, 1608, &ip, &ip_len), REASS_WHOLE);
    check_whole(ip, ip_len);
}

static void a_packet_has_no_more_fragments_than_it_needs(void **state)
{
    (void)state;
    uint8_t *ip;
    size_t ip_len;
    make_whole(0, 60000);
    enum reass_result got = REASS_WAITS;
    unsigned n = 0;
    for (size_t offset = 0; got == REASS_WAITS && offset < 60000; offset += 16) {
        got = add(1, offset, 8, &ip, &ip_len);
        n++;
    }
    assert_int_equal(got, REASS_BAD);
    assert_int_equal(n, REASS_FRAGMENTS_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_order_gives_the_packet_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overlaps_and_contradictions_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(packets_do_not_mix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_only_fragment_is_a_packet_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_complete_is_forgotten_in_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_flood_of_beginnings_stays_within_its_bounds, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_packet_has_no_more_fragments_than_it_needs, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
