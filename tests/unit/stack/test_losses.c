/* SPDX-License-Identifier: MIT */
/* What is taken for lost, and when it goes again: a peer whose acknowledgements are made by hand. */
#include "unit/stack/hand.h"

enum { MSS = HAND_MSS };

static void begin(bool sack)
{
    hand_begin(sack, 65535, MSS);
    hand_acknowledge(0, NULL); /* the window, scaled from now on */
    hand_turn();
}

static const struct sender *sender(void)
{
    return &hand.client.t->sender;
}

static void three_segments_beyond_it_make_one_lost(void **state)
{
    (void)state;
    begin(true);
    hand_send(5 * MSS);
    assert_int_equal(hand.n_sent, 5);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(0, BLOCKS(MSS, 4 * MSS));
    hand_turn();
    assert_int_equal(hand.n_sent, 6);
    assert_int_equal(hand.sent[5].offset, 0);
    assert_int_equal(sender()->state, SENDER_RECOVERY);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(5 * MSS, NULL);
    hand_turn();
    assert_int_equal(hand.n_sent, 6);
    assert_int_equal(sender()->state, SENDER_NORMAL);
    assert_true(sender()->congestion.window >= 9 * MSS); /* one lost says little of the path */
    hand_end();
}

/* It may merely be late: RFC 8985 gives it a quarter of a round trip. */
static void one_segment_beyond_it_does_not_yet(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        begin(true);
        hand_send(2 * MSS);
        wire_pass(&hand.w, HAND_RTT_MS * MS);
        hand_acknowledge(0, BLOCKS(MSS, 2 * MSS));
        wire_pass(&hand.w, HAND_RTT_MS / 4 * MS - MS);
        assert_int_equal(hand.n_sent, 2);
        if (late) {
            hand_acknowledge(2 * MSS, NULL);
        }
        wire_pass(&hand.w, 2 * MS);
        assert_int_equal(hand.n_sent, late ? 2 : 3);
        hand_end();
    }
}

static void holes_of_a_whole_flight_go_at_once_and_each_once(void **state)
{
    (void)state;
    begin(true);
    for (uint32_t i = 0; i < 4; i++) { /* open the window */
        hand_send(10 * MSS << i);
        wire_pass(&hand.w, HAND_RTT_MS * MS);
        hand_acknowledge((uint32_t)hand.client.sent, NULL);
        hand_turn();
    }
    uint32_t base = (uint32_t)hand.client.sent, before = (uint32_t)hand.n_sent;
    hand_send(80 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS); /* it takes its time to leave */
    assert_int_equal(hand.n_sent, before + 80);
    for (uint32_t i = 1; i < 80; i += 2) { /* 40 blocks in one turn: more than the set holds */
        hand_acknowledge(base, BLOCKS(base + i * MSS, base + (i + 1) * MSS));
    }
    hand_turn();
    for (int i = 0; i < 40; i++) { /* as what is resent arrives, the rest may go */
        for (size_t j = before + 80; j < hand.n_sent; j++) {
            hand_acknowledge(base, BLOCKS(hand.sent[j].offset, hand.sent[j].offset + MSS));
        }
        wire_pass(&hand.w, MS);
    }
    for (uint32_t i = 0; i < 80; i++) {
        assert_int_equal(hand_times_sent(base + i * MSS), i % 2 ? 1 : 2);
    }
    assert_int_equal(hand.client.t->pcb->nrtx, 0);
    hand_end();
}

