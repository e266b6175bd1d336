/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/load.h"
#include "world.h"

static void a_burst_of_511_is_no_load_and_the_512th_is(void **state)
{
    (void)state;
    struct load l = {0};
    struct now now = {.mono = 77 * SEC};
    for (int i = 1; i < LOAD_QUEUE; i++) {
        assert_false(load_add(&l, now));
    }
    assert_true(load_add(&l, now));
}

static void load_holds_for_a_second_after_the_flood_and_no_longer(void **state)
{
    (void)state;
    struct load l = {0};
    struct now now = {.mono = SEC};
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(load_add(&l, now), i >= LOAD_QUEUE - 1);
    }
    now.mono += LOAD_HOLD - 1;
    assert_true(load_add(&l, now));
    now.mono += 1;
    assert_false(load_add(&l, now));
}

static void handshakes_at_the_rate_we_serve_never_add_up_to_load(void **state)
{
    (void)state;
    struct load l = {0};
    struct now now = {.mono = 0};
    for (int i = 0; i < 100000; i++) {
        assert_false(load_add(&l, now));
        now.mono += LOAD_SERVICE_TIME;
    }
}

static void twice_that_rate_is_load_within_about_a_second(void **state)
{
    (void)state;
    struct load l = {0};
    struct now now = {.mono = 0};
    int n = 0;
    while (!load_add(&l, now)) {
        now.mono += LOAD_SERVICE_TIME / 2;
        n++;
    }
    assert_in_range(n, LOAD_QUEUE, 2 * LOAD_QUEUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(a_burst_of_511_is_no_load_and_the_512th_is),
        unit(load_holds_for_a_second_after_the_flood_and_no_longer),
        unit(handshakes_at_the_rate_we_serve_never_add_up_to_load),
        unit(twice_that_rate_is_load_within_about_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
