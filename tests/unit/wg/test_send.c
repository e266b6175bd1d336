/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/send.h"
#include "world.h"

#include <string.h>

/* Seal what A has in its outbox and give it to B, message by message. */
static void carry_over(struct world *w)
{
    world_flush(w, A);
    world_run(w, w->delay);
}

static enum wg_tx put(struct world *w, uint32_t id, size_t len, uint8_t tos)
{
    struct node *n = &w->node[A];
    inner_v4(outbox_tail(&n->out) + WG_HEADROOM, 1, 2, id, len, tos);
    return wg_send(n->wg, &n->out, len, world_now(w, A));
}

static void padding_fills_up_to_16_but_never_past_the_mtu(void **state)
{
    (void)state;
    static const struct {
        uint16_t mtu;
        size_t len, padded;
    } table[] = {
        {1420, 28, 32},
        {1420, 32, 32},
        {1420, 33, 48},
        {1420, 1408, 1408},
        {1420, 1409, 1420},
        {1420, 1420, 1420},
        {1299, 1290, 1296},
        {1299, 1297, 1299},
        {1280, 1273, 1280},
        {1280, 1280, 1280},
        /* larger than the MTU: what the last piece would get */
        {1280, 1281, 1296},
        {1280, 1290, 1296},
        {100, 199, 200},
        {100, 200, 200},
        {100, 210, 216},
    };
    struct world *w = world_connected(1);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        wg_set_mtu(w->node[A].wg, table[i].mtu);
        assert_int_equal(put(w, (uint32_t)i, table[i].len, 0), WG_TX_SENT);
        assert_int_equal(w->node[A].out.msgs[0].len, 16 + table[i].padded + 16);
        carry_over(w);
        assert_int_equal(w->node[B].got_id, i);
        assert_int_equal(w->node[B].got_len, table[i].len);
    }
    world_free(w);
}

static void every_size_arrives_whole_and_without_its_padding(void **state)
{
    (void)state;
    struct world *w = world_connected(2);
    uint8_t expected[1500];
    for (size_t len = 28; len <= 1420; len++) {
        assert_int_equal(put(w, (uint32_t)len, len, 0), WG_TX_SENT);
        carry_over(w);
        assert_int_equal(w->node[B].got_len, len);
        inner_v4(expected, 1, 2, (uint32_t)len, len, 0);
        assert_memory_equal(w->node[B].got_packet, expected, len);
    }
    world_free(w);
}

static void padding_is_zeros(void **state)
{
    (void)state;
    struct world *w = world_connected(3);
    struct node *a = &w->node[A];
    memset(a->out.buf, 0xee, 4096);
    assert_int_equal(put(w, 1, 33, 0), WG_TX_SENT);
    static const uint8_t zero[15];
    assert_memory_equal(a->out.buf + WG_HEADROOM + 33, zero, 15); /* not sealed yet */
    world_free(w);
}

static void the_header_is_type_index_and_a_counter_that_rises_by_one(void **state)
{
    (void)state;
    struct world *w = world_connected(4);
    struct node *a = &w->node[A];
    uint64_t first = a->peer->keypairs.current->tx_counter;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(put(w, i, 100, 0), WG_TX_SENT);
    }
    for (unsigned i = 0; i < 100; i++) {
        const uint8_t *m = outbox_data(&a->out, &a->out.msgs[i]);
        assert_int_equal(load_le32(m), 4);
        assert_int_equal(load_le32(m + 4), w->node[B].peer->keypairs.current->entry.index);
        assert_int_equal(load_le64(m + 8), first + i);
    }
    carry_over(w);
    assert_int_equal(w->node[B].got, 101);
    world_free(w);
}

static void sealing_waits_for_wg_seal_and_more_than_a_batch_is_sealed_on_the_way(void **state)
{
    (void)state;
    struct world *w = world_connected(5);
    struct node *a = &w->node[A];
    for (unsigned i = 0; i < WG_BATCH + 5; i++) {
        assert_int_equal(put(w, i, 100, 0), WG_TX_SENT);
    }
    assert_int_equal(a->wg->n_seal, 5);
    assert_int_equal(a->peer->keypairs.current->open_jobs, 5);
    wg_seal(a->wg);
    assert_int_equal(a->wg->n_seal, 0);
    assert_int_equal(a->peer->keypairs.current->open_jobs, 0);
    wg_seal(a->wg); /* harmless */
    carry_over(w);
    assert_int_equal(w->node[B].got, 1 + WG_BATCH + 5);
    world_free(w);
}

static void what_stands_open_is_sealed_before_its_keys_are_wiped(void **state)
{
    (void)state;
    struct world *w = world_connected(6);
    struct node *a = &w->node[A];
    assert_int_equal(put(w, 77, 100, 0), WG_TX_SENT);
    peer_zero_keys(a->peer);
    assert_null(a->peer->keypairs.current);
    carry_over(w);
    assert_int_equal(w->node[B].got_id, 77);
    world_free(w);
}

