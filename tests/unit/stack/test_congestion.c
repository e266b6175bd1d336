/* SPDX-License-Identifier: MIT */
/* The phases of BBR by numbers, on a path that is a pipe with a queue: no packets, a millisecond a step. */
#include "stack/congestion.h"

#include "base/macros.h"
#include "base/now.h"
#include "unit/test.h"

#include <string.h>

enum { MSS = 1000, LOG_MAX = 65536 };

static struct congestion c;

/* What was sent in a step arrives `rtt` after it has passed the queue. */
static struct {
    uint64_t rate;       /* of the path, bytes a second */
    uint32_t rtt, queue; /* ms; bytes */
    unsigned lost_in_1000;
    bool limited; /* the application has only half of what could leave */
    bool trickle; /* it has a segment now and then */
    uint64_t ms, free_at_us;
    uint64_t credit;                       /* thousandths of a byte */
    uint32_t in_flight, arrived, standing; /* bytes */
    struct step {
        uint32_t bytes, lost, began;
        uint64_t sent_ms, due_ms;
    } log[LOG_MAX];
    size_t first, last;
} path;

static void begin(uint64_t rate, uint32_t rtt, uint32_t queue)
{
    memset(&path, 0, sizeof path);
    path.rate = rate;
    path.rtt = rtt;
    path.queue = queue;
    path.ms = 1000;
    path.arrived = UINT32_MAX - 5000; /* it wraps */
    congestion_init(&c, MSS, rtt * 1000, 7);
}

static void send_some(void)
{
    uint32_t room = c.window > path.in_flight ? c.window - path.in_flight : 0;
    path.credit += c.rate;
    uint32_t bytes =
        c.rate > 0 && path.credit / 1000 < room ? (uint32_t)(path.credit / 1000) : room;
    bytes = path.limited ? bytes / 2 : bytes;
    bytes = !path.trickle ? bytes : path.ms % 100 == 0 && room > 0 ? MSS : 0;
    path.credit -= path.credit < bytes * 1000ull ? path.credit : bytes * 1000ull;
    path.credit = path.credit < 10 * MSS * 1000 ? path.credit : 10 * MSS * 1000;
    if (bytes == 0) {
        return;
    }
    uint64_t now_us = path.ms * 1000;
    uint64_t start = path.free_at_us > now_us ? path.free_at_us : now_us;
    uint32_t waits = (uint32_t)((start - now_us) * path.rate / 1000000);
    uint32_t space = path.queue > waits ? path.queue - waits : 0;
    uint32_t fits = bytes < space + MSS ? bytes : space + MSS;
    uint32_t lost = bytes - fits + fits * path.lost_in_1000 / 1000;
    path.free_at_us = start + (bytes - lost) * UINT64_C(1000000) / path.rate;
    path.standing = waits;
    path.log[path.last++ % LOG_MAX] =
        (struct step){bytes, lost, path.arrived, path.ms, path.free_at_us / 1000 + path.rtt};
    path.in_flight += bytes;
}

static void receive_some(void)
{
    struct congestion_sample s = {.now = path.ms * NS_PER_MS};
    for (; path.first != path.last && path.log[path.first % LOG_MAX].due_ms <= path.ms;
         path.first++) {
        const struct step *step = &path.log[path.first % LOG_MAX];
        path.in_flight -= step->bytes;
        path.arrived += step->bytes - step->lost;
        s.delivered += step->bytes - step->lost;
        s.lost += step->lost;
        s.began = step->began;
        s.rtt = (uint32_t)(path.ms - step->sent_ms) * 1000;
    }
    if (s.rtt > 0) {
        s.total = path.arrived;
        s.rate = (s.total - s.began) * UINT64_C(1000000) / s.rtt;
        s.in_flight = path.in_flight;
        s.limited = path.limited || path.trickle;
        s.held = path.in_flight + MSS > c.window;
        congestion_update(&c, &s);
    }
}

static void pass(unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        path.ms++;
        receive_some();
        send_some();
    }
}

static bool reaches(enum congestion_phase phase, unsigned ms)
{
    for (unsigned i = 0; i < ms && c.phase != phase; i++) {
        pass(1);
    }
    return c.phase == phase;
}