static void what_is_lost_twice_goes_a_third_time(void **state)
{
    (void)state;
    begin(true);
    hand_send(6 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(0, BLOCKS(MSS, 4 * MSS));
    hand_turn();
    assert_int_equal(hand_times_sent(0), 2);
    hand_send(4 * MSS); /* sent after it */
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(0, BLOCKS(MSS, 8 * MSS));
    wire_pass(&hand.w, 50 * MS);
    assert_int_equal(hand_times_sent(0), 3);
    assert_int_equal(hand.client.t->pcb->nrtx, 0);
    hand_end();
}

/* Told of a duplicate, the sender takes back what it did, and waits longer from then on. */
static void a_duplicate_undoes_the_reduction(void **state)
{
    (void)state;
    begin(true);
    hand_send(5 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(0, BLOCKS(MSS, 4 * MSS));
    hand_turn();
    assert_int_equal(hand_times_sent(0), 2);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(5 * MSS, BLOCKS(0, MSS));
    hand_turn();
    assert_int_equal(sender()->state, SENDER_NORMAL);
    assert_true(sender()->congestion.window >= 10 * MSS);
    assert_int_equal(sender()->congestion.bounds.flight, UINT32_MAX);
    assert_int_equal(sender()->reordering_steps, 2);
    hand_end();
}

/* It was on its way: nobody answers faster than the shortest round trip. */
static void an_answer_that_is_too_fast_undoes_a_timeout(void **state)
{
    (void)state;
    begin(true);
    hand_send(5 * MSS);
    while (hand.client.t->pcb->nrtx == 0) {
        wire_pass(&hand.w, MS);
    }
    assert_int_equal(sender()->congestion.window, MSS);
    wire_pass(&hand.w, 5 * MS);
    for (size_t i = 0; i < 5; i++) {
        hand_acknowledge((uint32_t)(i + 1) * MSS, NULL);
        hand_turn();
    }
    assert_int_equal(sender()->state, SENDER_NORMAL);
    assert_true(sender()->congestion.window >= 10 * MSS);
    hand_end();
}

/* The answer was too fast, and what was taken for lost is: it is found out in two round trips, and not by a timeout for
 * each segment. The last one may have arrived or not. */
static void what_was_pardoned_may_be_lost_all_the_same(void **state)
{
    (void)state;
    for (int last_arrived = 0; last_arrived < 2; last_arrived++) {
        begin(true);
        hand_send(10 * MSS);
        while (hand.client.t->pcb->nrtx == 0) {
            wire_pass(&hand.w, MS);
        }
        wire_pass(&hand.w, 5 * MS);
        hand_acknowledge(MSS, last_arrived ? BLOCKS(9 * MSS, 10 * MSS) : NULL);
        hand_turn();
        assert_int_equal(sender()->state, SENDER_NORMAL);
        size_t before = hand_times_sent(9 * MSS);
        wire_pass(&hand.w, 2 * HAND_RTT_MS * MS + 10 * MS);
        if (!last_arrived) {
            assert_int_equal(hand_times_sent(9 * MSS), before + 1);
            hand_acknowledge(MSS, BLOCKS(9 * MSS, 10 * MSS));
            hand_turn();
        }
        assert_int_equal(sender()->state, SENDER_RECOVERY);
        assert_true(hand_times_sent(MSS) > 1);
        assert_int_equal(hand.client.t->pcb->nrtx, 0);
        hand_end();
    }
}

/* A single segment finds queues and processors idle that were busy whenever there was something to measure. */
static void an_answer_that_is_a_little_too_fast_undoes_nothing(void **state)
{
    (void)state;
    begin(true);
    hand_send(10 * MSS);
    while (hand.client.t->pcb->nrtx == 0) {
        wire_pass(&hand.w, MS);
    }
    for (uint32_t i = 1; i <= 10; i = 2 * i + 1) {
        wire_pass(&hand.w, HAND_RTT_MS * 7 / 10 * MS);
        hand_acknowledge(i * MSS, NULL);
        hand_turn();
        assert_int_equal(sender()->state, SENDER_TIMED_OUT);
        assert_int_equal(hand.client.t->pcb->nrtx, 0);
    }
    for (uint32_t i = 1; i < 9; i++) {
        assert_int_equal(hand_times_sent(i * MSS), 2);
    }
    hand_end();
}

/* The block ends where the FIN stands, and says nothing of it. */
static void a_fin_alone_is_not_in_the_block_before_it(void **state)
{
    (void)state;
    begin(true);
    hand_send(MSS + 100);
    stack_tcp_shutdown(hand.client.t);
    hand_turn();
    assert_int_equal(hand.n_sent, 3);
    assert_true(hand.sent[2].fin);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(0, BLOCKS(MSS, MSS + 100));
    hand_turn();
    assert_int_equal(sender()->n_sacked, 1);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(MSS + 100, NULL);
    wire_pass(&hand.w, 5 * NS_PER_S);
    assert_true(hand_times_sent(MSS + 100) > 1);
    hand_end();
}

/* RFC 2018 8: what was reported may be dropped again. (The segments are too short to be taken for what
 * a black hole swallows, which all go again.) */
static void a_receiver_that_forgets_gets_it_again(void **state)
{
    (void)state;
    enum { SHORT = 1000 };
    hand_begin(true, 65535, SHORT);
    hand_send(5 * SHORT);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(0, BLOCKS(SHORT, 5 * SHORT));
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(SHORT, NULL);
    for (uint32_t i = 1; i < 5; i++) {
        assert_int_equal(hand_times_sent(i * SHORT), 1);
    }
    wire_pass(&hand.w, NS_PER_S);
    assert_true(hand_times_sent(SHORT) > 1);
    for (uint32_t i = 2; i <= 5; i++) {
        hand_acknowledge(i * SHORT, NULL);
        wire_pass(&hand.w, NS_PER_S);
        assert_true(i == 5 || hand_times_sent(i * SHORT) > 1);
    }
    assert_int_equal(stack_tcp_unsent(hand.client.t), 0);
    hand_end();
}

/* RFC 6582: three duplicate acknowledgements, and in recovery each step forward. */
static void without_sack_duplicates_have_to_do(void **state)
{
    (void)state;
    begin(false);
    hand_send(8 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hand.n_sent, 8);
        hand_acknowledge(0, NULL);
        hand_turn();
    }
    assert_int_equal(hand.n_sent, 9);
    assert_int_equal(hand.sent[8].offset, 0);
    assert_int_equal(sender()->sacked, 3 * MSS); /* whichever they are */
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(4 * MSS, NULL);
    hand_turn();
    assert_in_range(sender()->rtt.smoothed, 99000, 102000); /* three of these came long ago */
    assert_int_equal(hand.n_sent, 10);
    assert_int_equal(hand.sent[9].offset, 4 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(8 * MSS, NULL);
    hand_turn();
    assert_int_equal(hand.n_sent, 10);
    assert_int_equal(sender()->state, SENDER_NORMAL);
    hand_end();
}

/* Blocks of what was never sent, or is acknowledged, or upside down. */
static void lies_change_nothing(void **state)
{
    (void)state;
    begin(true);
    hand_send(5 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(0, BLOCKS(5 * MSS, 9 * MSS));
    hand_acknowledge(0, BLOCKS(3 * MSS, MSS, 4 * MSS, 4 * MSS));
    hand_acknowledge(0, BLOCKS(MSS, 50 * MSS));
    hand_turn();
    assert_int_equal(hand.n_sent, 5);
    assert_int_equal(sender()->sacked, 0);
    hand_acknowledge(5 * MSS, NULL);
    hand_turn();
    assert_int_equal(stack_tcp_unsent(hand.client.t), 0);
    hand_end();
}

/* The path reorders acknowledgements as well: a block below what a later one has acknowledged is no
 * duplicate (RFC 2883 4 compares with the segment's own). */
static void an_acknowledgement_that_was_overtaken_reports_no_duplicate(void **state)
{
    (void)state;
    begin(true);
    hand_send(6 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(4 * MSS, NULL);
    hand_acknowledge(0, BLOCKS(MSS, 2 * MSS));
    hand_acknowledge(MSS, BLOCKS(2 * MSS, 3 * MSS));
    hand_turn();
    assert_int_equal(sender()->duplicates, 0);
    assert_int_equal(sender()->reordering_steps, 1);
    hand_acknowledge(4 * MSS, BLOCKS(MSS, 2 * MSS));
    assert_int_equal(sender()->duplicates, 1);
    hand_end();
}

/* The clock of segments wraps after 71 minutes. */
static void a_pause_of_any_length_makes_nothing_lost(void **state)
{
    (void)state;
    for (unsigned minutes = 5; minutes <= 155; minutes += 30) {
        begin(true);
        hand_send(MSS);
        wire_pass(&hand.w, HAND_RTT_MS * MS);
        hand_acknowledge(MSS, NULL);
        wire_pass(&hand.w, minutes * 60 * NS_PER_S);
        hand_send(8 * MSS);
        wire_pass(&hand.w, (HAND_RTT_MS + 50) * MS); /* a little later than usual */
        hand_acknowledge(MSS, BLOCKS(2 * MSS, 3 * MSS));
        wire_pass(&hand.w, 50 * MS);
        assert_int_equal(sender()->lost, MSS);
        assert_int_equal(hand_times_sent(MSS), 2);
        hand_end();
    }
}

/* A round trip's duplicates count once; the next one's again, also when the last was 3 GiB ago. */
static void duplicates_of_each_round_trip_count_once(void **state)
{
    (void)state;
    begin(true);
    hand_send(5 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(2 * MSS, BLOCKS(0, MSS));
    hand_acknowledge(3 * MSS, BLOCKS(0, MSS));
    assert_int_equal(sender()->reordering_steps, 2);
    hand_acknowledge(5 * MSS, BLOCKS(0, MSS));
    assert_int_equal(sender()->reordering_steps, 3);
    hand.client.t->sender.reordering_until = sender()->una - (UINT32_C(3) << 30);
    hand_acknowledge(5 * MSS, NULL);
    hand_send(MSS);
    hand_acknowledge(6 * MSS, BLOCKS(4 * MSS, 5 * MSS));
    assert_int_equal(sender()->reordering_steps, 4);
    hand_end();
}

/* A receiver may hold back the acknowledgement of a lone segment (RFC 9293 3.8.6.3): until when it did so
 * before, and, once a probe was for nothing, for as long as any. */
static void a_lone_segment_is_probed_for_when_its_answer_is_overdue(void **state)
{
    (void)state;
    begin(true);
    uint32_t end = MSS;
    hand_send(MSS);
    wire_pass(&hand.w, 260 * MS); /* 2 SRTT and 50 ms */
    assert_int_equal(hand.n_sent, 2);
    assert_int_equal(hand.client.t->pcb->nrtx, 0);
    wire_pass(&hand.w, HAND_RTT_MS * MS); /* it was lost */
    hand_acknowledge(end, NULL);
    hand_turn();
    hand_send(MSS);
    wire_pass(&hand.w, 240 * MS); /* held back for 140 */
    hand_acknowledge(end += MSS, NULL);
    hand_turn();
    assert_int_equal(hand.n_sent, 3);
    hand_send(MSS);
    wire_pass(&hand.w, 340 * MS);
    assert_int_equal(hand.n_sent, 4);
    wire_pass(&hand.w, 60 * MS);
    assert_int_equal(hand.n_sent, 5);
    hand_acknowledge(end += MSS, NULL);
    hand_acknowledge(end, BLOCKS(end - MSS, end)); /* it was there */
    hand_turn();
    hand_send(MSS);
    wire_pass(&hand.w, 390 * MS);
    assert_int_equal(hand.n_sent, 6);
    hand_end();
}

/* And what it has not sent again yet stays where it is. */
static void duplicates_pardon_what_waits(void **state)
{
    (void)state;
    begin(true);
    hand_send(10 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(0, BLOCKS(7 * MSS, 10 * MSS));
    hand_turn();
    size_t n_sent = hand.n_sent;
    uint32_t resent = (uint32_t)n_sent - 10;
    assert_in_range(resent, 1, 4);
    assert_int_equal(sender()->waiting, 7 - resent);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    for (uint32_t i = 0; i < resent; i++) {
        hand_acknowledge(resent * MSS, BLOCKS(i * MSS, (i + 1) * MSS, 7 * MSS, 10 * MSS));
    }
    hand_turn();
    assert_int_equal(sender()->state, SENDER_NORMAL);
    assert_int_equal(sender()->waiting, 0);
    assert_int_equal(hand.n_sent, n_sent);
    hand_end();
}

/* RFC 8985 6.2 step 4: however much was reordered before, a round trip more is enough. */
static void a_loss_is_found_in_two_round_trips_at_most(void **state)
{
    (void)state;
    begin(true);
    hand_send(10 * MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand.client.t->sender.reordering = true;
    hand.client.t->sender.reordering_steps = 64;
    hand_acknowledge(0, BLOCKS(MSS, 10 * MSS));
    wire_pass(&hand.w, (HAND_RTT_MS - 10) * MS);
    assert_int_equal(hand.n_sent, 10);
    wire_pass(&hand.w, 20 * MS);
    assert_int_equal(hand_times_sent(0), 2);
    assert_int_equal(hand.client.t->pcb->nrtx, 0);
    hand_end();
}

/* RFC 7661: a talk of a segment a round trip proves nothing for more; and after silence nothing leaves in a
 * burst, whatever the window was. */
static void a_window_that_is_not_used_is_not_kept(void **state)
{
    (void)state;
    begin(true);
    uint32_t end = 5 * MSS;
    hand_send(end);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(0, BLOCKS(MSS, 4 * MSS));
    hand_turn();
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(end, NULL);
    hand_turn();
    for (int i = 0; i < 60; i++) {
        hand_send(MSS);
        wire_pass(&hand.w, HAND_RTT_MS * MS);
        hand_acknowledge(end += MSS, NULL);
        hand_turn();
    }
    assert_in_range(sender()->congestion.window, 9 * MSS, 14 * MSS);
    hand.client.t->sender.congestion.window = 100 * MSS; /* as after a long upload */
    wire_pass(&hand.w, 60 * NS_PER_S);
    size_t before = hand.n_sent;
    hand_send(100 * MSS);
    assert_in_range(hand.n_sent - before, 1, 10);
    hand_end();
}

/* A program that was stopped finds answers of ten minutes ago: they say nothing of the path. */
static void time_that_nobody_saw_is_no_round_trip(void **state)
{
    (void)state;
    begin(true);
    hand_send(3 * MSS);
    hand.w.now.mono += 600 * NS_PER_S;
    hand_acknowledge(3 * MSS, NULL);
    hand_turn();
    assert_in_range(sender()->rtt.smoothed, 99000, 101000);
    hand_send(MSS);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_acknowledge(4 * MSS, NULL);
    assert_true(hand.client.t->pcb->rto <= 5);
    hand_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_segments_beyond_it_make_one_lost),
        cmocka_unit_test(one_segment_beyond_it_does_not_yet),
        cmocka_unit_test(holes_of_a_whole_flight_go_at_once_and_each_once),
        cmocka_unit_test(what_is_lost_twice_goes_a_third_time),
        cmocka_unit_test(a_duplicate_undoes_the_reduction),
        cmocka_unit_test(an_answer_that_is_too_fast_undoes_a_timeout),
        cmocka_unit_test(what_was_pardoned_may_be_lost_all_the_same),
        cmocka_unit_test(an_answer_that_is_a_little_too_fast_undoes_nothing),
        cmocka_unit_test(a_fin_alone_is_not_in_the_block_before_it),
        cmocka_unit_test(a_receiver_that_forgets_gets_it_again),
        cmocka_unit_test(without_sack_duplicates_have_to_do),
        cmocka_unit_test(lies_change_nothing),
        cmocka_unit_test(an_acknowledgement_that_was_overtaken_reports_no_duplicate),
        cmocka_unit_test(a_pause_of_any_length_makes_nothing_lost),
        cmocka_unit_test(duplicates_of_each_round_trip_count_once),
        cmocka_unit_test(a_lone_segment_is_probed_for_when_its_answer_is_overdue),
        cmocka_unit_test(duplicates_pardon_what_waits),
        cmocka_unit_test(a_loss_is_found_in_two_round_trips_at_most),
        cmocka_unit_test(a_window_that_is_not_used_is_not_kept),
        cmocka_unit_test(time_that_nobody_saw_is_no_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
