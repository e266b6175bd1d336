/* SPDX-License-Identifier: MIT */
/* Faults that other implementations had, one named test each. Those that a test elsewhere covers
 * are listed in docs/protocol.md. */
#include "test.h"

#include "wg/send.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static void initiate(struct world *w, int who)
{
    struct node *n = &w->node[who];
    w->mono += 6 * SEC;
    send_initiation(n->peer, &n->out, SEND_FRESH, world_now(w, who));
    world_flush(w, who);
}

static enum wg_rx carry(struct world *w, int from, const struct captured *m)
{
    enum wg_rx verdict = world_inject(w, !from, &w->node[from].at, m->data, m->len, 0);
    world_flush(w, !from);
    return verdict;
}

/* Linux, CVE-2026-99059: the same response, processed again around a new initiation, made the old
 * session anew with its counters at 0, so that nonces were used twice. */
static void a_response_again_around_a_new_initiation_makes_no_session_anew(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    struct captured box[2];
    w->filter = world_capture;
    w->ctx = box;
    world_start(w);
    initiate(w, A);
    (void)carry(w, A, &box[A]);
    struct captured response = box[B];
    assert_int_equal(carry(w, B, &response), WG_RX_HANDSHAKE);
    struct keypair *session = w->node[A].peer->keypairs.current;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(world_send(w, A, 1, 60), WG_TX_SENT);
    }
    assert_int_equal(carry(w, B, &response), WG_RX_DROP_STALE);
    initiate(w, A);
    assert_int_equal(carry(w, B, &response), WG_RX_DROP_STALE);

    /* even with the index of the new initiation written into it */
    memcpy(response.data + 8, box[A].data + 4, 4);
    assert_true(carry(w, B, &response) == WG_RX_DROP_MAC1);
    assert_ptr_equal(w->node[A].peer->keypairs.current, session);
    assert_int_equal(session->tx_counter, 11);
    world_free(w);
}

/* CVE-2021-46873: one initiation sent while the clock was ahead made a key useless at the server
 * for good. Within a run it does not; and the log names the clock. */
static void a_clock_that_was_ahead_once_does_not_lock_us_out(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    w->node[A].wall_offset += UINT64_C(10) * 365 * 86400 * SEC;
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 60), WG_TX_STAGED);
    world_run(w, SEC);
    w->node[A].wall_offset -= UINT64_C(10) * 365 * 86400 * SEC;
    world_run(w, 1000 * SEC);
    assert_int_equal(world_send(w, A, 2, 60), WG_TX_STAGED);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got_id, 2);
    assert_true(world_logged(&w->node[A], "the clock was set back by 315358"));
    world_free(w);
}

/* gotatun: a panic when the clock went back. Ours may show any time. */
static void a_clock_at_1970_is_survived(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    w->node[A].wall_offset = (uint64_t)0 - w->mono; /* 1970 sharp */
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 60), WG_TX_STAGED);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got_id, 1);
    world_free(w);
}

/* Linux, CVE-2024-42247 and others: unaligned access. The sanitizer watches. */
static void datagrams_and_outboxes_at_odd_addresses_work(void **state)
{
    (void)state;
    struct world *w = world_new(4);
    struct captured box[2];
    w->filter = world_capture;
    w->ctx = box;
    world_start(w);
    w->node[A].out.used = 3; /* messages begin where the last one ended */
    initiate(w, A);
    for (size_t shift = 0; shift < 8; shift++) {
        uint8_t buffer[1600];
        int from = shift % 2 == 0 ? A : B;
        memcpy(buffer + shift, box[from].data, box[from].len);
        struct node *to = &w->node[!from];
        struct wg_packet p = {
            .data = buffer + shift, .len = box[from].len, .from = w->node[from].at};
        wg_receive(to->wg, &p, 1, &to->out, world_now(w, !from));
        assert_true(p.verdict <= WG_RX_HANDSHAKE);
        world_flush(w, !from);
        to->out.used = shift;
        (void)!world_send(w, !from, 1, 61);
    }
    world_free(w);
}

/* gotatun 0.7.2: an oversized datagram ended all reception. */
static void an_oversized_datagram_in_a_batch_stops_nothing(void **state)
{
    (void)state;
    struct world *w = world_connected(5);
    struct captured box[2];
    struct node *b = &w->node[B];
    w->filter = world_capture;
    w->ctx = box;
    uint8_t *big = calloc(1, 65507);
    assert_non_null(big);
    for (uint8_t type = 0; type <= 5; type++) {
        assert_int_equal(world_send(w, A, type, 60), WG_TX_SENT);
        memset(big, 0, 65507);
        big[0] = type;
        store_le32(big + 4, w->node[A].peer->keypairs.current->remote_index);
        struct wg_packet batch[] = {
            {.data = big, .len = 65507, .from = w->node[A].at},
            {.data = box[A].data, .len = box[A].len, .from = w->node[A].at},
        };
        wg_receive(b->wg, batch, 2, &b->out, world_now(w, B));
        assert_true(batch[0].verdict > WG_RX_HANDSHAKE);
        assert_int_equal(batch[1].verdict, WG_RX_IP);
    }
    free(big);
    world_free(w);
}

