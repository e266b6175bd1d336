/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include <time.h>

#include "io/clock.h"

static uint64_t ns_of(clockid_t id)
{
    struct timespec t;
    assert_int_equal(clock_gettime(id, &t), 0);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void mono_counts_time_asleep(void **state)
{
    (void)state;
    uint64_t before = ns_of(CLOCK_BOOTTIME);
    struct now now = clock_read();
    assert_in_range(now.mono, before, ns_of(CLOCK_BOOTTIME));
}

static void wall_is_the_date(void **state)
{
    (void)state;
    uint64_t before = ns_of(CLOCK_REALTIME);
    struct now now = clock_read();
    assert_in_range(now.wall, before, ns_of(CLOCK_REALTIME));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mono_counts_time_asleep),
        cmocka_unit_test(wall_is_the_date),
    };
    return cmocka_run_group_tests_name("io/clock", tests, NULL, NULL);
}
