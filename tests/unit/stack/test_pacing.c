/* SPDX-License-Identifier: MIT */
/* What may leave when: a flow of a megabyte a second, by numbers. */
#include "stack/pacing.h"

#include "unit/test.h"

#include <lwip/priv/tcp_priv.h>

enum { MSS = 1000, RATE = 1000000, KILOBYTE = 1000 /* what it earns in a millisecond */ };

static struct stack stack;
static struct tcp_pcb pcb;
static struct tcp_seg seg;
static struct stack_tcp t;

/* A flow that has used up what it had earned. */
static void begin(uint64_t rate)
{
    stack = (struct stack){.mono = 1000 * NS_PER_S};
    pcb = (struct tcp_pcb){.mss = MSS, .unacked = &seg};
    t = (struct stack_tcp){.stack = &stack, .pcb = &pcb};
    t.sender.congestion.rate = rate;
    t.sender.paced_at = stack.mono;
    t.sender.paced_due = NEVER;
}

static uint32_t earn_after(uint64_t ns)
{
    stack.mono += ns;
    pacing_earn(&t);
    return t.sender.credit;
}

static void spend(uint32_t bytes, bool more)
{
    t.sender.credit -= bytes;
    pacing_pay(&t, bytes, more);
}

static void without_a_rate_everything_leaves(void **state)
{
    (void)state;
    begin(0);
    assert_int_equal(earn_after(0), UINT32_MAX);
    pacing_pay(&t, 1000 * MSS, true);
    assert_int_equal(t.sender.paced_due, NEVER);
}

static void two_segments_leave_when_they_are_earned(void **state)
{
    (void)state;
    begin(RATE);
    assert_int_equal(earn_after(NS_PER_MS), 0);
    spend(0, true);
    assert_in_range(t.sender.paced_due, stack.mono + NS_PER_MS, stack.mono + NS_PER_MS + 1);
    assert_in_range(earn_after(t.sender.paced_due - stack.mono), 2 * MSS, 2 * MSS + 1);
    spend(2 * MSS, true);
    assert_in_range(t.sender.paced_due, stack.mono + 2 * NS_PER_MS - 1,
                    stack.mono + 2 * NS_PER_MS + 1);
}

static void a_fast_flow_wakes_once_in_a_millisecond(void **state)
{
    (void)state;
    begin(UINT64_C(1000) * RATE);
    assert_int_equal(earn_after(NS_PER_MS), MSS * KILOBYTE);
    spend(MSS * KILOBYTE, true);
    assert_int_equal(t.sender.paced_due, stack.mono + NS_PER_MS);
}

static void beside_many_others_it_comes_back_less_often(void **state)
{
    (void)state;
    begin(RATE);
    stack.sender_pause = 20 * NS_PER_MS;
    assert_int_equal(earn_after(19 * NS_PER_MS), 0);
    spend(0, true);
    assert_in_range(t.sender.paced_due, stack.mono + NS_PER_MS, stack.mono + NS_PER_MS + 1);
    assert_in_range(earn_after(t.sender.paced_due - stack.mono), 20 * KILOBYTE, 20 * KILOBYTE + 1);
}

static void nobody_is_woken_for_what_cannot_leave(void **state)
{
    (void)state;
    begin(RATE);
    earn_after(4 * NS_PER_MS);
    spend(4 * MSS, false); /* nothing more */
    assert_int_equal(t.sender.paced_due, NEVER);
    earn_after(4 * NS_PER_MS);
    spend(2 * MSS, true); /* there is credit left: it is the receiver */
    assert_int_equal(t.sender.paced_due, NEVER);
}

static void a_late_turn_is_made_up_for(void **state)
{
    (void)state;
    begin(RATE);
    earn_after(2 * NS_PER_MS);
    spend(2 * MSS, true);
    assert_int_equal(earn_after(30 * NS_PER_MS), 30 * KILOBYTE);
    spend(30 * KILOBYTE, true);
    assert_int_equal(earn_after(NS_PER_S), 54 * KILOBYTE); /* to a degree */
}

static void a_pause_earns_little(void **state)
{
    (void)state;
    begin(RATE);
    assert_int_equal(earn_after(NS_PER_S), 6 * KILOBYTE);
    spend(6 * KILOBYTE, false);
    pcb.unacked = NULL; /* but a first window after nothing */
    assert_int_equal(earn_after(NS_PER_S), 10 * MSS);
}

static void over_time_it_is_the_rate(void **state)
{
    (void)state;
    begin(RATE);
    uint64_t sent = 0;
    for (unsigned i = 0; i < 10000; i++) {
        uint32_t credit = earn_after((1 + i % 7) * NS_PER_MS / 3) / MSS * MSS;
        sent += credit;
        spend(credit, true);
    }
    uint64_t took_ms = (stack.mono - 1000 * NS_PER_S) / NS_PER_MS;
    assert_in_range(sent, took_ms * KILOBYTE * 99 / 100, took_ms * KILOBYTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_rate_everything_leaves),
        cmocka_unit_test(two_segments_leave_when_they_are_earned),
        cmocka_unit_test(a_fast_flow_wakes_once_in_a_millisecond),
        cmocka_unit_test(beside_many_others_it_comes_back_less_often),
        cmocka_unit_test(nobody_is_woken_for_what_cannot_leave),
        cmocka_unit_test(a_late_turn_is_made_up_for),
        cmocka_unit_test(a_pause_earns_little),
        cmocka_unit_test(over_time_it_is_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
