/* SPDX-License-Identifier: MIT */
/* What a host inside the tunnel may do to the connections that it has with us: it may ruin them, but
 * neither the program nor what others have with it. */
#include "unit/stack/hand.h"
#include "unit/stack/sound.h"

#include <lwip/priv/tcp_priv.h>

enum { MSS = HAND_MSS, ACK = 0x10, KIB = 1024, MTU = 1420, MTU_MIN = 576 };

/* As many as the send queue begins with, so that all of it is lwIP's. */
enum { ALL_OF_IT = 256 * KIB };

static void begin(void)
{
    hand_begin(true, 65535, MSS);
    hand_acknowledge(0, NULL);
    hand_turn();
}

static size_t n_segments(const struct tcp_seg *seg)
{
    size_t n = 0;
    for (; seg; seg = seg->next) {
        n++;
    }
    return n;
}

/* What is in flight is acknowledged, again and again, until nothing is left. */
static void acknowledge_all(uint32_t until)
{
    uint32_t done = 0;
    while (done < until) {
        hand_turn();
        const struct tcp_pcb *pcb = hand.client.t->pcb;
        assert_true(pcb->snd_nxt - hand.first > done);
        done = pcb->snd_nxt - hand.first;
        hand_acknowledge(done, NULL);
    }
    assert_int_equal(stack_tcp_unsent(hand.client.t), 0);
}

/* Each message cuts every segment that is queued once more, if it is allowed to: lwIP counts the
 * pieces in 16 bits. */
static void an_mtu_that_falls_step_by_step_does_not_grind_the_queue(void **state)
{
    (void)state;
    static const uint16_t steps[] = {1, 7, 128, 140};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        begin();
        hand_send(ALL_OF_IT);
        for (int mtu = MTU - steps[i]; mtu >= MTU_MIN; mtu -= steps[i]) {
            hand_too_big(0, (uint16_t)mtu);
            hand_turn();
        }
        hand_too_big(0, MTU_MIN);
        const struct tcp_pcb *pcb = hand.client.t->pcb;
        assert_in_range(n_segments(pcb->unacked) + n_segments(pcb->unsent),
                        ALL_OF_IT / (MTU_MIN - 40), ALL_OF_IT / 128);
        assert_int_equal(pcb->mss, MTU_MIN - 40);
        acknowledge_all(ALL_OF_IT);
        hand_end();
    }
}

/* The most segments that the queue holds, each of which would be cut in two. */
static void a_full_queue_is_cut_as_far_as_it_may_be(void **state)
{
    (void)state;
    enum { SMALL = 600, MUCH = 30 * 1024 * KIB };
    hand_begin(true, 65535, SMALL);
    hand.client.to_send = MUCH;
    const struct tcp_pcb *pcb = hand.client.t->pcb;
    while (n_segments(pcb->unacked) + n_segments(pcb->unsent) < 24000) {
        if (pcb->snd_nxt - pcb->lastack < 7900 * KIB) { /* of the window of 8 MiB */
            hand_acknowledge(pcb->snd_nxt - hand.first, NULL);
        }
        hand_turn();
        peer_pump(&hand.client);
        hand_turn();
    }
    hand_too_big(pcb->lastack - hand.first, MTU_MIN);
    hand_turn();
    assert_in_range(pcb->snd_queuelen, 60000, UINT16_MAX);
    acknowledge_all(MUCH);
    hand_end();
}

/* A segment of which a part is acknowledged, and that part is then cut off: what is old may go again,
 * but must not stand in the way of the rest, whatever window is announced meanwhile. */
static void half_a_segment_acknowledged_and_cut_off_holds_nothing_up(void **state)
{
    (void)state;
    static const uint16_t windows[] = {60, 512, 600,
                                       65535}; /* 512: 64 KiB, of which 16 bits are 0 */
    for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
        begin();
        hand_send(20 * MSS);
        hand.window = 60; /* less than the congestion window */
        hand_acknowledge(1300, NULL);
        hand_too_big(MSS, 1280);
        hand_turn();
        hand.window = windows[i];
        hand_acknowledge(1300, NULL);
        wire_pass(&hand.w, NS_PER_S);
        hand.window = 512;
        acknowledge_all(20 * MSS);
        hand_end();
    }
}

