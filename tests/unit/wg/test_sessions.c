/* SPDX-License-Identifier: MIT */
/* The life of sessions between two interfaces in virtual time: each test is a short story. */
#include "test.h"

#include "world.h"

#include <stdlib.h>
#include <string.h>

/* ---- filters: what the wire does ---- */

static bool lose_all(struct world *w, int from, uint8_t *data, size_t len)
{
    (void)w, (void)from, (void)data, (void)len;
    return false;
}

/* ctx: an int[5], how many messages of each type are still to be lost. */
static bool lose_some(struct world *w, int from, uint8_t *data, size_t len)
{
    (void)from, (void)len;
    int *left = w->ctx;
    return left[data[0]]-- <= 0;
}

/* Nothing leaves A but data. */
static bool lose_data_of_a(struct world *w, int from, uint8_t *data, size_t len)
{
    (void)w, (void)len;
    return !(from == A && data[0] == MSG_DATA);
}

static bool lose_from_a(struct world *w, int from, uint8_t *data, size_t len)
{
    (void)w, (void)data, (void)len;
    return from != A;
}

static struct wg_peer_status status_of(const struct world *w, int who)
{
    struct wg_peer_status s;
    wg_peer_get(w->node[who].peer, &s);
    return s;
}

/* ---- beginning ---- */

static void the_first_packet_brings_up_the_tunnel_and_arrives(void **state)
{
    (void)state;
    struct world *w = world_connected(1);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 1);
    assert_int_equal(w->node[B].sent[MSG_RESPONSE], 1);
    assert_int_equal(w->node[A].sent[MSG_DATA], 1);
    assert_int_equal(w->node[A].sent_keepalives, 0);
    assert_int_equal(world_send(w, B, 2, 100), WG_TX_SENT);
    world_run(w, SEC);
    assert_int_equal(w->node[A].got_id, 2);
    assert_true(world_logged(&w->node[A], "info: peer "));
    assert_true(world_logged(&w->node[A], "(198.51.100.2:51820): handshake completed"));
    assert_int_equal(status_of(w, A).handshakes, 1);
    assert_int_equal(status_of(w, B).handshakes, 1);
    assert_true(status_of(w, A).has_session);
    assert_true(status_of(w, A).last_handshake_wall > 0);
    world_free(w);
}

static void without_staged_packets_the_initiator_confirms_with_a_keepalive(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    w->keepalive[A] = 25;
    world_start(w);
    world_run(w, SEC);
    assert_int_equal(w->node[A].sent_keepalives, 1);
    assert_int_equal(w->node[B].verdict, WG_RX_KEEPALIVE);
    assert_int_equal(world_send(w, B, 5, 100), WG_TX_SENT); /* B may send: it is confirmed */
    world_free(w);
}

static void a_lost_message_is_made_good_after_five_seconds(int type, uint64_t seed)
{
    int left[5] = {0};
    left[type] = 1;
    struct world *w = world_new(seed);
    w->filter = lose_some;
    w->ctx = left;
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, 5 * SEC - 1);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 1);
    world_run(w, 334 * MS);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 2);
    world_run(w, 100 * MS);
    assert_int_equal(w->node[B].got, 1);
    assert_true(world_logged(&w->node[A], "debug: peer "));
    assert_true(world_logged(&w->node[A], "no reply after 5 s, try 2 -> resend initiation"));
    world_free(w);
}

static void a_lost_initiation_is_repeated(void **state)
{
    (void)state;
    a_lost_message_is_made_good_after_five_seconds(MSG_INITIATION, 3);
}

static void a_lost_response_is_asked_for_again(void **state)
{
    (void)state;
    a_lost_message_is_made_good_after_five_seconds(MSG_RESPONSE, 4);
}