/* 10 MB/s and 50 ms: half a megabyte. */
enum { RATE = 10000000, RTT = 50, HOLDS = 500000 };

static void startup_doubles_each_round_trip(void **state)
{
    (void)state;
    begin(UINT64_C(10) * RATE, RTT, UINT32_MAX / 2);
    pass(RTT + RTT / 2);
    uint32_t before = c.window;
    for (int i = 0; i < 5; i++) {
        pass(RTT + 1);
        assert_int_equal(c.phase, CONGESTION_STARTUP);
        assert_in_range(c.window, before * 3 / 2, before * 5 / 2);
        before = c.window;
    }
}

static void a_rate_that_grows_no_more_ends_startup(void **state)
{
    (void)state;
    begin(RATE, RTT, UINT32_MAX / 2);
    assert_true(reaches(CONGESTION_DRAIN, 20 * RTT));
    assert_in_range(c.most_rate[1], RATE * 9ull / 10, RATE * 11ull / 10);
    assert_true(c.rate < RATE); /* so that the queue flows off */
    assert_true(reaches(CONGESTION_DOWN, 20 * RTT));
    assert_in_range(path.in_flight, HOLDS / 2, HOLDS * 11 / 10);
    assert_true(reaches(CONGESTION_CRUISE, 10 * RTT));
    assert_in_range(c.rate, RATE * 9ull / 10, RATE * 11ull / 10);
    assert_in_range(c.window, 2 * HOLDS - HOLDS / 4, 3 * HOLDS);
}

static void it_cruises_without_a_queue(void **state)
{
    (void)state;
    begin(RATE, RTT, UINT32_MAX / 2);
    pass(3000);
    uint32_t before = path.arrived;
    uint64_t standing = 0, steps = 0;
    for (int i = 0; i < 10000; i++) {
        pass(1);
        standing += c.phase == CONGESTION_CRUISE ? path.standing : 0;
        steps += c.phase == CONGESTION_CRUISE;
    }
    assert_true(path.arrived - before > 10u * (RATE / 100 * 95));
    assert_true(steps > 5000);
    assert_in_range(standing / steps, 0, HOLDS / 5);
}

static void many_losses_end_startup(void **state)
{
    (void)state;
    begin(RATE, RTT, HOLDS / 10);
    assert_true(reaches(CONGESTION_DRAIN, 20 * RTT));
    assert_in_range(c.bounds.most, HOLDS / 2, 2 * HOLDS);
    pass(5000);
    uint32_t before = path.arrived;
    pass(5000);
    assert_true(path.arrived - before > 5u * RATE / 10 * 8);
}

static void a_few_losses_do_not(void **state)
{
    (void)state;
    begin(RATE, RTT, UINT32_MAX / 2);
    path.lost_in_1000 = 15;
    assert_true(reaches(CONGESTION_DRAIN, 20 * RTT));
    assert_int_equal(c.bounds.most, UINT32_MAX); /* it was the rate */
    pass(5000);
    assert_int_equal(c.bounds.flight, UINT32_MAX);
    assert_in_range(c.rate, RATE * 8ull / 10, RATE * 13ull / 10);
}

static void it_probes_for_more_and_finds_it(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    assert_true(reaches(CONGESTION_CRUISE, 2000));
    path.rate = 2 * RATE;
    assert_true(reaches(CONGESTION_REFILL, 3500));
    assert_int_equal(c.bounds.rate, UINT64_MAX);
    assert_true(reaches(CONGESTION_UP, 3 * RTT));
    assert_true(c.rate > RATE * 12ull / 10);
    assert_true(reaches(CONGESTION_DOWN, 3000));
    assert_in_range(c.most_rate[1], RATE * 18ull / 10, RATE * 22ull / 10);
}

static void it_follows_a_path_that_became_slower(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    pass(3000);
    path.rate = RATE / 4;
    pass(15000);
    assert_in_range(c.rate, RATE / 5, RATE / 4 * 14ull / 10);
    assert_true(path.standing <= HOLDS);
}

