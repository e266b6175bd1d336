/* SPDX-License-Identifier: MIT */
/* err, log, rng and bytes: what is left of the base. */
#include <string.h>

#include "unit/seeded.h"
#include "unit/test.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"

static void every_error_has_a_name_and_words_of_its_own(void **state)
{
    (void)state;
#define ERR_ROW(name, code, words) {name, #name, words},
    static const struct {
        int err;
        const char *name, *words;
    } rows[] = {ERR_TABLE(ERR_ROW)};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_true(rows[i].err < 0);
        assert_string_equal(err_name(rows[i].err), rows[i].name);
        assert_string_equal(err_text(rows[i].err), rows[i].words);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(rows[i].err, rows[j].err);
        }
    }
    assert_string_equal(err_text(0), "success");
    assert_string_equal(err_name(-9999), "ERR_UNKNOWN");
}

struct heard {
    int n;
    enum log_level level;
    char line[LOG_LINE_MAX + 1];
};

static void hear(void *ctx, enum log_level level, const char *line)
{
    struct heard *h = ctx;
    h->n++;
    h->level = level;
    strcpy(h->line, line);
}

static void log_says_what_its_level_lets_through(void **state)
{
    (void)state;
    struct heard h = {0};
    struct log log = {.level = LOG_INFO, .write = hear, .ctx = &h};
    log_debug(&log, "not %s", "this");
    assert_int_equal(h.n, 0);
    log_info(&log, "%d packets", 3);
    assert_int_equal(h.n, 1);
    assert_string_equal(h.line, "3 packets");
    log_error(&log, "%2000s", "x"); /* cut, not overrun */
    assert_int_equal(h.level, LOG_ERROR);
    assert_int_equal(strlen(h.line), LOG_LINE_MAX - 1);
    log_error(NULL, "nobody listens");
    assert_string_equal(log_level_name(LOG_WARN), "warning");
}

static void numbers_below_a_bound_are_all_reached_and_none_beyond(void **state)
{
    (void)state;
    uint64_t seed = 7;
    struct rng rng = seeded_rng(&seed);
    unsigned seen[5] = {0};
    for (int i = 0; i < 5000; i++) {
        uint32_t v = rng_below(&rng, 5);
        assert_true(v < 5);
        seen[v]++;
    }
    for (int i = 0; i < 5; i++) {
        assert_in_range(seen[i], 850, 1150);
    }
    assert_int_equal(rng_below(&rng, 1), 0);
}

/* Gives UINT32_MAX first: with a bound that does not divide 2^32 it must be thrown away. */
static void top_heavy(void *ctx, void *out, size_t len)
{
    int *calls = ctx;
    memset(out, (*calls)++ == 0 ? 0xff : 0x00, len);
}

static void the_uneven_top_of_the_range_is_drawn_again(void **state)
{
    (void)state;
    int calls = 0;
    struct rng rng = {.fill = top_heavy, .ctx = &calls};
    assert_int_equal(rng_below(&rng, 3), 0);
    assert_int_equal(calls, 2);
}

static void integers_stand_in_wire_order(void **state)
{
    (void)state;
    uint8_t b[9] = {0};
    store_be16(b + 1, 0x0102);
    assert_memory_equal(b, "\0\1\2", 3);
    assert_int_equal(load_be16(b + 1), 0x0102);
    store_be32(b + 1, 0xf1020304);
    assert_int_equal(load_be32(b + 1), 0xf1020304);
    assert_int_equal(load_le32(b + 1), 0x040302f1);
    store_le64(b + 1, UINT64_C(0xf102030405060708));
    assert_memory_equal(b + 1, "\10\7\6\5\4\3\2\xf1", 8);
    assert_true(load_le64(b + 1) == UINT64_C(0xf102030405060708));
    store_be64(b + 1, UINT64_C(0xf102030405060708));
    assert_true(load_be64(b + 1) == UINT64_C(0xf102030405060708));
    wipe(b, sizeof b);
    assert_memory_equal(b, "\0\0\0\0\0\0\0\0\0", 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_name_and_words_of_its_own),
        cmocka_unit_test(log_says_what_its_level_lets_through),
        cmocka_unit_test(numbers_below_a_bound_are_all_reached_and_none_beyond),
        cmocka_unit_test(the_uneven_top_of_the_range_is_drawn_again),
        cmocka_unit_test(integers_stand_in_wire_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