static void the_responder_sends_nothing_before_the_first_confirmed_packet(void **state)
{
    (void)state;
    struct world *w = world_new(5);
    w->filter = lose_data_of_a;
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, SEC);
    assert_int_equal(w->node[A].sent[MSG_DATA], 1); /* lost */
    assert_false(status_of(w, B).has_session);
    assert_int_equal(world_send(w, B, 2, 100), WG_TX_STAGED);
    assert_int_equal(w->node[B].sent[MSG_DATA], 0);
    world_run(w, 3 * SEC);
    assert_int_equal(w->node[B].sent[MSG_INITIATION],
                     0); /* 5 s between its response and its own try */
    w->filter = NULL;
    assert_int_equal(world_send(w, A, 3, 100), WG_TX_SENT);
    world_run(w, SEC);
    assert_int_equal(w->node[A].got_id, 2); /* what waited leaves with the confirmation */
    assert_int_equal(w->node[B].got_id, 3);
    world_free(w);
}

static void a_responder_that_hears_no_more_begins_itself_after_five_seconds(void **state)
{
    (void)state;
    struct world *w = world_new(6);
    w->filter = lose_data_of_a;
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, SEC);
    assert_int_equal(world_send(w, B, 2, 100), WG_TX_STAGED);
    world_run(w, 5 * SEC); /* no further traffic asks for it */
    assert_int_equal(w->node[B].sent[MSG_INITIATION], 1);
    assert_false(world_logged(&w->node[B], "try 2")); /* put off, but still the first */
    assert_int_equal(w->node[A].got_id, 2);
    world_free(w);
}

static void both_may_begin_at_once_and_data_flows_both_ways_after_one_round_trip(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world *w = world_new(seed);
        world_start(w);
        assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
        assert_int_equal(world_send(w, B, 2, 100), WG_TX_STAGED);
        world_run(w, 2 * w->delay + 2 * w->delay);
        assert_int_equal(w->node[B].got_id, 1);
        assert_int_equal(w->node[A].got_id, 2);
        for (uint32_t i = 0; i < 100; i++) {
            assert_int_equal(world_send(w, A, 10 + i, 100), WG_TX_SENT);
            assert_int_equal(world_send(w, B, 10 + i, 100), WG_TX_SENT);
            world_run(w, 200 * MS);
        }
        assert_int_equal(w->node[A].got, 101);
        assert_int_equal(w->node[B].got, 101);
        assert_int_equal(w->node[A].sent[MSG_INITIATION] + w->node[B].sent[MSG_INITIATION], 2);
        world_free(w);
    }
}

static void packets_that_wait_leave_in_order_and_only_the_last_128(void **state)
{
    (void)state;
    struct world *w = world_new(7);
    world_start(w);
    for (uint32_t i = 1; i <= 200; i++) {
        assert_int_equal(world_send(w, A, i, 1400), WG_TX_STAGED);
    }
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 1);
    assert_int_equal(status_of(w, A).staged, 128);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got, 128);
    assert_int_equal(w->node[B].got_id, 200);
    assert_int_equal(status_of(w, A).staged, 0);
    world_free(w);
}

/* ---- silence ---- */

static void twenty_tries_then_the_queue_is_dropped_and_traffic_begins_anew(void **state)
{
    (void)state;
    struct world *w = world_new(8);
    w->filter = lose_all;
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, 90 * SEC);
    assert_in_range(w->node[A].sent[MSG_INITIATION], 17, 19);
    assert_int_equal(status_of(w, A).staged, 1);
    world_run(w, 30 * SEC);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 20);
    assert_int_equal(status_of(w, A).staged, 0);
    assert_true(world_logged(
        &w->node[A], "no answer to 20 initiations -> give up until there is traffic, drop 1"));
    world_run(w, 3600 * SEC);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 20);
    assert_int_equal(wg_next_deadline(w->node[A].wg), NEVER);

    assert_int_equal(world_send(w, A, 2, 100), WG_TX_STAGED);
    world_run(w, 50 * SEC);
    assert_in_range(w->node[A].sent[MSG_INITIATION], 20 + 9,
                    20 + 10); /* with all the patience of the first time */
    w->filter = NULL;
    world_run(w, 6 * SEC);
    assert_int_equal(w->node[B].got, 1);
    assert_int_equal(w->node[B].got_id, 2);
    world_free(w);
}

