/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/messages.h"
#include "wg/replay.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT ((uint64_t)REPLAY_WINDOW + 1)

static unsigned asked;

static void expect(struct replay *r, uint64_t counter, bool verdict)
{
    asked++;
    if (replay_accept(r, counter) != verdict) {
        fail_msg("question %u: counter %llu is not to be %s", asked, (unsigned long long)counter,
                 verdict ? "refused" : "accepted");
    }
}

static void the_kernels_program_of_48813_questions_is_answered_right(void **state)
{
    (void)state;
    static const struct {
        uint64_t counter;
        bool accepted;
    } program[] = {
        /* small numbers, out of order and again */
        {0, true},
        {1, true},
        {1, false},
        {9, true},
        {8, true},
        {7, true},
        {7, false},
        /* to the edge of the window and just behind it */
        {LIMIT, true},
        {LIMIT - 1, true},
        {LIMIT - 1, false},
        {LIMIT - 2, true},
        {2, true},
        {2, false},
        {LIMIT + 16, true},
        {3, false},
        {LIMIT + 16, false},
        /* far ahead: the whole window is new */
        {LIMIT * 4, true},
        {LIMIT * 4 - (LIMIT - 1), true},
        {10, false},
        {LIMIT * 4 - LIMIT, false},
        {LIMIT * 4 - (LIMIT + 1), false},
        {LIMIT * 4 - (LIMIT - 2), true},
        {LIMIT * 4 + 1 - LIMIT, false},
        {0, false},
        /* the last numbers there are */
        {REJECT_AFTER_MESSAGES, false},
        {REJECT_AFTER_MESSAGES - 1, true},
        {REJECT_AFTER_MESSAGES, false},
        {REJECT_AFTER_MESSAGES - 1, false},
        {REJECT_AFTER_MESSAGES - 2, true},
        {REJECT_AFTER_MESSAGES + 1, false},
        {REJECT_AFTER_MESSAGES + 2, false},
        {REJECT_AFTER_MESSAGES - 2, false},
        {REJECT_AFTER_MESSAGES - 3, true},
        {0, false},
    };
    struct replay r;
    asked = 0;
    replay_init(&r);
    for (size_t i = 0; i < ARRAY_SIZE(program); i++) {
        expect(&r, program[i].counter, program[i].accepted);
    }

    /* a window full upwards, and what lies at its lower edge */
    replay_init(&r);
    for (uint64_t n = 1; n <= REPLAY_WINDOW; n++) {
        expect(&r, n, true);
    }
    expect(&r, 0, true);
    expect(&r, 0, false);

    replay_init(&r);
    for (uint64_t n = 2; n <= REPLAY_WINDOW + 1; n++) {
        expect(&r, n, true);
    }
    expect(&r, 1, true);
    expect(&r, 0, false);

    /* and downwards */
    replay_init(&r);
    for (uint64_t n = REPLAY_WINDOW + 1; n-- > 0;) {
        expect(&r, n, true);
    }

    replay_init(&r);
    for (uint64_t n = REPLAY_WINDOW + 2; n-- > 1;) {
        expect(&r, n, true);
    }
    expect(&r, 0, false);

    replay_init(&r);
    for (uint64_t n = REPLAY_WINDOW + 1; n-- > 1;) {
        expect(&r, n, true);
    }
    expect(&r, REPLAY_WINDOW + 1, true);
    expect(&r, 0, false);

    replay_init(&r);
    for (uint64_t n = REPLAY_WINDOW + 1; n-- > 1;) {
        expect(&r, n, true);
    }
    expect(&r, 0, true);
    expect(&r, REPLAY_WINDOW + 1, true);

    assert_int_equal(asked, 48813);
}

/* The slow model: a byte for every counter below MODEL. */
enum { MODEL = 200000 };

static bool model_accept(uint8_t *seen, uint64_t *highest, uint64_t counter)
{
    if (*highest > REPLAY_WINDOW && counter < *highest - REPLAY_WINDOW) {
        return false;
    }
    if (counter > *highest) {
        *highest = counter;
    }
    return seen[counter]++ == 0;
}

static void any_walk_of_counters_is_judged_as_a_list_of_all_seen_would(void **state)
{
    (void)state;
    uint8_t *seen = malloc(MODEL);
    assert_non_null(seen);
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct replay r;
        uint64_t highest = 0, rng_state = seed, at = 0;
        struct rng rng = seeded_rng(&rng_state);
        replay_init(&r);
        memset(seen, 0, MODEL);
        for (int i = 0; i < 20000 && at < MODEL - 30000; i++) {
            /* mostly forward in small steps, at times a leap, and all of the past */
            uint32_t dice = rng_below(&rng, 1000);
            at += dice < 500 ? 1 : dice < 990 ? rng_below(&rng, 4) : rng_below(&rng, 20000);
            uint32_t span = dice % 2 == 0 ? 1 : dice % 3 == 0 ? 200 : 9000;
            uint64_t back = rng_below(&rng, span);
            uint64_t counter = back > at ? 0 : at - back;
            assert_int_equal(replay_accept(&r, counter), model_accept(seen, &highest, counter));
            assert_int_equal(r.highest, highest);
        }
    }
    free(seen);
}

static void counter_zero_is_accepted_once(void **state)
{
    (void)state;
    struct replay r;
    replay_init(&r);
    assert_true(replay_accept(&r, 0));
    assert_false(replay_accept(&r, 0));
}

static void an_old_counter_is_refused_after_the_window_moved(void **state)
{
    (void)state;
    struct replay r;
    replay_init(&r);
    assert_true(replay_accept(&r, 5));
    assert_true(replay_accept(&r, 6 + REPLAY_WINDOW));
    assert_false(replay_accept(&r, 5));
    assert_true(replay_accept(&r, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(the_kernels_program_of_48813_questions_is_answered_right),
        unit(any_walk_of_counters_is_judged_as_a_list_of_all_seen_would),
        unit(counter_zero_is_accepted_once),
        unit(an_old_counter_is_refused_after_the_window_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