static void what_stands_open_is_sealed_before_its_slot_is_given_away(void **state)
{
    (void)state;
    /* B's packets wait unsealed under the old session while handshakes push it out of the slots. */
    struct world *w = world_connected(7);
    struct node *b = &w->node[B];
    struct captured box[2];
    world_run(w, 10 * SEC);
    inner_v4(outbox_tail(&b->out) + WG_HEADROOM, 2, 1, 55, 100, 0);
    assert_int_equal(wg_send(b->wg, &b->out, 100, world_now(w, B)), WG_TX_SENT);

    w->filter = world_capture;
    w->ctx = box;
    for (int i = 0; i < 3; i++) {
        w->mono += 6 * SEC;
        send_initiation(w->node[A].peer, &w->node[A].out, SEND_FRESH, world_now(w, A));
        world_flush(w, A);
        struct wg_packet p = {.data = box[A].data, .len = box[A].len, .from = w->node[A].at};
        wg_receive(b->wg, &p, 1, &b->out, world_now(w, B));
        assert_int_equal(p.verdict, WG_RX_HANDSHAKE);
    }
    assert_int_equal(b->wg->n_seal, 0);
    world_free(w);
}

static void what_stands_open_is_sealed_before_a_crossed_handshake_drops_its_session(void **state)
{
    (void)state;
    /* A answered B's initiation, so when its own completes the session in use has no slot left. */
    struct world *w = world_connected(16);
    struct node *a = &w->node[A], *b = &w->node[B];
    struct captured box[2];
    world_run(w, 10 * SEC);
    w->filter = world_capture;
    w->ctx = box;
    send_initiation(a->peer, &a->out, SEND_FRESH, world_now(w, A));
    world_flush(w, A);
    send_initiation(b->peer, &b->out, SEND_FRESH, world_now(w, B));
    world_flush(w, B);
    assert_int_equal(world_inject(w, A, &b->at, box[B].data, box[B].len, 0), WG_RX_HANDSHAKE);
    outbox_clear(&a->out);
    assert_int_equal(world_inject(w, B, &a->at, box[A].data, box[A].len, 0), WG_RX_HANDSHAKE);
    world_flush(w, B);

    assert_int_equal(put(w, 77, 100, 0), WG_TX_SENT);
    assert_int_equal(world_inject(w, A, &b->at, box[B].data, box[B].len, 0), WG_RX_HANDSHAKE);
    w->filter = NULL;
    world_flush(w, A);
    world_run(w, w->delay);
    assert_int_equal(b->got_id, 77);
    world_free(w);
}

static void ecn_goes_out_and_comes_in_and_dscp_stays_inside(void **state)
{
    (void)state;
    struct world *w = world_connected(8);
    assert_int_equal(put(w, 1, 100, 0xb8 | 2), WG_TX_SENT);
    assert_int_equal(w->node[A].out.msgs[0].tos, 2);
    carry_over(w);
    assert_int_equal(w->node[B].got_packet[1], 0xb8 | 2);
    w->tos = 3; /* the path marks congestion */
    assert_int_equal(put(w, 2, 100, 0xb8 | 2), WG_TX_SENT);
    carry_over(w);
    assert_int_equal(w->node[B].got_packet[1], 0xb8 | 3);
    assert_int_equal(put(w, 3, 100, 0xb8), WG_TX_SENT);
    carry_over(w);
    assert_int_equal(w->node[B].verdict, WG_RX_DROP_ECN);
    assert_int_equal(w->node[B].got_id, 2);
    world_free(w);
}

static void a_staged_packet_keeps_its_ecn(void **state)
{
    (void)state;
    struct world *w = world_new(9);
    world_start(w);
    assert_int_equal(put(w, 1, 100, 1), WG_TX_STAGED);
    assert_int_equal(w->node[A].out.msgs[0].tos, 0x88); /* the handshake: AF41 */
    world_flush(w, A);
    world_run(w, SEC);
    assert_int_equal(w->node[A].last_msg.tos, 1);
    world_free(w);
}

static void a_full_outbox_keeps_staged_packets_for_the_next_turn(void **state)
{
    (void)state;
    struct world *w = world_new(10);
    world_start(w);
    struct node *a = &w->node[A];
    for (uint32_t i = 1; i <= 100; i++) {
        assert_int_equal(world_send(w, A, i, 1000), WG_TX_STAGED);
    }
    a->out.max = 30; /* a small one: room for 30 a turn */
    world_run(w, SEC);
    assert_int_equal(w->node[B].got, 100);
    assert_int_equal(w->node[B].got_id, 100); /* in order */
    assert_int_equal(wg_next_deadline(a->wg), a->peer->timers.zero_keys < a->peer->timers.dead_peer
                                                  ? a->peer->timers.zero_keys
                                                  : a->peer->timers.dead_peer);
    world_free(w);
}

