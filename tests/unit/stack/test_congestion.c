/* SPDX-License-Identifier: MIT */
/* The window's curve by numbers: RFC 9438, RFC 9406, RFC 9937. */
#include "stack/congestion.h"

#include "base/macros.h"
#include "base/now.h"
#include "unit/test.h"

enum { MSS = 1000, RTT_US = 100000 };

static struct congestion c;
static uint32_t seq;
static uint64_t now;

static void begin(void)
{
    seq = UINT32_MAX - 5000; /* it wraps */
    now = NS_PER_S;
    congestion_init(&c, MSS, seq);
}

/* A round trip in which all of the window is sent, and acknowledged in `n` steps. */
static void round_trip(uint32_t rtt_us, unsigned n, bool limited)
{
    uint32_t window = c.window;
    now += rtt_us * NS_PER_US;
    for (unsigned i = 0; i < n; i++) {
        uint32_t bytes = window / n;
        seq += bytes;
        congestion_acknowledged(&c, &(struct congestion_ack){
                                        .bytes = bytes,
                                        .una = seq,
                                        .next = seq + window, /* as much was sent meanwhile */
                                        .rtt = rtt_us,
                                        .least_rtt = RTT_US,
                                        .now = now,
                                        .limited = limited,
                                    });
    }
}

static void slow_start_doubles_whatever_acknowledges(void **state)
{
    (void)state;
    static const unsigned steps[] = {1, 10, 20};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        begin();
        for (uint32_t window = 10 * MSS; window < 5120 * MSS; window *= 2) {
            assert_int_equal(c.window, window);
            round_trip(RTT_US, steps[i], true);
        }
    }
}

static void a_window_that_is_not_used_does_not_grow(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 20; i++) {
        round_trip(RTT_US, 10, false);
    }
    assert_int_equal(c.window, 10 * MSS);
    congestion_reduce(&c, c.window);
    congestion_recovered(&c);
    for (int i = 0; i < 20; i++) {
        round_trip(RTT_US, 10, false);
    }
    assert_int_equal(c.window, 7 * MSS);
}

/* RFC 9438 4.6: each reduction begins a curve of its own, far below its plateau at first. */
static void a_reduction_begins_a_new_curve(void **state)
{
    (void)state;
    begin();
    c.window = 1000 * MSS;
    congestion_reduce(&c, c.window);
    congestion_recovered(&c);
    for (int i = 0; i < 150; i++) { /* 15 s: beyond the plateau, and steep */
        round_trip(RTT_US, 10, true);
    }
    uint32_t before = c.window;
    assert_true(before > 1000 * MSS);
    congestion_reduce(&c, c.window);
    congestion_recovered(&c);
    for (int i = 0; i < 5; i++) {
        round_trip(RTT_US, 10, true);
    }
    assert_true(c.window < before);
}

/* RFC 9406: a rise by an eighth of the round trip slows it down, and five rounds later it ends. */
static void a_growing_queue_ends_slow_start(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 3; i++) {
        round_trip(RTT_US, 10, true);
    }
    assert_int_equal(c.window, 80 * MSS);
    round_trip(RTT_US + 13000, 10, true);
    assert_true(c.window < 160 * MSS);
    for (int i = 0; i < 6; i++) {
        round_trip(RTT_US + 13000, 10, true);
    }
    assert_true(c.threshold != CONGESTION_UNKNOWN);
    uint32_t window = c.window;
    round_trip(RTT_US + 13000, 10, true);
    assert_in_range(c.window, window, window + window / 10);
}

static void a_passing_delay_does_not_end_it(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 3; i++) {
        round_trip(RTT_US, 10, true);
    }
    round_trip(RTT_US + 13000, 10, true);
    round_trip(RTT_US, 10, true);
    uint32_t window = c.window;
    round_trip(RTT_US, 10, true);
    round_trip(RTT_US, 10, true);
    assert_in_range(c.window, 7 * (window / 2), 4 * window);
    assert_int_equal(c.threshold, CONGESTION_UNKNOWN);
}