/* The end of what is behind a hole lies beyond the window, which may even be closed when the hole is
 * filled. */
static void what_is_behind_a_hole_may_end_beyond_the_window(void **state)
{
    (void)state;
    enum { FIN = 0x01, WINDOW = 64 * KIB, STEP = 10000 };
    for (unsigned i = 0; i < 16; i++) {
        begin();
        uint8_t fin = i & 1 ? FIN : 0;
        hand_data(ACK | fin, 6 * STEP, STEP); /* the first one there, or the last */
        if (i & 2) {
            hand_data(ACK, 3 * STEP, STEP);
            hand_data(ACK | fin, 5 * STEP, 2 * STEP); /* between two, and before one */
        }
        if (i & 4) {
            hand_data(ACK | fin, 6 * STEP, STEP + 1);
        }
        if (i & 8) {
            hand_data(ACK | fin, 2 * STEP, 6 * STEP);
        }
        for (unsigned k = 0; k < 6; k++) {
            hand_data(ACK, k * STEP, STEP);
        }
        assert_true(hand.client.t->pcb->rcv_nxt - hand.theirs <= WINDOW);
        hand_turn();
        assert_in_range(hand.client.received, 6 * STEP, WINDOW);
        hand_end();
    }
}

/* What covers a FIN, and goes on behind it up to the end of the window. */
static void nothing_comes_behind_a_fin(void **state)
{
    (void)state;
    enum { FIN = 0x01, WINDOW = 64 * KIB, STEP = 10000 };
    for (unsigned i = 0; i < 3; i++) {
        begin();
        hand_data(ACK | FIN, 4 * STEP, 100);
        if (i == 0) {
            hand_data(ACK, 3 * STEP, WINDOW - 3 * STEP);
            hand_data(ACK, 0, 3 * STEP);
        } else if (i == 1) {
            hand_data(ACK, 0, WINDOW - 100);
        } else {
            hand_data(ACK, 2 * STEP, STEP);
            hand_data(ACK, 3 * STEP, WINDOW - 3 * STEP);
            hand_data(ACK, STEP, 2 * STEP);
            hand_data(ACK, 0, STEP);
        }
        hand_turn();
        assert_int_equal(hand.client.received, 4 * STEP + 100);
        assert_true(hand.client.eof);
        hand_end();
    }
}

/* RFC 9293 3.8.6.1: a peer that answers is alive, however long its window stays closed, and though it
 * took back what was under way. */
static void a_window_closed_over_what_is_under_way_is_waited_for(void **state)
{
    (void)state;
    begin();
    hand_send(5 * MSS);
    hand.window = 0;
    for (unsigned s = 0; s < 1200; s++) {
        size_t before = hand.n_sent;
        wire_pass(&hand.w, NS_PER_S);
        if (hand.n_sent != before) {
            hand_acknowledge(0, NULL);
        }
    }
    assert_int_equal(stack_tcp_error(hand.client.t), 0);
    assert_in_range(hand.n_sent, 12, 200);
    hand.window = 65535;
    hand_acknowledge(0, NULL);
    wire_pass(&hand.w, 61 * NS_PER_S);
    hand_acknowledge(5 * MSS, NULL);
    hand_turn();
    assert_int_equal(stack_tcp_unsent(hand.client.t), 0);
    hand_end();
}

/* lwIP makes segments of half the largest window that was ever announced, each with its headers in
 * memory of ours. */
static void a_tiny_window_is_not_paid_for_in_segments(void **state)
{
    (void)state;
    static const uint16_t windows[] = {0, 1, 2, 3, 10, 127, 128, 1000};
    for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
        hand_begin(true, windows[i], MSS);
        hand_send(ALL_OF_IT);
        const struct tcp_pcb *pcb = hand.client.t->pcb;
        assert_in_range(n_segments(pcb->unacked) + n_segments(pcb->unsent), 1, 5000);
        uint32_t done = 0; /* such a window is used nevertheless */
        for (unsigned k = 0; k < 20 && windows[i] > 0; k++) {
            wire_pass(&hand.w, 400 * MS);
            done = pcb->snd_nxt - hand.first;
            hand.window = 0;
            hand_acknowledge(done, NULL);
            hand.window = 1; /* 128 bytes now */
            hand_acknowledge(done, NULL);
        }
        assert_true(windows[i] == 0 || done > 100);
        hand.window = 65535;
        hand_acknowledge(done, NULL);
        acknowledge_all(ALL_OF_IT);
        hand_end();
    }
}

