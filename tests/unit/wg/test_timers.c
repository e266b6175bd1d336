/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/messages.h"
#include "wg/timers.h"
#include "world.h"

struct bench {
    struct timers t;
    uint64_t seed;
    struct rng rng;
    struct now now;
};

static void bench_init(struct bench *b)
{
    b->seed = 1;
    b->rng = seeded_rng(&b->seed);
    b->now = (struct now){.mono = 100 * SEC};
    timers_init(&b->t);
}

/* Nothing is due until `at`; then exactly `action` is. */
static void expect_at(struct bench *b, uint64_t at, enum timers_action action)
{
    assert_int_equal(timers_next_deadline(&b->t), at);
    b->now.mono = at - 1;
    assert_int_equal(timers_due(&b->t, b->now), TIMERS_NOTHING);
    b->now.mono = at;
    assert_int_equal(timers_due(&b->t, b->now), action);
}

static void nothing_waits_at_first(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
    b.now.mono = NEVER - 1;
    assert_int_equal(timers_due(&b.t, b.now), TIMERS_NOTHING);
}

static void an_initiation_is_retried_after_5_s_and_up_to_a_third(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    uint64_t least = NEVER, most = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t sent = b.now.mono;
        timers_initiation_sent(&b.t, &b.rng, b.now);
        uint64_t wait = timers_next_deadline(&b.t) - sent;
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
        expect_at(&b, sent + wait, TIMERS_RETRY_INITIATION);
    }
    assert_in_range(least, 5 * SEC, 5 * SEC + 10 * MS);
    assert_in_range(most, 5 * SEC + 323 * MS, 5 * SEC + 334 * MS);
}

static void the_20th_initiation_without_answer_is_the_last(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    unsigned sent = 1;
    timers_initiation_sent(&b.t, &b.rng, b.now);
    for (;;) {
        b.now.mono = timers_next_deadline(&b.t);
        enum timers_action action = timers_due(&b.t, b.now);
        if (action == TIMERS_GIVE_UP) {
            break;
        }
        assert_int_equal(action, TIMERS_RETRY_INITIATION);
        b.t.attempts++;
        timers_initiation_sent(&b.t, &b.rng, b.now);
        sent++;
    }
    assert_int_equal(sent, 20);
    expect_at(&b, b.now.mono + 540 * SEC, TIMERS_ZERO_KEYS);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
}

static void giving_up_calls_off_the_keepalive_but_not_the_wiping_of_older_keys(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_session_derived(&b.t, &b.rng,
                           b.now); /* an older session: its keys go 540 s after it began */
    uint64_t wipe_at = b.t.zero_keys;
    b.now.mono += 400 * SEC;
    timers_initiation_sent(&b.t, &b.rng, b.now);
    b.t.attempts = 19;
    b.now.mono = timers_next_deadline(&b.t);
    timers_data_received(&b.t, b.now);
    assert_int_equal(timers_due(&b.t, b.now), TIMERS_GIVE_UP);
    assert_int_equal(timers_next_deadline(&b.t), wipe_at);
}

static void a_handshake_that_completes_ends_the_tries(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_initiation_sent(&b.t, &b.rng, b.now);
    b.t.attempts = 7;
    timers_handshake_complete(&b.t);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
    assert_int_equal(b.t.attempts, 0);
}

static void a_deferred_initiation_comes_when_the_floor_is_passed_but_no_retry_is_moved(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_initiation_deferred(&b.t, 103 * SEC);
    timers_initiation_deferred(&b.t, 104 * SEC);
    expect_at(&b, 103 * SEC, TIMERS_RETRY_INITIATION);
}

static void data_received_is_answered_by_a_keepalive_after_10_s_of_silence(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_data_received(&b.t, b.now);
    b.now.mono += 4 * SEC;
    timers_data_received(&b.t, b.now); /* does not put it off */
    expect_at(&b, 110 * SEC, TIMERS_KEEPALIVE);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
}

static void anything_sent_makes_that_keepalive_needless(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_data_received(&b.t, b.now);
    timers_any_sent(&b.t, b.now);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
}

