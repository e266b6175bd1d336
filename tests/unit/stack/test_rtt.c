/* SPDX-License-Identifier: MIT */
/* RFC 6298's arithmetic, and the shortest way of the last minutes. */
#include "stack/rtt.h"

#include "unit/test.h"

enum { MS_US = 1000, S_US = 1000000 };

static void before_a_sample_it_waits_a_second(void **state)
{
    (void)state;
    struct rtt r = {0};
    assert_int_equal(rtt_timeout(&r, 200 * MS_US), S_US);
}

/* 2.2 and 2.3, by hand: 100 ms, then 140 ms. */
static void samples_count_as_the_rfc_says(void **state)
{
    (void)state;
    struct rtt r = {0};
    rtt_sample(&r, 100 * MS_US, 1);
    assert_int_equal(r.smoothed, 100 * MS_US);
    assert_int_equal(r.variation, 50 * MS_US);
    assert_int_equal(rtt_timeout(&r, 0), 300 * MS_US);
    rtt_sample(&r, 140 * MS_US, 2);
    assert_int_equal(r.variation, (3 * 50 + 40) * MS_US / 4);
    assert_int_equal(r.smoothed, (7 * 100 + 140) * MS_US / 8);
}

static void the_timeout_has_a_floor_and_does_not_overflow(void **state)
{
    (void)state;
    struct rtt r = {0};
    for (uint32_t i = 0; i < 100; i++) {
        rtt_sample(&r, 0, i); /* within one turn */
    }
    assert_in_range(r.smoothed, 1, 2);
    assert_int_equal(rtt_timeout(&r, 200 * MS_US), 200 * MS_US);
    rtt_sample(&r, UINT32_MAX, 200);
    assert_int_equal(rtt_timeout(&r, 0), UINT32_MAX);
}

static void the_least_is_forgotten_after_five_minutes(void **state)
{
    (void)state;
    struct rtt r = {0};
    uint32_t now = UINT32_MAX - 10; /* it wraps */
    rtt_sample(&r, 10 * MS_US, now);
    rtt_sample(&r, 30 * MS_US, now + 299 * S_US);
    assert_int_equal(r.least, 10 * MS_US);
    rtt_sample(&r, 30 * MS_US, now + 301 * S_US);
    assert_int_equal(r.least, 30 * MS_US);
    rtt_sample(&r, 20 * MS_US, now + 302 * S_US);
    assert_int_equal(r.least, 20 * MS_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_a_sample_it_waits_a_second),
        cmocka_unit_test(samples_count_as_the_rfc_says),
        cmocka_unit_test(the_timeout_has_a_floor_and_does_not_overflow),
        cmocka_unit_test(the_least_is_forgotten_after_five_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
