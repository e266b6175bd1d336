/* SPDX-License-Identifier: MIT */
/* What comes in, and above all what is refused: nothing that is not authenticated and fresh may
 * change anything or be answered. */
#include "test.h"

#include "wg/receive.h"
#include "wg/send.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static struct snapshot before;

/* One valid message of each type on its way to `to`, and the world that awaits it. */
struct scene {
    struct world *w;
    struct captured box[2];
    int to;
    uint8_t *msg;
    size_t len;
    struct endpoint from;
};

static void capture(struct scene *s, uint64_t seed)
{
    s->w = world_new(seed);
    s->w->filter = world_capture;
    s->w->ctx = s->box;
    world_start(s->w);
}

static void hand_over(struct scene *s, int from)
{
    assert_int_equal(
        world_inject(s->w, !from, &s->w->node[from].at, s->box[from].data, s->box[from].len, 0),
        WG_RX_HANDSHAKE);
    world_flush(s->w, !from);
}

static void scene_init(struct scene *s, int type, uint64_t seed)
{
    if (type == MSG_DATA) {
        s->w = world_connected(seed);
        world_run(s->w, 20 * SEC);
        s->w->filter = world_capture;
        s->w->ctx = s->box;
        assert_int_equal(world_send(s->w, A, 2, 28), WG_TX_SENT); /* pads to 32: 64 bytes in all */
        s->to = B;
    } else {
        capture(s, seed);
        assert_int_equal(world_send(s->w, A, 1, 100), WG_TX_STAGED);
        s->to = B;
    }
    if (type == MSG_RESPONSE) {
        hand_over(s, A);
        s->to = A;
    }
    if (type == MSG_COOKIE) {
        while (!load_add(&s->w->node[B].wg->load, world_now(s->w, B))) {
        }
        (void)!world_inject(s->w, B, &s->w->node[A].at, s->box[A].data, s->box[A].len, 0);
        world_flush(s->w, B);
        s->to = A;
    }
    s->msg = s->box[!s->to].data;
    s->len = s->box[!s->to].len;
    s->from = s->w->node[!s->to].at;
    assert_int_equal(s->msg[0], type);
}

static enum wg_rx give(struct scene *s, const uint8_t *data, size_t len)
{
    return world_inject(s->w, s->to, &s->from, data, len, 0);
}

/* The message as it stands is refused, silently and without a trace. */
static void expect_refused(struct scene *s, const uint8_t *data, size_t len)
{
    world_snapshot(s->w, s->to, &before);
    enum wg_rx verdict = give(s, data, len);
    assert_true(verdict > WG_RX_HANDSHAKE);
    before.wg.load = s->w->node[s->to].wg->load; /* that a message came may be counted */
    assert_true(world_unchanged(s->w, s->to, &before));
}

static bool in_mac2(int type, size_t len, size_t byte)
{
    return (type == MSG_INITIATION || type == MSG_RESPONSE) && byte >= len - MAC_LEN;
}

static const size_t lengths[] = {
    [MSG_INITIATION] = 148, [MSG_RESPONSE] = 92, [MSG_COOKIE] = 64, [MSG_DATA] = 64};