static void a_keepalive_received_asks_for_none(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_any_received(&b.t, b.now);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
}

static void data_sent_and_15_s_of_silence_begin_a_new_handshake(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_session_derived(&b.t, &b.rng, b.now);
    assert_true(b.t.jitter < REKEY_JITTER_MAX);
    timers_data_sent(&b.t, b.now);
    uint64_t due = b.now.mono + 15 * SEC + b.t.jitter;
    b.now.mono += 9 * SEC;
    timers_data_sent(&b.t, b.now); /* more data does not put it off */
    expect_at(&b, due, TIMERS_NEW_HANDSHAKE);
}

static void anything_received_calls_that_off(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_data_sent(&b.t, b.now);
    timers_any_received(&b.t, b.now);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
}

static void keys_are_wiped_540_s_after_the_last_session(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_session_derived(&b.t, &b.rng, b.now);
    b.now.mono += 300 * SEC;
    timers_session_derived(&b.t, &b.rng, b.now);
    expect_at(&b, 100 * SEC + 300 * SEC + 540 * SEC, TIMERS_ZERO_KEYS);
}

static void a_persistent_keepalive_comes_an_interval_after_anything_either_way(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_set_persistent(&b.t, 25, b.now);
    expect_at(&b, 100 * SEC, TIMERS_PERSISTENT_KEEPALIVE); /* the first at once */
    timers_any_sent(&b.t, b.now);
    assert_int_equal(timers_next_deadline(&b.t), 125 * SEC);
    b.now.mono = 110 * SEC;
    timers_any_received(&b.t, b.now);
    expect_at(&b, 135 * SEC, TIMERS_PERSISTENT_KEEPALIVE);
    timers_any_sent(&b.t, b.now);
    timers_set_persistent(&b.t, 5, b.now); /* a shorter one holds from now */
    assert_int_equal(timers_next_deadline(&b.t), 140 * SEC);
    timers_set_persistent(&b.t, 0, b.now);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
    timers_any_sent(&b.t, b.now);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
}

static void after_a_long_sleep_the_keys_go_before_anything_is_sent(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    timers_set_persistent(&b.t, 25, b.now);
    timers_session_derived(&b.t, &b.rng, b.now);
    timers_initiation_sent(&b.t, &b.rng, b.now);
    timers_data_sent(&b.t, b.now);
    timers_data_received(&b.t, b.now);
    b.now.mono += 7200 * SEC;
    assert_int_equal(timers_due(&b.t, b.now), TIMERS_ZERO_KEYS);
    assert_int_equal(timers_due(&b.t, b.now), TIMERS_RETRY_INITIATION);
    assert_int_equal(timers_due(&b.t, b.now), TIMERS_NEW_HANDSHAKE);
    assert_int_equal(timers_due(&b.t, b.now), TIMERS_KEEPALIVE);
    assert_int_equal(timers_due(&b.t, b.now), TIMERS_PERSISTENT_KEEPALIVE);
    assert_int_equal(timers_due(&b.t, b.now), TIMERS_NOTHING);
    assert_int_equal(timers_next_deadline(&b.t), NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(nothing_waits_at_first),
        unit(an_initiation_is_retried_after_5_s_and_up_to_a_third),
        unit(the_20th_initiation_without_answer_is_the_last),
        unit(giving_up_calls_off_the_keepalive_but_not_the_wiping_of_older_keys),
        unit(a_handshake_that_completes_ends_the_tries),
        unit(a_deferred_initiation_comes_when_the_floor_is_passed_but_no_retry_is_moved),
        unit(data_received_is_answered_by_a_keepalive_after_10_s_of_silence),
        unit(anything_sent_makes_that_keepalive_needless),
        unit(a_keepalive_received_asks_for_none),
        unit(data_sent_and_15_s_of_silence_begin_a_new_handshake),
        unit(anything_received_calls_that_off),
        unit(keys_are_wiped_540_s_after_the_last_session),
        unit(a_persistent_keepalive_comes_an_interval_after_anything_either_way),
        unit(after_a_long_sleep_the_keys_go_before_anything_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
