/* SPDX-License-Identifier: MIT */
/* The fast checksums beside one that adds byte by byte. */
#include "stack/checksum.h"
#include "unit/seeded.h"
#include "unit/test.h"

#include <string.h>

enum { ROOM = 70000 };
static uint8_t bytes[ROOM];

/* RFC 1071 by hand; the result in memory order, as lwIP wants it. */
static uint16_t slow(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    uint8_t out[2] = {(uint8_t)(sum >> 8), (uint8_t)sum};
    uint16_t in_memory_order;
    memcpy(&in_memory_order, out, 2);
    return in_memory_order;
}

/* 0 and 0xffff are the same number in ones' complement. */
static uint16_t normal(uint16_t sum)
{
    return sum == 0xffff ? 0 : sum;
}

static void compare(size_t offset, size_t len)
{
    const uint8_t *p = bytes + offset;
    uint16_t want = normal(slow(p, len));
    assert_int_equal(normal(checksum_portable(p, len)), want);
    assert_int_equal(normal(stack_checksum(p, (int)len)), want);
    checksum_fn *simd = checksum_simd();
    if (simd) {
        assert_int_equal(normal(simd(p, len)), want);
    }
}

static void every_length_and_offset_agrees_with_the_slow_sum(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct rng rng = seeded_rng(&seed);
    rng_fill(&rng, bytes, sizeof bytes);
    for (size_t len = 0; len < 600; len++) {
        for (size_t offset = 0; offset < 9; offset++) {
            compare(offset, len);
        }
    }
    for (int i = 0; i < 200; i++) {
        compare(rng_below(&rng, 64), rng_below(&rng, 65536));
    }
}

static void carries_are_never_lost(void **state)
{
    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    for (size_t len = 0; len < 65536; len += 1021) {
        compare(0, len);
        compare(3, len);
    }
}

/* The example of RFC 1071 section 3. */
static void the_example_of_the_rfc_comes_out(void **state)
{
    (void)state;
    static const uint8_t example[8] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    uint16_t sum = checksum_portable(example, sizeof example);
    uint8_t out[2];
    memcpy(out, &sum, 2);
    assert_int_equal(out[0], 0xdd);
    assert_int_equal(out[1], 0xf2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_offset_agrees_with_the_slow_sum),
        cmocka_unit_test(carries_are_never_lost),
        cmocka_unit_test(the_example_of_the_rfc_comes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