static void each_flipped_bit_of_each_message_is_refused_without_a_trace(void **state)
{
    (void)state;
    unsigned cases = 0;
    for (int type = MSG_INITIATION; type <= MSG_DATA; type++) {
        struct scene s;
        scene_init(&s, type, 1);
        assert_int_equal(s.len, lengths[type]);
        for (size_t bit = 0; bit < s.len * 8; bit++, cases++) {
            s.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (!in_mac2(type, s.len, bit / 8)) { /* which nobody reads who is not under load */
                expect_refused(&s, s.msg, s.len);
            }
            s.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_true(give(&s, s.msg, s.len) <=
                    WG_RX_HANDSHAKE); /* and the whole one is good after all that */
        world_free(s.w);
    }
    assert_int_equal(cases, 8 * (148 + 92 + 64 + 64));
}

static void each_flipped_bit_of_a_keepalive_is_refused_without_a_trace(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, MSG_DATA, 2);
    send_keepalive(s.w->node[A].peer, &s.w->node[A].out, world_now(s.w, A));
    world_flush(s.w, A);
    assert_int_equal(s.box[A].len, 32);
    for (size_t bit = 0; bit < 32 * 8; bit++) {
        s.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
        expect_refused(&s, s.msg, 32);
        s.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(give(&s, s.msg, 32), WG_RX_KEEPALIVE);
    world_free(s.w);
}

static void a_wrong_mac2_is_refused_under_load(void **state)
{
    (void)state;
    for (int type = MSG_INITIATION; type <= MSG_RESPONSE; type++) {
        struct scene s;
        scene_init(&s, type, 3);
        while (!load_add(&s.w->node[s.to].wg->load, world_now(s.w, s.to))) {
        }
        for (size_t bit = (s.len - 16) * 8; bit < s.len * 8; bit++) {
            s.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(give(&s, s.msg, s.len), WG_RX_DROP_LOAD);
            world_flush(s.w, s.to);
            s.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        world_free(s.w);
    }
}

static void each_other_length_of_each_message_is_refused_without_a_trace(void **state)
{
    (void)state;
    for (int type = MSG_INITIATION; type <= MSG_DATA; type++) {
        struct scene s;
        uint8_t longer[256] = {0};
        scene_init(&s, type, 4);
        memcpy(longer, s.msg, s.len);
        for (size_t len = 0; len <= 200; len++) {
            if (len != s.len) {
                expect_refused(&s, longer, len);
            }
        }
        assert_true(give(&s, s.msg, s.len) <= WG_RX_HANDSHAKE);
        world_free(s.w);
    }
}

static void types_that_are_none_are_malformed_at_any_length(void **state)
{
    (void)state;
    struct scene s;
    uint8_t *big = calloc(1, 65507);
    assert_non_null(big);
    scene_init(&s, MSG_DATA, 5);
    for (unsigned type = 0; type < 256; type++) {
        big[0] = (uint8_t)type;
        static const size_t sizes[] = {0, 1, 3, 4, 15, 16, 31, 64, 148, 1400, 1452, 1520, 65507};
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            expect_refused(&s, big, sizes[i]);
        }
    }
    free(big);
    assert_int_equal(give(&s, s.msg, s.len), WG_RX_IP); /* reception goes on */
    world_free(s.w);
}

static void a_reserved_byte_that_is_not_zero_makes_it_malformed(void **state)
{
    (void)state;
    for (int type = MSG_INITIATION; type <= MSG_DATA; type++) {
        struct scene s;
        scene_init(&s, type, 6);
        for (int byte = 1; byte <= 3; byte++) {
            s.msg[byte] = 1;
            assert_int_equal(give(&s, s.msg, s.len), WG_RX_DROP_MALFORMED);
            s.msg[byte] = 0;
        }
        world_free(s.w);
    }
}

static void random_datagrams_change_nothing(void **state)
{
    (void)state;
    struct scene s;
    uint64_t seed = 99;
    struct rng rng = seeded_rng(&seed);
    uint8_t noise[1500];
    scene_init(&s, MSG_DATA, 7);
    uint32_t index = load_le32(s.msg + 4);
    for (int i = 0; i < 20000; i++) {
        size_t len = rng_below(&rng, sizeof noise + 1);
        rng_fill(&rng, noise, len);
        if (len >= 4 && i % 2 == 0) {
            store_le32(noise, 1 + rng_below(&rng, 4));
        }
        if (len >= 8 && i % 4 == 0) {
            store_le32(noise + 4, index);
        }
        expect_refused(&s, noise, len);
    }
    world_free(s.w);
}

/* ---- the order of the checks ---- */

static void a_replayed_packet_does_not_move_the_endpoint(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, MSG_DATA, 8);
    uint8_t copy[64];
    memcpy(copy, s.msg, sizeof copy);
    assert_int_equal(give(&s, copy, s.len), WG_RX_IP);
    s.from = endpoint_of("203.0.113.66:666");
    expect_refused(&s, copy, s.len);
    assert_int_equal(s.w->node[B].verdict, WG_RX_DROP_REPLAY);
    world_free(s.w);
}