static void silence_is_counted_until_it_is_broken(void **state)
{
    (void)state;
    struct world *w = world_new(9);
    w->filter = lose_all;
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, 77 * SEC);
    struct wg_peer_status s = status_of(w, A);
    assert_in_range(s.initiations_pending, 14, 16);
    assert_int_equal(s.first_unanswered, 1000 * SEC);
    w->filter = NULL;
    world_run(w, 10 * SEC);
    s = status_of(w, A);
    assert_int_equal(s.initiations_pending, 0);
    assert_int_equal(s.first_unanswered, 0);
    world_free(w);
}

static void another_psk_gives_no_tunnel_and_what_came_back_is_counted(void **state)
{
    (void)state;
    struct world *w = world_new(10);
    world_start(w);
    w->node[B].peer->remote.psk[0] ^= 1;
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, 17 * SEC);
    assert_int_equal(w->node[B].got, 0);
    assert_int_equal(wg_rx_count(w->node[A].wg, WG_RX_DROP_HANDSHAKE), 4);
    world_free(w);
}

static void data_without_an_echo_for_15_s_begins_a_new_handshake(void **state)
{
    (void)state;
    struct world *w = world_connected(11);
    world_run(w, 20 * SEC);
    unsigned before = w->node[A].sent[MSG_INITIATION];
    w->filter = lose_all;
    assert_int_equal(world_send(w, A, 2, 100), WG_TX_SENT);
    world_run(w, 15 * SEC - 1);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], before);
    world_run(w, 334 * MS);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], before + 1);
    assert_true(
        world_logged(&w->node[A], "nothing heard for 15 s after data was sent -> initiation"));
    world_free(w);
}

static void staged_data_without_an_echo_does_so_too(void **state)
{
    (void)state;
    struct world *w = world_new(33);
    w->filter = lose_data_of_a;
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, 15 * SEC);
    assert_int_equal(w->node[A].sent[MSG_DATA], 1); /* left with the response, and was lost */
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 1);
    world_run(w, 400 * MS);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 2);
    world_free(w);
}

static void a_peer_that_lost_its_keys_is_found_again(void **state)
{
    (void)state;
    struct world *w = world_connected(12);
    world_run(w, 30 * SEC);
    world_restart(w, B);
    w->node[B].got = 0;
    for (uint32_t i = 0; i < 400; i++) { /* traffic goes on, 50 ms apart */
        (void)!world_send(w, A, 100 + i, 100);
        world_run(w, 50 * MS);
    }
    assert_true(w->node[B].got > 80); /* 15.4 s of 20 are lost at most */
    world_free(w);
}

static void a_peer_that_restarts_and_speaks_first_is_believed_at_once(void **state)
{
    (void)state;
    struct world *w = world_connected(13);
    world_run(w, 30 * SEC);
    world_restart(w, B);
    assert_int_equal(world_send(w, B, 7, 100), WG_TX_STAGED);
    world_run(w, SEC);
    assert_int_equal(w->node[A].got_id, 7);
    assert_int_equal(world_send(w, A, 8, 100), WG_TX_SENT);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got_id, 8);
    world_free(w);
}

/* ---- keepalives ---- */

static void data_is_answered_by_one_keepalive_after_10_s_and_that_by_none(void **state)
{
    (void)state;
    struct world *w = world_connected(14);
    unsigned before = w->node[B].sent_keepalives;
    uint64_t arrived = w->node[A].last_sent_at + w->delay;
    world_run(w, 60 * SEC);
    assert_int_equal(w->node[B].sent_keepalives, before + 1);
    assert_int_equal(w->node[B].last_sent_at, arrived + 10 * SEC);
    assert_int_equal(w->node[A].sent_keepalives, 0);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 1); /* the keepalive was life enough */
    world_free(w);
}

static void a_persistent_keepalive_starts_by_itself_and_keeps_its_interval(void **state)
{
    (void)state;
    struct world *w = world_new(15);
    w->keepalive[A] = 25;
    world_start(w);
    world_run(w, SEC);
    assert_true(status_of(w, A).has_session);
    unsigned before = w->node[A].sent[MSG_DATA];
    world_run(w, 100 * SEC);
    assert_int_equal(w->node[A].sent[MSG_DATA], before + 4);
    world_run(w, 3600 * SEC);
    assert_true(status_of(w, A).has_session); /* and so the session is renewed for ever */
    assert_in_range(w->node[A].sent[MSG_INITIATION], 25, 31);
    assert_int_equal(w->node[B].sent[MSG_INITIATION], 0);
    world_free(w);
}