/* Others fill the queue: less, but never less than what came through. */
static void many_losses_lower_the_bounds_until_it_probes_again(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    assert_true(reaches(CONGESTION_CRUISE, 2000));
    path.lost_in_1000 = 100;
    uint64_t rate = c.rate;
    pass(4 * RTT);
    assert_true(c.bounds.rate < rate);
    assert_true(c.bounds.flight < 2 * HOLDS);
    assert_true(c.rate < rate);
    assert_true(c.rate > rate * 6 / 10);
    path.lost_in_1000 = 0;
    assert_true(reaches(CONGESTION_REFILL, 3500));
    assert_int_equal(c.bounds.flight, UINT32_MAX);
}

static void many_losses_end_the_probing(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    assert_true(reaches(CONGESTION_UP, 5000));
    pass(RTT + RTT / 2);
    assert_int_equal(c.phase, CONGESTION_UP);
    path.lost_in_1000 = 50;
    assert_true(reaches(CONGESTION_DOWN, 6 * RTT));
    assert_in_range(c.bounds.most, HOLDS * 7 / 10, 3 * HOLDS);
    path.lost_in_1000 = 0;
    assert_true(reaches(CONGESTION_CRUISE, 2000));
    assert_true(c.window < c.bounds.most); /* room for others */
}

/* A queue that is not its own hides the shortest round trip: half a window for a moment shows it. */
static void an_old_round_trip_is_measured_again(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    assert_true(reaches(CONGESTION_CRUISE, 2000));
    path.rtt = RTT + RTT / 5;
    assert_true(reaches(CONGESTION_PROBE_RTT, 6000));
    uint32_t window = c.window_before;
    pass(150);
    assert_int_equal(c.phase, CONGESTION_PROBE_RTT);
    assert_in_range(c.window, 4 * MSS, HOLDS * 6 / 10);
    pass(300);
    assert_int_not_equal(c.phase, CONGESTION_PROBE_RTT);
    assert_in_range(c.least_rtt, path.rtt * 1000, (path.rtt + 2) * 1000);
    assert_true(c.window >= window / 2);
}

static void a_path_without_a_queue_needs_no_such_look(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    pass(2000);
    for (int i = 0; i < 20000; i++) {
        pass(1);
        assert_int_not_equal(c.phase, CONGESTION_PROBE_RTT);
    }
}

static uint64_t most_rate(void)
{
    return c.most_rate[0] > c.most_rate[1] ? c.most_rate[0] : c.most_rate[1];
}

static void a_slow_application_teaches_nothing(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    pass(2000);
    uint64_t rate = most_rate();
    begin(RATE, RTT, 2 * HOLDS);
    path.limited = true;
    pass(5000);
    assert_false(c.full);
    assert_int_equal(c.phase, CONGESTION_STARTUP);
    path.limited = false;
    pass(2000);
    assert_in_range(c.most_rate[1] > c.most_rate[0] ? c.most_rate[1] : c.most_rate[0],
                    rate * 9 / 10, rate * 11 / 10);
}

static void hours_of_little_make_it_forget_nothing(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    pass(3000);
    assert_true(c.was_full);
    uint64_t rate = most_rate();
    path.trickle = true;
    path.lost_in_1000 = 50; /* ends each probing */
    pass(60000);
    assert_true(most_rate() > rate / 10 * 8);
    assert_true(c.rate > rate / 10 * 4); /* it may be in any phase */
}

/* Four segments in a round trip may leave whatever it measured: less would not be worth a measurement. */
static void it_never_stands_still(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    pass(3000);
    uint32_t total = path.arrived;
    for (uint64_t now = path.ms * NS_PER_MS; now < 100 * NS_PER_S; now += RTT * NS_PER_MS) {
        congestion_update(&c, &(struct congestion_sample){.now = now,
                                                          .rate = 10,
                                                          .began = total,
                                                          .total = total + 1,
                                                          .delivered = 1,
                                                          .rtt = RTT * 1000});
        total++;
    }
    assert_true(most_rate() < 100);
    assert_true(c.rate >= 4 * MSS * 1000 / RTT);
}