static void a_replayed_keepalive_is_a_replay_too(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, MSG_DATA, 9);
    send_keepalive(s.w->node[A].peer, &s.w->node[A].out, world_now(s.w, A));
    world_flush(s.w, A);
    assert_int_equal(give(&s, s.msg, 32), WG_RX_KEEPALIVE);
    s.from = endpoint_of("203.0.113.66:666");
    assert_int_equal(give(&s, s.msg, 32), WG_RX_DROP_REPLAY);
    assert_int_equal(s.w->node[B].peer->endpoint.port, 51820);
    world_free(s.w);
}

/* Write any inner bytes under A's session to B. */
static enum wg_rx give_inner(struct world *w, const uint8_t *inner, size_t len,
                             const struct endpoint *from)
{
    static uint8_t msg[4096];
    struct keypair *kp = w->node[A].peer->keypairs.current;
    store_le32(msg, MSG_DATA);
    store_le32(msg + 4, kp->remote_index);
    store_le64(msg + 8, kp->tx_counter);
    memcpy(msg + 16, inner, len);
    struct suite_job job = {
        .key = kp->tx_key, .counter = kp->tx_counter++, .data = msg + 16, .len = len};
    suite_seal_batch(&job, 1);
    return world_inject(w, B, from, msg, 16 + len + 16, 0);
}

static void a_wrong_inner_source_is_dropped_but_is_a_sign_of_life_and_place(void **state)
{
    (void)state;
    static const struct {
        uint8_t src, dst;
    } wrong[] = {{2, 2}, {3, 2}, {0, 2}, {255, 2}};
    struct world *w = world_connected(10);
    world_run(w, 20 * SEC);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        uint8_t v4[64], v6[64];
        struct endpoint at = endpoint_of("203.0.113.5:5");
        at.port = (uint16_t)(at.port + i);
        inner_v4(v4, wrong[i].src, wrong[i].dst, 0, 64, 0);
        inner_v6(v6, wrong[i].src, wrong[i].dst, 0, 64, 0);
        w->node[B].peer->timers.dead_peer = 5;
        assert_int_equal(give_inner(w, v4, 64, &at), WG_RX_DROP_SOURCE);
        assert_ptr_equal(w->node[B].from, w->node[B].peer);
        assert_true(w->node[B].peer->timers.dead_peer == NEVER);
        assert_true(endpoint_equal(&w->node[B].peer->endpoint, &at));
        assert_int_equal(give_inner(w, v6, 64, &at), WG_RX_DROP_SOURCE);
    }
    world_free(w);
}

static void the_source_decides_and_not_the_destination(void **state)
{
    (void)state;
    struct world *w = world_connected(11);
    uint8_t inner[64];
    inner_v4(inner, 1, 99, 0, 64, 0); /* A's own address, going anywhere */
    assert_int_equal(give_inner(w, inner, 64, &w->node[A].at), WG_RX_IP);
    inner_v6(inner, 1, 99, 0, 64, 0);
    assert_int_equal(give_inner(w, inner, 64, &w->node[A].at), WG_RX_IP);
    inner_v4(inner, 99, 1, 0, 64, 0);
    assert_int_equal(give_inner(w, inner, 64, &w->node[A].at), WG_RX_DROP_SOURCE);
    world_free(w);
}

static void a_source_of_another_peer_is_refused(void **state)
{
    (void)state;
    struct world *w = world_connected(12);
    struct prefix theirs = prefix_of("10.0.0.77/32");
    struct wg_peer_config config = {.allowed_ips = &theirs, .n_allowed_ips = 1};
    config.public_key[0] = 9;
    assert_int_equal(wg_peer_add(w->node[B].wg, &config, &w->node[B].extra), 0);
    uint8_t inner[64];
    inner_v4(inner, 77, 2, 0, 64, 0);
    assert_int_equal(give_inner(w, inner, 64, &w->node[A].at), WG_RX_DROP_SOURCE);
    world_free(w);
}