static void a_persistent_keepalive_never_gives_up(void **state)
{
    (void)state;
    struct world *w = world_new(16);
    w->keepalive[A] = 25;
    w->filter = lose_all;
    world_start(w);
    world_run(w, 7200 * SEC);
    w->filter = NULL;
    world_run(w, 30 * SEC);
    assert_true(status_of(w, A).has_session);
    world_free(w);
}

/* ---- age ---- */

static void a_rekey_under_traffic_loses_nothing(void **state)
{
    (void)state;
    struct world *w = world_connected(17);
    uint32_t sent = 1;
    for (uint32_t i = 0; i < 6000; i++) { /* 600 s */
        assert_int_equal(world_send(w, A, ++sent, 1000), WG_TX_SENT);
        assert_int_equal(world_send(w, B, sent, 1000), WG_TX_SENT);
        world_run(w, 100 * MS);
    }
    world_run(w, SEC);
    assert_int_equal(w->node[B].got, sent);
    assert_int_equal(w->node[A].got, sent - 1);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 6); /* at 0, 120, 240, 360, 480, 600 */
    assert_int_equal(w->node[B].sent[MSG_INITIATION], 0);
    world_free(w);
}

static void a_day_of_use_has_an_initiation_each_120_s_and_no_more(void **state)
{
    (void)state;
    struct world *w = world_connected(18);
    for (uint32_t i = 0; i < 86400; i++) {
        assert_int_equal(world_send(w, A, 2 + i, 60), WG_TX_SENT);
        world_run(w, SEC);
    }
    assert_in_range(w->node[A].sent[MSG_INITIATION], 86400 / 122, 86400 / 120 + 1);
    assert_int_equal(w->node[B].got, 86401);
    world_free(w);
}

static void the_initiator_rekeys_at_165_s_when_it_only_receives(void **state)
{
    (void)state;
    struct world *w = world_connected(19);
    uint64_t born = w->node[A].peer->keypairs.current->born;
    w->filter = lose_from_a; /* A's keepalives do not matter here: only what it receives */
    for (uint32_t i = 0; w->node[A].sent[MSG_INITIATION] == 1 && i < 200; i++) {
        w->node[A].peer->timers.keepalive =
            NEVER; /* or sending one at 120 s would ask for the rekey */
        assert_int_equal(world_send(w, B, i, 100), WG_TX_SENT);
        w->node[B].peer->timers.dead_peer = NEVER;
        world_run(w, SEC);
    }
    assert_in_range(w->node[A].last_sent_at, born + 165 * SEC, born + 166 * SEC);
    world_free(w);
}

static void each_session_asks_for_the_late_rekey_once(void **state)
{
    (void)state;
    struct world *w = world_connected(34);
    struct node *a = &w->node[A], *b = &w->node[B];
    unsigned seen = 1;
    uint64_t born[4] = {a->peer->keypairs.current->born};
    for (uint32_t i = 0; i < 500; i++) { /* A only listens */
        a->peer->timers.keepalive = NEVER;
        b->peer->timers.dead_peer = NEVER;
        assert_int_equal(world_send(w, B, i, 100), WG_TX_SENT);
        world_run(w, SEC);
        if (a->sent[MSG_INITIATION] > seen) {
            assert_in_range(w->mono - born[seen - 1], 165 * SEC, 167 * SEC);
            born[seen++] = a->peer->keypairs.current->born;
        }
    }
    assert_int_equal(seen, 4); /* 0, 165, 330, 495 s */

    /* and what comes in while it is unanswered does not reset its tries */
    w->filter = lose_from_a;
    for (uint32_t i = 0; i < 177; i++) {
        a->peer->timers.keepalive = NEVER;
        b->peer->timers.dead_peer = NEVER;
        (void)!world_send(w, B, i, 100);
        world_run(w, SEC);
    }
    assert_true(world_logged(a, "no reply after 5 s, try 3 -> resend initiation"));
    world_free(w);
}