static void few_samples_prove_no_queue(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 6; i++) {
        round_trip(RTT_US + (uint32_t)i * 20000, 4, true);
    }
    assert_int_equal(c.window, 640 * MSS);
}

/* To 0.7, and the curve is back at the old window after K = cbrt(0.3 * 1000 / 0.4) = 9.09 s. */
static void the_curve_comes_back_to_where_it_was(void **state)
{
    (void)state;
    begin();
    c.window = 1000 * MSS;
    congestion_reduce(&c, c.window);
    congestion_recovered(&c);
    assert_int_equal(c.window, 700 * MSS);
    uint64_t since = now;
    uint32_t half_way = 0;
    while (now - since < 9 * NS_PER_S) {
        round_trip(RTT_US, 50, true);
        half_way = now - since < 4500 * NS_PER_MS ? c.window : half_way;
    }
    assert_int_equal(c.plateau, 9085);
    assert_in_range(c.window, 980 * MSS, 1010 * MSS);
    assert_in_range(half_way, 940 * MSS,
                    980 * MSS); /* 1000 - 0.4 * 4.6^3: steep first, then flat */
    uint64_t plateau = now;
    while (now - plateau < 9 * NS_PER_S) {
        round_trip(RTT_US, 50, true);
    }
    assert_in_range(c.window, 1200 * MSS, 1400 * MSS); /* 1000 + 0.4 * 9^3 = 1292 */
}

/* Near by and small, Reno's half a segment a round trip is more than the curve: RFC 9438 4.3. */
static void it_is_no_slower_than_reno(void **state)
{
    (void)state;
    begin();
    c.window = 20 * MSS;
    congestion_reduce(&c, c.window);
    congestion_recovered(&c);
    assert_int_equal(c.window, 14 * MSS);
    for (int i = 0; i < 20; i++) {
        now += 1000 * NS_PER_US;
        for (int j = 0; j < 14; j++) {
            seq += c.window / 14;
            congestion_acknowledged(
                &c, &(struct congestion_ack){c.window / 14, seq, seq, 1000, 1000, now, true});
        }
    }
    assert_in_range(c.window, 26 * MSS,
                    30 * MSS); /* 14 + 11 * 0.53, and above the old 20 one each */
}

static void a_second_loss_below_the_peak_makes_room(void **state)
{
    (void)state;
    begin();
    c.window = 1000 * MSS;
    congestion_reduce(&c, c.window);
    congestion_recovered(&c);
    assert_int_equal(c.most, 1000 * MSS);
    congestion_reduce(&c, c.window);
    assert_int_equal(c.most, 595 * MSS); /* 0.85 * 700 */
    assert_int_equal(c.threshold, 490 * MSS);
}

/* 100 in flight, one lost: each arrival lets 0.7 go, and the end is the threshold. */
static void recovery_sends_in_proportion(void **state)
{
    (void)state;
    begin();
    c.window = 100 * MSS;
    congestion_reduce(&c, 100 * MSS);
    uint32_t flight = 96 * MSS, sent = 0; /* three have arrived, one is lost */
    congestion_recover(&c, 3 * MSS, flight, false);
    assert_true(c.window >= flight + MSS); /* what is lost goes at once */
    for (int i = 0; i < 96; i++) {
        while (flight + MSS <= c.window) {
            flight += MSS;
            sent += MSS;
            congestion_sent(&c, MSS);
        }
        flight -= MSS;
        congestion_recover(&c, MSS, flight, true);
    }
    assert_in_range(sent, 68 * MSS, 71 * MSS);
    congestion_recovered(&c);
    assert_int_equal(c.window, 70 * MSS);
}