/* Fill the window of 8 MiB with so many bytes. */
static void fly(uint32_t n)
{
    const struct tcp_pcb *pcb = hand.client.t->pcb;
    hand.client.to_send = SIZE_MAX;
    while (pcb->snd_nxt - pcb->lastack < n) {
        hand_acknowledge(pcb->snd_nxt - hand.first, NULL);
        hand_turn();
        peer_pump(&hand.client);
        hand_turn();
    }
}

/* Each acknowledgement names four holes elsewhere. To find the segments is a walk over all that is in
 * flight: so often at most, however many come. */
static void holes_all_over_the_flight_are_not_all_looked_for(void **state)
{
    (void)state;
    begin();
    fly(3000 * MSS);
    uint32_t una = hand.client.t->pcb->lastack - hand.first;
    for (uint32_t i = 0; i < 400; i += 4) {
        uint32_t b[10];
        for (uint32_t k = 0; k < 4; k++) {
            b[2 * k] = una + (2 * (i + k) + 1) * MSS;
            b[2 * k + 1] = b[2 * k] + MSS;
        }
        b[8] = b[9] = 0;
        hand_acknowledge(una, b);
    }
    wire_pass(&hand.w, MS);
    assert_in_range(hand.client.t->sender.n_sacked, SACK_SET_MAX, 3 * SACK_SET_MAX);
    assert_int_equal(hand.client.t->sender.fresh.n, 0); /* the look that was put off came */
    hand_end();
}

/* A byte here and a byte there, behind a hole: each packet that is not the last one has lwIP walk over
 * those before it. What honest senders make of the window is kept. */
static void crumbs_behind_a_hole_are_few(void **state)
{
    (void)state;
    enum { MSS_MIN = 256, WINDOW = 64 * KIB };
    begin();
    for (uint32_t i = 0; i < 4000; i++) {
        hand_data(ACK, i % 2 ? 2 * i + 1 : WINDOW / 2 + 2 * i, 1);
    }
    const struct tcp_pcb *pcb = hand.client.t->pcb;
    assert_in_range(n_segments(pcb->ooseq), 100, 64 + WINDOW / 256);
    hand_end();

    begin();
    for (uint32_t at = MSS_MIN; at < WINDOW; at += MSS_MIN) {
        hand_data(ACK, at, MSS_MIN);
    }
    hand_data(ACK, 0, MSS_MIN);
    hand_turn();
    assert_int_equal(hand.client.received, WINDOW);
    hand_end();
}

/* RFC 5961 5.2: whoever does not see our sequence numbers does not get his bytes in. */
static void data_with_an_impossible_acknowledgement_is_dropped(void **state)
{
    (void)state;
    enum { WINDOW = 65535 << 7 }; /* the largest that was announced */
    static const struct {
        uint32_t ack; /* of what was sent, of which 2 MSS are acknowledged */
        bool taken;
    } cases[] = {
        {2 * MSS, true},
        {3 * MSS, true},
        {MSS, true}, /* overtaken */
        {2 * MSS - WINDOW, true},
        {2 * MSS - WINDOW - 1, false},
        {3 * MSS + 1, false},
        {UINT32_C(1) << 31, false},
        {3 * MSS + (UINT32_C(1) << 31), false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        begin();
        hand_send(3 * MSS);
        hand_acknowledge(2 * MSS, NULL);
        hand_turn();
        uint32_t first = hand.first;
        hand.first += cases[i].ack; /* what hand_data acknowledges */
        uint64_t answers = hand.w.a.packets;
        hand_data(ACK, 0, 100);
        hand.first = first;
        wire_pass(&hand.w, 100 * MS);
        assert_int_equal(hand.client.received, cases[i].taken ? 100 : 0);
        assert_true(hand.w.a.packets > answers);
        hand_end();
    }
}

/* ---- whatever comes to mind ---- */

static uint64_t chance;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(seeded_next(&chance) >> 32) % n;
}