static void what_is_no_whole_ip_packet_inside_is_dropped(void **state)
{
    (void)state;
    struct world *w = world_connected(13);
    const struct endpoint *at = &w->node[A].at;
    uint8_t inner[64];
    inner_v4(inner, 1, 2, 0, 64, 0);
    for (size_t len = 1; len < 64; len++) {
        assert_int_equal(give_inner(w, inner, len, at), WG_RX_DROP_INNER);
    }
    inner_v6(inner, 1, 2, 0, 64, 0);
    for (size_t len = 1; len < 64; len++) {
        assert_int_equal(give_inner(w, inner, len, at), WG_RX_DROP_INNER);
    }
    for (uint32_t said = 0xffd8; said <= 0xffff; said++) {
        store_be16(inner + 4, (uint16_t)said);
        assert_int_equal(give_inner(w, inner, 64, at), WG_RX_DROP_INNER);
    }
    world_free(w);
}

static void unpadded_packets_of_others_are_taken(void **state)
{
    (void)state;
    struct world *w = world_connected(14);
    uint8_t inner[100];
    for (size_t len = 28; len <= 100; len++) {
        inner_v4(inner, 1, 2, (uint32_t)len, len, 0);
        assert_int_equal(give_inner(w, inner, len, &w->node[A].at), WG_RX_IP);
        assert_int_equal(w->node[B].got_len, len);
    }
    world_free(w);
}

/* ---- batches ---- */

enum { N = 200 };

/* The same datagrams, once as a batch and once one by one, on two worlds that are alike. */
static void a_batch_is_judged_as_one_by_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        uint64_t dice = seed;
        struct rng rng = seeded_rng(&dice);
        struct world *w[2] = {world_connected(seed), world_connected(seed)};
        static uint8_t data[2][N][256];
        static struct wg_packet batch[2][N];
        size_t len[N];
        struct captured box[2];

        /* data of the old session, handshakes, data of the new one, replays and broken ones,
         * shuffled a little */
        for (int i = 0; i < N; i++) {
            for (int k = 0; k < 2; k++) {
                w[k]->filter = world_capture;
                w[k]->ctx = box;
                w[k]->mono += 30 * MS;
            }
            uint32_t what = rng_below(&rng, 20);
            if (what == 0) {
                w[0]->node[A].peer->initiate_from = w[1]->node[A].peer->initiate_from = 0;
                for (int k = 0; k < 2; k++) {
                    send_initiation(w[k]->node[A].peer, &w[k]->node[A].out, SEND_FRESH,
                                    world_now(w[k], A));
                    world_flush(w[k], A);
                    memcpy(data[k][i], box[A].data, box[A].len);
                }
                len[i] = box[A].len;
                continue;
            }
            for (int k = 0; k < 2; k++) {
                (void)!world_send(w[k], A, (uint32_t)i, 60);
                memcpy(data[k][i], box[A].data, box[A].len);
            }
            len[i] = box[A].len;
            if (what == 1 && i > 0) {
                memcpy(data[0][i], data[0][i - 1], 256);
                memcpy(data[1][i], data[1][i - 1], 256);
                len[i] = len[i - 1];
            } else if (what == 2) {
                data[0][i][len[i] - 1] ^= 1;
                data[1][i][len[i] - 1] ^= 1;
            }
        }
        for (int k = 0; k < 2; k++) {
            for (int i = 0; i < N; i++) {
                batch[k][i] =
                    (struct wg_packet){.data = data[k][i], .len = len[i], .from = w[k]->node[A].at};
            }
        }
        struct node *b0 = &w[0]->node[B], *b1 = &w[1]->node[B];
        wg_receive(b0->wg, batch[0], N, &b0->out, world_now(w[0], B));
        for (int i = 0; i < N; i++) {
            wg_receive(b1->wg, &batch[1][i], 1, &b1->out, world_now(w[1], B));
        }
        for (int i = 0; i < N; i++) {
            assert_int_equal(batch[0][i].verdict, batch[1][i].verdict);
            assert_int_equal(batch[0][i].ip_len, batch[1][i].ip_len);
            if (batch[0][i].verdict == WG_RX_IP) {
                assert_memory_equal(batch[0][i].ip, batch[1][i].ip, batch[0][i].ip_len);
            }
        }
        wg_seal(b0->wg);
        wg_seal(b1->wg);
        assert_int_equal(b0->out.n, b1->out.n);
        assert_memory_equal(b0->out.buf, b1->out.buf, b0->out.used);
        world_free(w[0]);
        world_free(w[1]);
    }
}