static void near_by_it_does_not_pace(void **state)
{
    (void)state;
    congestion_init(&c, MSS, 100, 7);
    assert_int_equal(c.rate, 0);
    struct congestion_sample s = {.now = NS_PER_S, .rate = RATE, .delivered = 5 * MSS, .rtt = 100};
    for (int i = 0; i < 100; i++) {
        s.now += 100 * NS_PER_US;
        s.began = s.total;
        s.total += 5 * MSS;
        congestion_update(&c, &s);
        assert_int_equal(c.rate, 0);
    }
    assert_true(c.window >= RATE / 1000); /* a millisecond of it: our turns may be as long */
}

static void a_timeout_begins_with_a_segment_and_is_back_soon(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    pass(2000);
    uint32_t window = c.window;
    congestion_timeout(&c, false);
    assert_int_equal(c.window, MSS);
    congestion_timeout(&c, true);
    pass(12 * RTT);
    assert_true(c.window >= window / 2);
}

static void what_was_for_nothing_is_undone(void **state)
{
    (void)state;
    begin(RATE, RTT, 2 * HOLDS);
    pass(2000);
    uint32_t window = c.window;
    congestion_timeout(&c, false);
    congestion_timeout(&c, true);
    congestion_undo(&c);
    assert_int_equal(c.window, window);
    congestion_reduce(&c);
    c.bounds.flight = 10 * MSS;
    congestion_undo(&c);
    assert_int_equal(c.bounds.flight, UINT32_MAX);
    congestion_start_over(&c, 500);
    assert_int_equal(c.window, 10 * 500);
}

/* Whatever a peer makes it believe. */
static void nothing_overflows(void **state)
{
    (void)state;
    static const uint64_t rates[] = {0, 1, 1000, UINT64_MAX / 2, UINT64_MAX};
    static const uint32_t numbers[] = {0, 1, 1000, UINT32_MAX / 2, UINT32_MAX};
    congestion_init(&c, 8860, UINT32_MAX, 0);
    struct congestion_sample s = {.now = NS_PER_S};
    for (unsigned i = 0; i < 200000; i++) {
        c.chance = c.chance * 6364136223846793005u + 1442695040888963407u;
        uint32_t chance = (uint32_t)(c.chance >> 33);
        s.now += numbers[chance % 4] * UINT64_C(1000);
        s.rate = rates[chance / 5 % 5];
        s.total += s.delivered = numbers[chance / 25 % 4];
        s.began = s.total - numbers[chance / 125 % 5];
        s.lost = numbers[chance / 625 % 5];
        s.in_flight = numbers[chance / 3125 % 5];
        s.rtt = numbers[chance / 15625 % 5];
        s.limited = chance & 1;
        s.held = chance & 2;
        congestion_update(&c, &s);
        assert_in_range(c.window, 8860, 64 * 1024 * 1024);
        assert_true(c.rate <= UINT64_C(50) * 1000 * 1000 * 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(startup_doubles_each_round_trip),
        cmocka_unit_test(a_rate_that_grows_no_more_ends_startup),
        cmocka_unit_test(it_cruises_without_a_queue),
        cmocka_unit_test(many_losses_end_startup),
        cmocka_unit_test(a_few_losses_do_not),
        cmocka_unit_test(it_probes_for_more_and_finds_it),
        cmocka_unit_test(it_follows_a_path_that_became_slower),
        cmocka_unit_test(many_losses_lower_the_bounds_until_it_probes_again),
        cmocka_unit_test(many_losses_end_the_probing),
        cmocka_unit_test(an_old_round_trip_is_measured_again),
        cmocka_unit_test(a_path_without_a_queue_needs_no_such_look),
        cmocka_unit_test(a_slow_application_teaches_nothing),
        cmocka_unit_test(hours_of_little_make_it_forget_nothing),
        cmocka_unit_test(it_never_stands_still),
        cmocka_unit_test(near_by_it_does_not_pace),
        cmocka_unit_test(a_timeout_begins_with_a_segment_and_is_back_soon),
        cmocka_unit_test(what_was_for_nothing_is_undone),
        cmocka_unit_test(nothing_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
