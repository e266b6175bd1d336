/* SPDX-License-Identifier: MIT */
#include "config/nearest.h"

#include "base/macros.h"

#include <stdbool.h>
#include <string.h>

#include "unit/test.h"

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The definition, without memory: exponential, and plain to see. */
static unsigned slow_distance(const char *a, size_t na, const char *b, size_t nb)
{
    if (na == 0 || nb == 0) {
        return (unsigned)(na + nb);
    }
    bool differs = a[na - 1] != b[nb - 1];
    unsigned d = slow_distance(a, na - 1, b, nb - 1) + differs;
    d = least(d, slow_distance(a, na - 1, b, nb) + 1);
    d = least(d, slow_distance(a, na, b, nb - 1) + 1);
    if (na > 1 && nb > 1 && a[na - 1] == b[nb - 2] && a[na - 2] == b[nb - 1]) {
        d = least(d, slow_distance(a, na - 2, b, nb - 2) + 1);
    }
    return d;
}

#define WORDS 120 /* over three letters, up to four of them: 3 + 9 + 27 + 81 */

static void word_of(char out[5], unsigned number)
{
    size_t n = 0;
    for (number++; number > 0; number = (number - 1) / 3) {
        out[n++] = "abc"[(number - 1) % 3];
    }
    out[n] = '\0';
}

static void distance_agrees_with_its_definition(void **state)
{
    (void)state;
    char a[5], b[5];
    for (unsigned i = 0; i < WORDS; i++) {
        for (unsigned j = 0; j < WORDS; j++) {
            word_of(a, i);
            word_of(b, j);
            unsigned slow = slow_distance(a, strlen(a), b, strlen(b));
            assert_int_equal(nearest_distance(a, b), least(slow, NEAREST_MAX + 1));
        }
    }
}

static void distance_does_not_regard_case(void **state)
{
    (void)state;
    assert_int_equal(nearest_distance("ALLOWEDIPS", "AllowedIPs"), 0);
    assert_int_equal(nearest_distance("ALOWEDIPS", "AllowedIPs"), 1);
}

static void words_too_long_to_be_ours_are_far(void **state)
{
    (void)state;
    static const char longest[] = "abcdefghijklmnopqrstuvwxyz012345";
    static const char longer[] = "abcdefghijklmnopqrstuvwxyz0123456";
    assert_int_equal(nearest_distance(longest, longest), 0);
    assert_int_equal(nearest_distance(longer, longer), NEAREST_MAX + 1);
    assert_int_equal(nearest_distance(longest, longer), NEAREST_MAX + 1);
}

static const struct {
    const char *wanted;
    const char *best; /* NULL: none */
} rows[] = {
    {"Adress", "Address"},
    {"Addres", "Address"},
    {"Adresse", "Address"},
    {"MUT", "MTU"},
    {"MT", "MTU"},
    {"DSN", "DNS"},
    {"Tabel", "Table"},
    {"M", NULL},
    {"XYZ", NULL},
    {"Jd", NULL},
    {"", NULL},
    {"Tables", "Table"},
    {"AddressFamily", NULL},
};

static void the_nearest_word_wins_and_short_words_must_be_nearer(void **state)
{
    (void)state;
    static const char *const words[] = {"Address", "DNS", "MTU", "Table", "Jc"};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct nearest n;
        nearest_init(&n, rows[i].wanted);
        for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
            nearest_offer(&n, words[w]);
        }
        if (rows[i].best == NULL) {
            assert_null(n.best);
        } else {
            assert_non_null(n.best);
            assert_string_equal(n.best, rows[i].best);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_agrees_with_its_definition),
        cmocka_unit_test(distance_does_not_regard_case),
        cmocka_unit_test(words_too_long_to_be_ours_are_far),
        cmocka_unit_test(the_nearest_word_wins_and_short_words_must_be_nearer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