static void a_new_packet_does_not_overtake_staged_ones(void **state)
{
    (void)state;
    struct world *w = world_new(11);
    struct captured box[2];
    struct node *a = &w->node[A];
    w->filter = world_capture;
    w->ctx = box;
    world_start(w);
    for (uint32_t i = 1; i <= 40; i++) {
        assert_int_equal(world_send(w, A, i, 1000), WG_TX_STAGED);
    }
    assert_int_equal(world_inject(w, B, &a->at, box[A].data, box[A].len, 0), WG_RX_HANDSHAKE);
    world_flush(w, B);
    a->out.max = 10;
    assert_int_equal(world_inject(w, A, &w->node[B].at, box[B].data, box[B].len, 0),
                     WG_RX_HANDSHAKE);
    assert_int_equal(a->out.n, 10);
    w->filter = NULL;
    world_flush(w, A);

    a->out.max = 512;
    assert_int_equal(put(w, 41, 1000, 0), WG_TX_SENT); /* the other 30, then this one */
    assert_int_equal(a->out.n, 31);
    carry_over(w);
    assert_int_equal(w->node[B].got, 41);
    assert_int_equal(w->node[B].got_id, 41);
    world_free(w);
}

static void an_initiation_that_finds_no_room_leaves_with_the_next_turn(void **state)
{
    (void)state;
    struct world *w = world_connected(15);
    struct node *a = &w->node[A];
    world_run(w, 121 * SEC); /* calm: no timer but the wiping of keys waits */
    assert_int_equal(wg_next_deadline(a->wg), a->peer->timers.zero_keys);
    a->out.max = 1;
    assert_int_equal(put(w, 2, 100, 0),
                     WG_TX_SENT); /* takes the last place; the rekey finds none */
    world_flush(w, A);
    assert_int_equal(a->sent[MSG_INITIATION], 1);
    assert_true(wg_next_deadline(a->wg) <= w->mono);
    world_run(w, 0);
    assert_int_equal(a->sent[MSG_INITIATION], 2);
    world_free(w);
}

static void a_keepalive_is_an_empty_message_of_32_bytes(void **state)
{
    (void)state;
    struct world *w = world_connected(12);
    struct node *a = &w->node[A];
    send_keepalive(a->peer, &a->out, world_now(w, A));
    assert_int_equal(a->out.n, 1);
    assert_int_equal(a->out.msgs[0].len, 32);
    assert_int_equal(a->out.msgs[0].tos, 0);
    world_free(w);
}

static void a_keepalive_that_finds_no_room_leaves_once_with_the_next_turn(void **state)
{
    (void)state;
    struct world *w = world_connected(17);
    struct node *a = &w->node[A];
    a->out.max = 0;
    send_keepalive(a->peer, &a->out, world_now(w, A));
    assert_int_equal(a->out.n, 0);
    a->out.max = 512;
    assert_true(wg_next_deadline(a->wg) <= w->mono);
    world_run(w, SEC);
    assert_int_equal(a->sent_keepalives, 1);
    world_free(w);
}

static void bytes_are_counted_as_whole_messages(void **state)
{
    (void)state;
    struct world *w = world_connected(13);
    struct wg_peer_status s;
    wg_peer_get(w->node[A].peer, &s);
    assert_int_equal(s.tx_bytes, 148 + 16 + 112 + 16);
    assert_int_equal(s.rx_bytes, 92);
    wg_peer_get(w->node[B].peer, &s);
    assert_int_equal(s.tx_bytes, 92);
    assert_int_equal(s.rx_bytes, 148 + 16 + 112 + 16);
    world_free(w);
}

static void initiations_keep_5_s_apart_whatever_the_traffic(void **state)
{
    (void)state;
    struct world *w = world_new(14);
    struct captured box[2];
    w->filter = world_capture;
    w->ctx = box;
    world_start(w);
    uint64_t last = 0;
    unsigned seen = 0;
    for (int i = 0; i < 6000; i++) { /* 60 s, a packet each 10 ms */
        assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
        world_run(w, 10 * MS);
        if (w->node[A].sent[MSG_INITIATION] > seen) {
            assert_true(seen == 0 || w->node[A].last_sent_at - last >= 5 * SEC);
            last = w->node[A].last_sent_at;
            seen = w->node[A].sent[MSG_INITIATION];
        }
    }
    assert_in_range(seen, 11, 12);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(padding_fills_up_to_16_but_never_past_the_mtu),
        unit(every_size_arrives_whole_and_without_its_padding),
        unit(padding_is_zeros),
        unit(the_header_is_type_index_and_a_counter_that_rises_by_one),
        unit(sealing_waits_for_wg_seal_and_more_than_a_batch_is_sealed_on_the_way),
        unit(what_stands_open_is_sealed_before_its_keys_are_wiped),
        unit(what_stands_open_is_sealed_before_its_slot_is_given_away),
        unit(what_stands_open_is_sealed_before_a_crossed_handshake_drops_its_session),
        unit(ecn_goes_out_and_comes_in_and_dscp_stays_inside),
        unit(a_staged_packet_keeps_its_ecn),
        unit(a_full_outbox_keeps_staged_packets_for_the_next_turn),
        unit(a_new_packet_does_not_overtake_staged_ones),
        unit(an_initiation_that_finds_no_room_leaves_with_the_next_turn),
        unit(a_keepalive_is_an_empty_message_of_32_bytes),
        unit(a_keepalive_that_finds_no_room_leaves_once_with_the_next_turn),
        unit(bytes_are_counted_as_whole_messages),
        unit(initiations_keep_5_s_apart_whatever_the_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