static void a_session_carries_nothing_after_180_s(void **state)
{
    (void)state;
    struct world *w = world_connected(20);
    uint64_t born = w->node[A].peer->keypairs.current->born;
    w->mono = born + 180 * SEC - 1;
    w->filter = lose_all;
    assert_int_equal(world_send(w, A, 2, 100), WG_TX_SENT);
    w->mono = born + 180 * SEC;
    assert_int_equal(world_send(w, A, 3, 100), WG_TX_STAGED);
    assert_false(status_of(w, A).has_session);
    world_free(w);
}

static void a_session_takes_nothing_after_180_s(void **state)
{
    (void)state;
    struct world *w = world_connected(21);
    struct captured box[2];
    w->filter = world_capture;
    w->ctx = box;
    assert_int_equal(world_send(w, A, 2, 100), WG_TX_SENT);
    uint64_t born = w->node[B].peer->keypairs.current->born;
    w->mono = born + 180 * SEC;
    assert_int_equal(world_inject(w, B, &w->node[A].at, box[A].data, box[A].len, 0),
                     WG_RX_DROP_EXPIRED);
    w->mono = born + 180 * SEC - 1;
    assert_int_equal(world_inject(w, B, &w->node[A].at, box[A].data, box[A].len, 0), WG_RX_IP);
    world_free(w);
}

static bool all_zero(const void *p, size_t len)
{
    const uint8_t *bytes = p;
    while (len > 0 && *bytes == 0) {
        bytes++;
        len--;
    }
    return len == 0;
}

static void an_idle_tunnel_wipes_its_keys_at_540_s_and_then_wakes_nobody(void **state)
{
    (void)state;
    struct world *w = world_connected(22);
    uint64_t born = w->node[A].peer->keypairs.current->born;
    world_run(w, 30 * SEC); /* B's keepalive; A's dead-peer timer is calm */
    w->wakeups = 0;
    assert_int_equal(wg_next_deadline(w->node[A].wg), born + 540 * SEC);
    world_run(w, born + 540 * SEC - 1 - w->mono);
    struct keypair *kp = w->node[A].peer->keypairs.current;
    assert_false(all_zero(kp->tx_key, 32));
    world_run(w, SEC);
    assert_null(w->node[A].peer->keypairs.current);
    assert_true(all_zero(kp->tx_key, 32));
    assert_true(all_zero(kp->rx_key, 32));
    assert_int_equal(w->wakeups, 2); /* one each */
    world_run(w, 24 * 3600 * SEC);
    assert_int_equal(w->wakeups, 2);
    assert_int_equal(wg_next_deadline(w->node[A].wg), NEVER);
    assert_int_equal(wg_next_deadline(w->node[B].wg), NEVER);

    w->node[B].got = 0;
    assert_int_equal(world_send(w, A, 9, 100), WG_TX_STAGED); /* and a day later it still works */
    world_run(w, SEC);
    assert_int_equal(w->node[B].got_id, 9);
    world_free(w);
}

/* ---- clocks ---- */

static void a_wall_clock_that_jumps_ten_years_either_way_is_survived(void **state)
{
    (void)state;
    static const int64_t years[] = {10, -20, 30, -10, -10};
    struct world *w = world_connected(23);
    for (size_t i = 0; i < ARRAY_SIZE(years); i++) {
        w->node[A].wall_offset += (uint64_t)(years[i] * 365 * 86400) * SEC;
        for (uint32_t k = 0; k < 50; k++) {
            assert_int_equal(world_send(w, A, 2 + k, 100), WG_TX_SENT);
            world_run(w, 5 * SEC);
        }
    }
    assert_int_equal(w->node[B].got, 1 + 5 * 50);
    assert_true(world_logged(&w->node[A], "the clock was set back by"));
    world_free(w);
}

static void a_sleep_of_two_hours_ends_the_session_and_the_next_packet_begins_one(void **state)
{
    (void)state;
    struct world *w = world_connected(24);
    world_tick_at(w, w->mono + 7200 * SEC);
    assert_null(w->node[A].peer->keypairs.current);
    assert_int_equal(world_send(w, A, 2, 100), WG_TX_STAGED);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got_id, 2);
    world_free(w);
}

