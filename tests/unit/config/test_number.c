/* SPDX-License-Identifier: MIT */
#include "config/number.h"

#include "base/macros.h"

#include <string.h>

#include "unit/test.h"

/* As Go's strconv.ParseInt(text, 0, 64) takes them. */
static const struct {
    const char *text;
    const char *number; /* NULL: none */
} rows[] = {
    {"0", "0"},
    {"25", "25"},
    {"1420", "1420"},
    {"0x10", "16"},
    {"0X1f", "31"},
    {"0b11", "3"},
    {"0B10", "2"},
    {"0o17", "15"},
    {"1_000", "1000"},
    {"0x_1", "1"},
    {"0b1_0000", "16"},
    {"+25", "25"},
    {"-1", "-1"},
    {"-0x10", "-16"},
    {"-0", "0"},
    {"", NULL},
    {"+", NULL},
    {"--1", NULL},
    {"0x", NULL},
    {"0x_", NULL},
    {"0b2", NULL},
    {"0o8", NULL},
    {"_1", NULL},
    {"1_", NULL},
    {"1__0", NULL},
    {"0x__1", NULL},
    {"1e3", NULL},
    {"25s", NULL},
    {" 1", NULL},
    {"1 ", NULL},
    {"1f", NULL},
    {"off", NULL},
    {"99999999999999999999", NULL},
    {"0xffffffffffffffffffff", NULL},
};

static void integers_are_read_in_every_base(void **state)
{
    (void)state;
    char out[NUMBER_TEXT];
    for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
        const char *text = rows[i / 2].text, *number = rows[i / 2].number;
        bool doubtful, read = number_read(out, text, i % 2 == 0, &doubtful);
        if (read != (number != NULL)) {
            print_error("row %zu: %s\n", i / 2, text);
        }
        assert_int_equal(read, number != NULL);
        if (read) {
            assert_string_equal(out, number);
            assert_false(doubtful);
        }
    }
}

static const struct {
    const char *text;
    const char *octal, *decimal; /* NULL: none */
    bool is_doubtful;
} leading[] = {
    {"010", "8", "10", true},        {"-010", "-8", "-10", true}, {"0_10", "8", "10", true},
    {"02420", "1296", "2420", true}, {"00", "0", "0", false},     {"01", "1", "1", false},
    {"007", "7", "7", false},        {"08", NULL, "8", true},     {"0190", NULL, "190", true},
};

static void a_leading_zero_is_octal_or_says_nothing(void **state)
{
    (void)state;
    char out[NUMBER_TEXT];
    bool doubtful;
    for (size_t i = 0; i < ARRAY_SIZE(leading); i++) {
        assert_int_equal(number_read(out, leading[i].text, false, &doubtful),
                         leading[i].octal != NULL);
        if (leading[i].octal != NULL) {
            assert_string_equal(out, leading[i].octal);
            assert_int_equal(doubtful, leading[i].is_doubtful);
        }
        assert_true(number_read(out, leading[i].text, true, &doubtful));
        assert_string_equal(out, leading[i].decimal);
        assert_int_equal(doubtful, leading[i].is_doubtful);
    }
}

/* Whatever they are for, they fit in what they are read into. */
static void what_is_longer_than_any_value_is_none(void **state)
{
    (void)state;
    static const char *const longer[] = {"214748364790", "99999999999999999999", "0x8000000000",
                                         "0b1111111111111111111111111111111111111111111111111",
                                         "-214748364790"};
    char out[NUMBER_TEXT];
    bool doubtful;
    for (size_t i = 0; i < ARRAY_SIZE(longer); i++) {
        assert_false(number_read(out, longer[i], false, &doubtful));
        assert_false(number_read(out, longer[i], true, &doubtful));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_in_every_base),
        cmocka_unit_test(a_leading_zero_is_octal_or_says_nothing),
        cmocka_unit_test(what_is_longer_than_any_value_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