static void data_before_a_handshake_in_its_batch_is_judged_before_it(void **state)
{
    (void)state;
    /* B holds sessions 2 and, as previous, 1. The batch: data of session 1, then an initiation
     * that ends it. */
    struct world *w = world_connected(16);
    struct node *a = &w->node[A], *b = &w->node[B];
    struct captured box[2], old;
    w->filter = world_capture;
    w->ctx = box;
    assert_int_equal(world_send(w, A, 11, 60), WG_TX_SENT);
    old = box[A];

    w->filter = NULL;
    w->mono += 6 * SEC;
    send_initiation(a->peer, &a->out, SEND_FRESH, world_now(w, A));
    world_flush(w, A);
    world_run(w, SEC);
    assert_non_null(b->peer->keypairs.previous);

    w->filter = world_capture;
    w->mono += 6 * SEC;
    send_initiation(a->peer, &a->out, SEND_FRESH, world_now(w, A));
    world_flush(w, A);
    struct wg_packet batch[] = {
        {.data = old.data, .len = old.len, .from = a->at},
        {.data = box[A].data, .len = box[A].len, .from = a->at},
    };
    wg_receive(b->wg, batch, 2, &b->out, world_now(w, B));
    assert_int_equal(batch[0].verdict, WG_RX_IP);
    assert_int_equal(batch[1].verdict, WG_RX_HANDSHAKE);
    assert_null(b->peer->keypairs.previous);
    world_free(w);
}

static void data_with_the_index_of_an_open_handshake_finds_no_session(void **state)
{
    (void)state;
    struct scene s;
    uint8_t data[64] = {MSG_DATA};
    capture(&s, 18);
    assert_int_equal(world_send(s.w, A, 1, 100), WG_TX_STAGED);
    memcpy(data + 4, s.box[A].data + 4, 4);
    assert_int_equal(world_inject(s.w, A, &s.w->node[B].at, data, sizeof data, 0),
                     WG_RX_DROP_INDEX);
    world_free(s.w);
}

static void data_too_short_for_a_tag_is_malformed(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, MSG_DATA, 19);
    for (size_t len = 0; len < 32; len++) {
        assert_int_equal(give(&s, s.msg, len), WG_RX_DROP_MALFORMED);
    }
    world_free(s.w);
}

static void verdicts_are_counted_and_have_words(void **state)
{
    (void)state;
    struct world *w = world_connected(17);
    uint8_t junk[4] = {0};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(world_inject(w, B, &w->node[A].at, junk, 4, 0), WG_RX_DROP_MALFORMED);
    }
    assert_int_equal(wg_rx_count(w->node[B].wg, WG_RX_DROP_MALFORMED), 5);
    assert_int_equal(wg_rx_count(w->node[B].wg, WG_RX_IP), 1);
    for (enum wg_rx v = 0; v < WG_RX_N; v++) {
        assert_true(strlen(wg_rx_text(v)) > 5);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(each_flipped_bit_of_each_message_is_refused_without_a_trace),
        unit(each_flipped_bit_of_a_keepalive_is_refused_without_a_trace),
        unit(a_wrong_mac2_is_refused_under_load),
        unit(each_other_length_of_each_message_is_refused_without_a_trace),
        unit(types_that_are_none_are_malformed_at_any_length),
        unit(a_reserved_byte_that_is_not_zero_makes_it_malformed),
        unit(random_datagrams_change_nothing),
        unit(a_replayed_packet_does_not_move_the_endpoint),
        unit(a_replayed_keepalive_is_a_replay_too),
        unit(a_wrong_inner_source_is_dropped_but_is_a_sign_of_life_and_place),
        unit(the_source_decides_and_not_the_destination),
        unit(a_source_of_another_peer_is_refused),
        unit(what_is_no_whole_ip_packet_inside_is_dropped),
        unit(unpadded_packets_of_others_are_taken),
        unit(a_batch_is_judged_as_one_by_one),
        unit(data_before_a_handshake_in_its_batch_is_judged_before_it),
        unit(data_with_the_index_of_an_open_handshake_finds_no_session),
        unit(data_too_short_for_a_tag_is_malformed),
        unit(verdicts_are_counted_and_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