static uint16_t any_window(void)
{
    static const uint16_t windows[] = {0, 1, 2, 7, 60, 511, 512, 1024, 65535};
    return windows[below(ARRAY_SIZE(windows))];
}

/* Somewhere in what was sent, at the edge of a segment mostly. */
static uint32_t any_offset(const struct tcp_pcb *pcb)
{
    uint32_t una = pcb->lastack - hand.first, flight = pcb->snd_nxt - pcb->lastack;
    uint32_t at = flight > 0 ? below(flight + 1) : 0;
    return una + (below(3) > 0 ? at / MSS * MSS : at);
}

static void any_answer(const struct tcp_pcb *pcb)
{
    uint32_t b[10] = {0}, n = below(5);
    for (uint32_t i = 0; i < n; i++) {
        b[2 * i] = any_offset(pcb) + below(2) * MSS;
        b[2 * i + 1] = b[2 * i] + (1 + below(8)) * MSS;
    }
    hand.window = any_window();
    hand_acknowledge(below(4) > 0 ? pcb->lastack - hand.first : any_offset(pcb), n > 0 ? b : NULL);
}

static void any_data(void)
{
    static const uint32_t lengths[] = {0, 1, 100, MSS, 20000, 60000};
    uint8_t fin = below(40) == 0;
    hand_data(ACK | fin, below(3) * below(70000), lengths[below(ARRAY_SIZE(lengths))]);
}

static void anything(const struct tcp_pcb *pcb)
{
    switch (below(8)) {
    case 0:
        hand_send(below(30000));
        break;
    case 1:
        hand_too_big(any_offset(pcb), (uint16_t)(MTU_MIN - 10 + below(MTU - MTU_MIN)));
        break;
    case 2:
        any_data();
        break;
    case 3:
        wire_pass(&hand.w, below(2) * below(700) * MS);
        break;
    default:
        any_answer(pcb);
        break;
    }
    if (below(2)) {
        hand_turn();
        sound_check(hand.w.a.stack);
    }
}

/* In the end it is honest, and takes all that comes. */
static void come_to_reason(void)
{
    hand.window = 65535;
    for (unsigned i = 0; i < 2000 && stack_tcp_unsent(hand.client.t) > 0; i++) {
        hand_acknowledge(hand.client.t->pcb->snd_nxt - hand.first, NULL);
        hand_turn();
        if (i % 20 == 19) {
            wire_pass(&hand.w, 61 * NS_PER_S); /* the longest timeout */
        }
    }
    assert_int_equal(stack_tcp_unsent(hand.client.t), 0);
}

static void a_host_that_does_anything_ruins_nothing_else(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        chance = seed;
        hand_begin(below(4) > 0, any_window(), (uint16_t)(64 + below(1400)));
        hand.client.appetite = below(2) ? SIZE_MAX : 0;
        for (unsigned i = 0; i < 150 && !peer_has_failed(&hand.client); i++) {
            anything(hand.client.t->pcb);
        }
        hand.theirs = hand.client.t->pcb ? hand.client.t->pcb->rcv_nxt : 0;
        if (!peer_has_failed(&hand.client)) {
            come_to_reason();
        }
        hand_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mtu_that_falls_step_by_step_does_not_grind_the_queue),
        cmocka_unit_test(a_full_queue_is_cut_as_far_as_it_may_be),
        cmocka_unit_test(half_a_segment_acknowledged_and_cut_off_holds_nothing_up),
        cmocka_unit_test(what_is_behind_a_hole_may_end_beyond_the_window),
        cmocka_unit_test(nothing_comes_behind_a_fin),
        cmocka_unit_test(a_window_closed_over_what_is_under_way_is_waited_for),
        cmocka_unit_test(a_tiny_window_is_not_paid_for_in_segments),
        cmocka_unit_test(holes_all_over_the_flight_are_not_all_looked_for),
        cmocka_unit_test(crumbs_behind_a_hole_are_few),
        cmocka_unit_test(data_with_an_impossible_acknowledgement_is_dropped),
        cmocka_unit_test(a_host_that_does_anything_ruins_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