/* ---- counters, set by hand since nobody lives to see them ---- */

static void more_than_2_to_the_60_messages_ask_for_a_new_session(void **state)
{
    (void)state;
    struct world *w = world_connected(25);
    world_run(w, 10 * SEC);
    w->node[A].peer->keypairs.current->tx_counter = REKEY_AFTER_MESSAGES - 1;
    assert_int_equal(world_send(w, A, 2, 100), WG_TX_SENT);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 1);
    assert_int_equal(world_send(w, A, 3, 100), WG_TX_SENT);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 2);
    world_run(w, SEC);
    assert_int_equal(w->node[A].peer->keypairs.current->tx_counter, 1); /* the confirmation */
    world_free(w);
}

static void a_nonce_at_the_limit_is_never_used(void **state)
{
    (void)state;
    struct world *w = world_connected(26);
    world_run(w, 10 * SEC);
    w->filter = lose_all;
    struct keypair *kp = w->node[A].peer->keypairs.current;
    kp->tx_counter = REJECT_AFTER_MESSAGES - 1;
    assert_int_equal(world_send(w, A, 2, 100), WG_TX_SENT);
    assert_int_equal(world_send(w, A, 3, 100), WG_TX_STAGED);
    assert_int_equal(world_send(w, A, 4, 100), WG_TX_STAGED);
    assert_true(kp->tx_counter == REJECT_AFTER_MESSAGES);
    world_free(w);
}

static void the_peers_last_counter_is_taken_and_none_after_it(void **state)
{
    (void)state;
    struct world *w = world_connected(27);
    w->node[A].peer->keypairs.current->tx_counter = REJECT_AFTER_MESSAGES - 2;
    assert_int_equal(world_send(w, A, 2, 100), WG_TX_SENT);
    assert_int_equal(world_send(w, A, 3, 100), WG_TX_SENT);
    world_run(w, 100 * MS);
    assert_int_equal(w->node[B].got, 3);
    world_free(w);
}

/* ---- where the peer is ---- */

static void a_peer_without_an_endpoint_waits_to_be_spoken_to(void **state)
{
    (void)state;
    struct world *w = world_new(28);
    w->endpointless[B] = true;
    w->keepalive[B] = 25;
    world_start(w);
    assert_int_equal(world_send(w, B, 1, 100), WG_TX_NO_ENDPOINT);
    world_run(w, 100 * SEC);
    assert_int_equal(w->node[B].sent[MSG_INITIATION], 0);
    assert_int_equal(world_send(w, A, 2, 100), WG_TX_STAGED);
    world_run(w, SEC);
    assert_int_equal(w->node[A].got_id, 1); /* what was staged found its way */
    assert_int_equal(w->node[B].got_id, 2);
    world_free(w);
}

static void an_endpoint_given_later_is_used_at_once(void **state)
{
    (void)state;
    struct world *w = world_new(29);
    w->endpointless[A] = true;
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_NO_ENDPOINT);
    assert_int_equal(wg_next_deadline(w->node[A].wg), NEVER); /* nothing to wake up for */
    wg_peer_set_endpoint(w->node[A].peer, &w->node[B].at);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got_id, 1);
    world_free(w);
}

static void the_endpoint_follows_the_peer_with_its_next_packet(void **state)
{
    (void)state;
    struct world *w = world_connected(30);
    for (uint32_t i = 0; i < 100; i++) {
        w->node[A].at = endpoint_of(i % 2 == 0 ? "203.0.113.9:1234" : "[2001:db8::9]:4321");
        w->node[A].at.port = (uint16_t)(w->node[A].at.port + i);
        assert_int_equal(world_send(w, A, 1000 + i, 100), WG_TX_SENT);
        world_run(w, 50 * MS);
        assert_int_equal(world_send(w, B, i, 100), WG_TX_SENT);
        world_run(w, 50 * MS);
        assert_int_equal(w->node[A].got_id, i); /* the answer found the new address */
    }
    assert_true(world_logged(&w->node[B], "is now at [2001:db8::9]:4"));
    world_free(w);
}

/* ---- load ---- */

