/* SPDX-License-Identifier: MIT */
#include "dns/lookup.h"

#include <string.h>

#include "unit/test.h"

#include "base/err.h"

static struct resolver_query both(void)
{
    struct resolver_query l = {0};
    l.halves[HALF_V6] = (struct half){.family = FAMILY_V6, .wanted = true};
    l.halves[HALF_V4] = (struct half){.family = FAMILY_V4, .wanted = true};
    return l;
}

static struct addr address(enum family family, uint8_t n)
{
    struct addr a = {.family = (uint8_t)family};
    a.bytes[0] = n;
    return a;
}

static void a_lookup_is_settled_when_both_halves_are(void **state)
{
    (void)state;
    struct resolver_query l = both();
    struct addr a = address(FAMILY_V4, 1);
    assert_false(lookup_is_settled(&l));
    assert_false(lookup_has_addresses(&l));
    half_settle(&l.halves[HALF_V4], 0, &a, 1);
    assert_false(lookup_is_settled(&l));
    assert_true(lookup_has_addresses(&l));
    half_settle(&l.halves[HALF_V6], ERR_NO_DATA, NULL, 0);
    assert_true(lookup_is_settled(&l));
}

static void what_two_failures_mean(void **state)
{
    (void)state;
    static const struct {
        int v6, v4, verdict;
    } cases[] = {
        {ERR_NO_DATA, ERR_NO_DATA, ERR_NO_DATA},
        {ERR_NO_NAME, ERR_NO_DATA, ERR_NO_NAME},
        {ERR_NO_DATA, ERR_NO_NAME, ERR_NO_NAME},
        {ERR_DNS_FAILED, ERR_NO_NAME, ERR_NO_NAME},
        {ERR_NO_NAME, ERR_DNS_SILENT, ERR_NO_NAME},
        {ERR_DNS_FAILED, ERR_NO_DATA, ERR_DNS_FAILED},
        {ERR_NO_DATA, ERR_DNS_SILENT, ERR_DNS_SILENT},
        {ERR_NOMEM, ERR_NO_DATA, ERR_NOMEM},
        {ERR_NO_ROUTE, ERR_NO_ROUTE, ERR_NO_ROUTE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct resolver_query l = both();
        half_settle(&l.halves[HALF_V6], cases[i].v6, NULL, 0);
        half_settle(&l.halves[HALF_V4], cases[i].v4, NULL, 0);
        assert_int_equal(lookup_verdict(&l), cases[i].verdict);
    }
}

static void a_family_that_is_not_wanted_says_nothing(void **state)
{
    (void)state;
    struct resolver_query l = both();
    l.halves[HALF_V6].wanted = false;
    half_settle(&l.halves[HALF_V6], ERR_NO_DATA, NULL, 0);
    half_settle(&l.halves[HALF_V4], ERR_DNS_FAILED, NULL, 0);
    assert_int_equal(lookup_verdict(&l), ERR_DNS_FAILED);
}

/* How many of each family there are, and whose turn each is. */
static void families_take_turns_ipv6_first(void **state)
{
    (void)state;
    static const struct {
        size_t v6, v4;
        const char *order;
    } cases[] = {
        {0, 0, ""},
        {1, 0, "6"},
        {0, 2, "44"},
        {1, 1, "64"},
        {3, 1, "6466"},
        {1, 4, "64444"},
        {32, 0, "66666666666666666666666666666666"},
        {32, 32, "64646464646464646464646464646464"},
        {2, 32, "64644444444444444444444444444444"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct resolver_query l = both();
        struct addr v6[DNS_ADDRESSES_MAX], v4[DNS_ADDRESSES_MAX], out[DNS_ADDRESSES_MAX];
        for (uint8_t k = 0; k < DNS_ADDRESSES_MAX; k++) {
            v6[k] = address(FAMILY_V6, k);
            v4[k] = address(FAMILY_V4, k);
        }
        half_settle(&l.halves[HALF_V6], cases[i].v6 > 0 ? 0 : ERR_NO_DATA, v6, cases[i].v6);
        half_settle(&l.halves[HALF_V4], cases[i].v4 > 0 ? 0 : ERR_NO_DATA, v4, cases[i].v4);
        size_t n = lookup_interleave(&l, out);
        assert_int_equal(n, strlen(cases[i].order));
        uint8_t next[2] = {0, 0};
        for (size_t k = 0; k < n; k++) {
            bool is_v6 = cases[i].order[k] == '6';
            assert_int_equal(out[k].family, is_v6 ? FAMILY_V6 : FAMILY_V4);
            assert_int_equal(out[k].bytes[0],
                             next[is_v6]++); /* within a family the server's order stays */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_is_settled_when_both_halves_are),
        cmocka_unit_test(what_two_failures_mean),
        cmocka_unit_test(a_family_that_is_not_wanted_says_nothing),
        cmocka_unit_test(families_take_turns_ipv6_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
