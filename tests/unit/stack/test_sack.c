/* SPDX-License-Identifier: MIT */
#include "stack/sack.h"

#include "base/macros.h"
#include "unit/seeded.h"
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

enum { FIXED = 20 };

static size_t parse(const uint8_t *options, size_t len, struct sack_block out[SACK_BLOCKS_MAX])
{
    uint8_t tcp[60] = {0};
    memcpy(tcp + FIXED, options, len);
    return sack_parse(tcp, FIXED + len, out);
}

/* As Linux sends it: two NOPs, then the option. */
static void blocks_are_found_behind_other_options(void **state)
{
    (void)state;
    static const uint8_t two[] = {1, 1, 8, 10, 1, 2, 3, 4, 5,    6,    7,    8, 1, 1, 5, 18,
                                  0, 0, 1, 0,  0, 0, 2, 0, 0xff, 0xff, 0xff, 0, 0, 0, 0, 9};
    struct sack_block b[SACK_BLOCKS_MAX];
    assert_int_equal(parse(two, sizeof two, b), 2);
    assert_int_equal(b[0].left, 0x100);
    assert_int_equal(b[0].right, 0x200);
    assert_int_equal(b[1].left, 0xffffff00);
    assert_int_equal(b[1].right, 9);
}

static void malformed_options_have_no_blocks(void **state)
{
    (void)state;
    struct sack_block b[SACK_BLOCKS_MAX];
    static const struct {
        uint8_t bytes[40];
        size_t len;
    } cases[] = {
        {{0}, 0},
        {{5}, 1},          /* no length */
        {{5, 0, 0, 0}, 4}, /* a length that leads nowhere */
        {{5, 1, 0, 0}, 4},
        {{5, 10, 0, 0, 0, 0}, 6},                 /* longer than the header */
        {{5, 9, 0, 0, 0, 0, 0, 0, 0, 0}, 10},     /* no whole blocks */
        {{0, 5, 10, 0, 0, 0, 0, 0, 0, 0, 9}, 11}, /* behind the end */
        {{8, 40, 0, 0}, 4},
        {{1, 1, 1}, 3},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(parse(cases[i].bytes, cases[i].len, b), 0);
    }
}

static void a_header_of_noise_is_never_read_past(void **state)
{
    (void)state;
    uint64_t chance = 1;
    for (int i = 0; i < 100000; i++) {
        size_t len = FIXED + seeded_next(&chance) % 41;
        uint8_t *tcp = malloc(len); /* a sanitizer sees each byte beyond */
        assert_non_null(tcp);
        for (size_t j = 0; j < len; j++) {
            tcp[j] = (uint8_t)(seeded_next(&chance) % (j % 3 ? 12 : 256));
        }
        struct sack_block b[SACK_BLOCKS_MAX];
        assert_in_range(sack_parse(tcp, len, b), 0, SACK_BLOCKS_MAX);
        free(tcp);
    }
}

static struct sack_set set_of(size_t n, const struct sack_block *blocks)
{
    struct sack_set set = {0};
    for (size_t i = 0; i < n; i++) {
        assert_true(sack_add(&set, blocks[i]));
    }
    return set;
}

static void blocks_that_touch_become_one(void **state)
{
    (void)state;
    struct sack_set set = set_of(3, (struct sack_block[]){{10, 20}, {30, 40}, {50, 60}});
    assert_int_equal(set.n, 3);
    assert_true(sack_covers(&set, 10, 20));
    assert_true(sack_covers(&set, 33, 34));
    assert_false(sack_covers(&set, 15, 35));
    assert_false(sack_covers(&set, 59, 61));
    assert_true(sack_add(&set, (struct sack_block){20, 30}));
    assert_int_equal(set.n, 2);
    assert_true(sack_covers(&set, 10, 40));
    assert_true(sack_add(&set, (struct sack_block){5, 70}));
    assert_int_equal(set.n, 1);
    assert_true(sack_covers(&set, 5, 70));
}

static void a_set_may_lie_across_the_end_of_the_numbers(void **state)
{
    (void)state;
    struct sack_set set =
        set_of(2, (struct sack_block[]){{UINT32_MAX - 9, UINT32_MAX}, {UINT32_MAX, 10}});
    assert_int_equal(set.n, 1);
    assert_true(sack_covers(&set, UINT32_MAX - 9, 10));
    assert_false(sack_covers(&set, UINT32_MAX - 9, 11));
}

static void a_full_set_says_so_and_still_merges(void **state)
{
    (void)state;
    struct sack_set set = {0};
    for (uint32_t i = 0; i < SACK_SET_MAX; i++) {
        assert_true(sack_add(&set, (struct sack_block){100 * i, 100 * i + 10}));
    }
    struct sack_set before = set;
    assert_false(sack_add(&set, (struct sack_block){5000, 5010}));
    assert_memory_equal(&set, &before, sizeof set);
    assert_true(sack_add(&set, (struct sack_block){110, 120}));
}

/* RFC 2883 4.1 and 4.2. */
static void a_duplicate_is_told_by_its_place(void **state)
{
    (void)state;
    assert_false(sack_is_duplicate(NULL, 0, 100));
    assert_true(sack_is_duplicate((struct sack_block[]){{50, 60}}, 1, 100));
    assert_true(sack_is_duplicate((struct sack_block[]){{90, 100}}, 1, 100));
    assert_false(sack_is_duplicate((struct sack_block[]){{150, 160}}, 1, 100));
    assert_true(sack_is_duplicate((struct sack_block[]){{150, 160}, {140, 200}}, 2, 100));
    assert_false(sack_is_duplicate((struct sack_block[]){{150, 210}, {140, 200}}, 2, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_found_behind_other_options),
        cmocka_unit_test(malformed_options_have_no_blocks),
        cmocka_unit_test(a_header_of_noise_is_never_read_past),
        cmocka_unit_test(blocks_that_touch_become_one),
        cmocka_unit_test(a_set_may_lie_across_the_end_of_the_numbers),
        cmocka_unit_test(a_full_set_says_so_and_still_merges),
        cmocka_unit_test(a_duplicate_is_told_by_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