static void under_load_a_cookie_is_asked_for_and_the_retry_with_it_succeeds(void **state)
{
    (void)state;
    struct world *w = world_new(31);
    world_start(w);
    struct now now = world_now(w, B);
    while (!load_add(&w->node[B].wg->load, now)) {
        /* strangers knock */
    }
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, 100 * MS);
    assert_int_equal(w->node[B].sent[MSG_COOKIE], 1);
    assert_int_equal(w->node[B].sent[MSG_RESPONSE], 0);
    assert_true(world_logged(&w->node[A], "gave a cookie -> next initiation carries it"));
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 1); /* not at once: the 5 s hold */
    world_run(w, 4800 * MS);
    now = world_now(w, B);
    while (!load_add(&w->node[B].wg->load, now)) {
        /* still */
    }
    world_run(w, 600 * MS);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 2);
    assert_int_equal(w->node[B].sent[MSG_COOKIE], 1);
    assert_int_equal(w->node[B].got_id, 1);
    world_free(w);
}

static void a_responder_is_asked_for_a_cookie_too(void **state)
{
    (void)state;
    struct world *w = world_new(32);
    world_start(w);
    struct now now = world_now(w, A);
    while (!load_add(&w->node[A].wg->load, now)) {
    }
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, 100 * MS);
    assert_int_equal(w->node[A].sent[MSG_COOKIE], 1); /* in answer to B's response */
    assert_int_equal(w->node[B].verdict, WG_RX_HANDSHAKE);
    assert_true(w->node[B].peer->cookie.cookie_until > 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(the_first_packet_brings_up_the_tunnel_and_arrives),
        unit(without_staged_packets_the_initiator_confirms_with_a_keepalive),
        unit(a_lost_initiation_is_repeated),
        unit(a_lost_response_is_asked_for_again),
        unit(the_responder_sends_nothing_before_the_first_confirmed_packet),
        unit(a_responder_that_hears_no_more_begins_itself_after_five_seconds),
        unit(both_may_begin_at_once_and_data_flows_both_ways_after_one_round_trip),
        unit(packets_that_wait_leave_in_order_and_only_the_last_128),
        unit(twenty_tries_then_the_queue_is_dropped_and_traffic_begins_anew),
        unit(silence_is_counted_until_it_is_broken),
        unit(another_psk_gives_no_tunnel_and_what_came_back_is_counted),
        unit(data_without_an_echo_for_15_s_begins_a_new_handshake),
        unit(staged_data_without_an_echo_does_so_too),
        unit(a_peer_that_lost_its_keys_is_found_again),
        unit(a_peer_that_restarts_and_speaks_first_is_believed_at_once),
        unit(data_is_answered_by_one_keepalive_after_10_s_and_that_by_none),
        unit(a_persistent_keepalive_starts_by_itself_and_keeps_its_interval),
        unit(a_persistent_keepalive_never_gives_up),
        unit(a_rekey_under_traffic_loses_nothing),
        unit(a_day_of_use_has_an_initiation_each_120_s_and_no_more),
        unit(the_initiator_rekeys_at_165_s_when_it_only_receives),
        unit(each_session_asks_for_the_late_rekey_once),
        unit(a_session_carries_nothing_after_180_s),
        unit(a_session_takes_nothing_after_180_s),
        unit(an_idle_tunnel_wipes_its_keys_at_540_s_and_then_wakes_nobody),
        unit(a_wall_clock_that_jumps_ten_years_either_way_is_survived),
        unit(a_sleep_of_two_hours_ends_the_session_and_the_next_packet_begins_one),
        unit(more_than_2_to_the_60_messages_ask_for_a_new_session),
        unit(a_nonce_at_the_limit_is_never_used),
        unit(the_peers_last_counter_is_taken_and_none_after_it),
        unit(a_peer_without_an_endpoint_waits_to_be_spoken_to),
        unit(an_endpoint_given_later_is_used_at_once),
        unit(the_endpoint_follows_the_peer_with_its_next_packet),
        unit(under_load_a_cookie_is_asked_for_and_the_retry_with_it_succeeds),
        unit(a_responder_is_asked_for_a_cookie_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