/* Most was lost: no burst makes up for it, it grows like slow start. */
static void recovery_from_little_is_slow_start(void **state)
{
    (void)state;
    begin();
    c.window = 100 * MSS;
    congestion_reduce(&c, 100 * MSS);
    congestion_recover(&c, MSS, 10 * MSS, true);
    assert_in_range(c.window, 11 * MSS, 12 * MSS);
    congestion_recover(&c, MSS, 10 * MSS, false);
    assert_in_range(c.window, 11 * MSS, 12 * MSS);
}

static void a_timeout_begins_anew_and_the_next_one_lowers_no_further(void **state)
{
    (void)state;
    begin();
    c.window = 100 * MSS;
    congestion_timeout(&c, false);
    assert_int_equal(c.window, MSS);
    assert_int_equal(c.threshold, 70 * MSS);
    congestion_timeout(&c, true);
    assert_int_equal(c.threshold, 70 * MSS);
    for (int i = 0; i < 20; i++) {
        round_trip(RTT_US, 1, true);
    }
    assert_in_range(c.window, 70 * MSS, 110 * MSS);
}

static void what_was_for_nothing_is_undone(void **state)
{
    (void)state;
    begin();
    c.window = 100 * MSS;
    congestion_undo(&c); /* nothing to undo */
    assert_int_equal(c.window, 100 * MSS);
    congestion_timeout(&c, false);
    congestion_undo(&c);
    assert_int_equal(c.window, 100 * MSS);
    assert_int_equal(c.threshold, CONGESTION_UNKNOWN);
    congestion_reduce(&c, c.window);
    congestion_recovered(&c); /* it was not for nothing */
    congestion_undo(&c);
    assert_int_equal(c.window, 70 * MSS);
}

static void after_idleness_it_halves_down_to_where_it_began(void **state)
{
    (void)state;
    begin();
    c.window = 1000 * MSS;
    c.threshold = 100 * MSS;
    congestion_idle(&c, NS_PER_S, NS_PER_S);
    assert_int_equal(c.window, 1000 * MSS);
    congestion_idle(&c, 3 * NS_PER_S, NS_PER_S);
    assert_int_equal(c.window, 250 * MSS);
    assert_int_equal(c.threshold, 750 * MSS);
    congestion_idle(&c, 3600 * NS_PER_S, NS_PER_S / 5);
    assert_int_equal(c.window, 10 * MSS);
}

static void nothing_overflows(void **state)
{
    (void)state;
    congestion_init(&c, 8860, 0);
    seq = 0;
    for (int i = 0; i < 40; i++) {
        round_trip(RTT_US, 3, true);
    }
    assert_int_equal(c.window, 64 * 1024 * 1024);
    congestion_reduce(&c, c.window);
    congestion_recovered(&c);
    round_trip(RTT_US, 3, true);
    now += 30 * 24 * 3600 * NS_PER_S;
    round_trip(RTT_US, 3, true);
    assert_true(c.window <= 64 * 1024 * 1024);
    congestion_init(&c, 536, 0);
    congestion_reduce(&c, 0);
    congestion_recover(&c, UINT32_MAX, UINT32_MAX / 2, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_start_doubles_whatever_acknowledges),
        cmocka_unit_test(a_window_that_is_not_used_does_not_grow),
        cmocka_unit_test(a_reduction_begins_a_new_curve),
        cmocka_unit_test(a_growing_queue_ends_slow_start),
        cmocka_unit_test(a_passing_delay_does_not_end_it),
        cmocka_unit_test(few_samples_prove_no_queue),
        cmocka_unit_test(the_curve_comes_back_to_where_it_was),
        cmocka_unit_test(it_is_no_slower_than_reno),
        cmocka_unit_test(a_second_loss_below_the_peak_makes_room),
        cmocka_unit_test(recovery_sends_in_proportion),
        cmocka_unit_test(recovery_from_little_is_slow_start),
        cmocka_unit_test(a_timeout_begins_anew_and_the_next_one_lowers_no_further),
        cmocka_unit_test(what_was_for_nothing_is_undone),
        cmocka_unit_test(after_idleness_it_halves_down_to_where_it_began),
        cmocka_unit_test(nothing_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