/* wireguard-lwip: the replay check refused the first packet of every session. */
static void the_first_packet_of_every_session_arrives(void **state)
{
    (void)state;
    struct world *w = world_connected(6);
    for (uint32_t i = 0; i < 10; i++) {
        world_run(w, 700 * SEC);
        assert_int_equal(world_send(w, A, 100 + i, 60), WG_TX_STAGED);
        world_run(w, SEC);
        assert_int_equal(w->node[B].got_id, 100 + i);
        assert_int_equal(w->node[B].peer->keypairs.current->replay.highest, 0);
    }
    world_free(w);
}

/* wireguard-lwip: the limit for received counters was held against the counter of what was sent. */
static void the_receive_limit_looks_at_received_counters(void **state)
{
    (void)state;
    struct world *w = world_connected(7);
    world_run(w, 10 * SEC);
    w->node[B].peer->keypairs.current->tx_counter = REJECT_AFTER_MESSAGES;
    assert_int_equal(world_send(w, A, 5, 60), WG_TX_SENT);
    world_run(w, 50 * MS);
    assert_int_equal(w->node[B].got_id, 5);
    w->node[B].peer->keypairs.current->replay.highest = REJECT_AFTER_MESSAGES;
    assert_int_equal(world_send(w, A, 6, 60), WG_TX_SENT);
    world_run(w, 50 * MS);
    assert_int_equal(w->node[B].verdict, WG_RX_DROP_EXPIRED);
    world_free(w);
}

/* gotatun: predictable indices. */
static void indices_of_sessions_share_no_pattern(void **state)
{
    (void)state;
    struct world *w = world_new(8);
    struct captured box[2];
    uint32_t seen[64], both = UINT32_MAX, any = 0;
    w->filter = world_capture;
    w->ctx = box;
    world_start(w);
    for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
        initiate(w, A);
        seen[i] = load_le32(box[A].data + 4);
        both &= seen[i];
        any |= seen[i];
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(seen[k], seen[i]);
        }
    }
    assert_int_equal(both, 0); /* every bit was 0 at times and 1 at times */
    assert_int_equal(any, UINT32_MAX);
    world_free(w);
}

/* gotatun: one limiter for all sources, so that one of them could shut out the others. */
static void a_source_over_its_rate_does_not_shut_out_another(void **state)
{
    (void)state;
    struct world *w = world_new(9);
    world_start(w);
    struct ratelimiter *limiter = &w->node[B].wg->limiter;
    struct addr loud = addr_of("203.0.113.1"), quiet = addr_of("203.0.113.2");
    for (int i = 0; i < 1000; i++) {
        (void)!ratelimiter_allow(limiter, &loud, world_now(w, B));
    }
    assert_false(ratelimiter_allow(limiter, &loud, world_now(w, B)));
    assert_true(ratelimiter_allow(limiter, &quiet, world_now(w, B)));
    world_free(w);
}

/* The first FreeBSD port: buffers overrun by large packets. */
static void every_mtu_from_1280_to_9000_carries_its_largest_packet(void **state)
{
    (void)state;
    struct world *w = world_connected(10);
    struct node *a = &w->node[A];
    for (uint16_t mtu = 1280; mtu <= 9000; mtu = (uint16_t)(mtu + 97)) {
        wg_set_mtu(a->wg, mtu);
        /* an outbox of exactly the room that wg.h asks for, so that a sanitizer sees a byte too
         * far */
        size_t size = (WG_OUT_ROOM(mtu) + 15) & ~(size_t)15;
        struct outbox tight;
        assert_int_equal(outbox_init(&tight, size, 8), 0);
        tight.used = size - WG_OUT_ROOM(mtu);
        inner_v4(outbox_tail(&tight) + WG_HEADROOM, 1, 2, mtu, mtu, 0);
        assert_int_equal(wg_send(a->wg, &tight, mtu, world_now(w, A)), WG_TX_SENT);
        wg_seal(a->wg);
        const struct outbox_msg *m = &tight.msgs[0];
        assert_int_equal(world_inject(w, B, &a->at, outbox_data(&tight, m), m->len, 0), WG_RX_IP);
        assert_int_equal(w->node[B].got_len, mtu);
        outbox_fini(&tight);
    }
    world_free(w);
}

/* boringtun and gotatun had 32-bit counters where the machine is 32 bits wide. */
static void a_counter_beyond_32_bits_is_carried_whole(void **state)
{
    (void)state;
    struct world *w = world_connected(11);
    w->node[A].peer->keypairs.current->tx_counter = UINT64_C(0x100000000) - 2;
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(world_send(w, A, 10 + i, 60), WG_TX_SENT);
    }
    world_run(w, SEC);
    assert_int_equal(w->node[B].got, 5);
    assert_true(w->node[B].peer->keypairs.current->replay.highest == UINT64_C(0x100000001));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(a_response_again_around_a_new_initiation_makes_no_session_anew),
        unit(a_clock_that_was_ahead_once_does_not_lock_us_out),
        unit(a_clock_at_1970_is_survived),
        unit(datagrams_and_outboxes_at_odd_addresses_work),
        unit(an_oversized_datagram_in_a_batch_stops_nothing),
        unit(the_first_packet_of_every_session_arrives),
        unit(the_receive_limit_looks_at_received_counters),
        unit(indices_of_sessions_share_no_pattern),
        unit(a_source_over_its_rate_does_not_shut_out_another),
        unit(every_mtu_from_1280_to_9000_carries_its_largest_packet),
        unit(a_counter_beyond_32_bits_is_carried_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
