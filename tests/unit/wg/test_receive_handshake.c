/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/receive.h"
#include "wg/send.h"
#include "world.h"

#include <string.h>

static struct snapshot before;

/* A world whose wire keeps everything; messages are carried by hand. */
struct scene {
    struct world *w;
    struct captured box[2];
    struct node *a, *b;
};

static void scene_init(struct scene *s, uint64_t seed)
{
    s->w = world_new(seed);
    s->w->filter = world_capture;
    s->w->ctx = s->box;
    world_start(s->w);
    s->a = &s->w->node[A];
    s->b = &s->w->node[B];
}

static void initiate(struct scene *s, int who)
{
    struct node *n = &s->w->node[who];
    s->w->mono += 6 * SEC;
    send_initiation(n->peer, &n->out, SEND_FRESH, world_now(s->w, who));
    world_flush(s->w, who);
    assert_int_equal(s->box[who].data[0], MSG_INITIATION);
}

static enum wg_rx carry_from(struct scene *s, int from, const struct endpoint *at)
{
    enum wg_rx verdict = world_inject(s->w, !from, at, s->box[from].data, s->box[from].len, 0);
    world_flush(s->w, !from);
    return verdict;
}

static enum wg_rx carry(struct scene *s, int from)
{
    return carry_from(s, from, &s->w->node[from].at);
}

static void load(struct scene *s, int who)
{
    while (!load_add(&s->w->node[who].wg->load, world_now(s->w, who))) {
        /* strangers knock */
    }
}

static void an_initiation_is_answered_to_where_it_came_from(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 1);
    struct endpoint elsewhere = endpoint_of("203.0.113.3:333");
    initiate(&s, A);
    assert_int_equal(carry_from(&s, A, &elsewhere), WG_RX_HANDSHAKE);
    assert_int_equal(s.b->sent[MSG_RESPONSE], 1);
    assert_true(endpoint_equal(&s.b->last_msg.to, &elsewhere));
    assert_int_equal(s.b->last_msg.tos, 0x88);
    assert_ptr_equal(s.b->from, s.b->peer);
    world_free(s.w);
}

static void a_replayed_initiation_is_not_answered_and_moves_nothing(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 2);
    initiate(&s, A);
    assert_int_equal(carry(&s, A), WG_RX_HANDSHAKE);
    s.w->mono += SEC;
    struct endpoint elsewhere = endpoint_of("203.0.113.3:333");
    world_snapshot(s.w, B, &before);
    before.wg.load = (struct load){0};
    assert_int_equal(carry_from(&s, A, &elsewhere), WG_RX_DROP_STALE);
    s.b->wg->load = (struct load){0};
    assert_true(world_unchanged(s.w, B, &before));
    assert_int_equal(s.b->sent[MSG_RESPONSE], 1);
    world_free(s.w);
}

static void an_older_initiation_is_refused_after_a_newer_one(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 3);
    initiate(&s, A);
    struct captured old = s.box[A];
    initiate(&s, A);
    assert_int_equal(carry(&s, A), WG_RX_HANDSHAKE);
    s.w->mono += SEC;
    s.box[A] = old;
    assert_int_equal(carry(&s, A), WG_RX_DROP_STALE);
    world_free(s.w);
}

static void an_initiation_with_a_key_that_is_no_peer_gets_no_answer(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 4);
    s.b->peer->remote.public_key[0] ^= 1; /* B knows somebody else */
    initiate(&s, A);
    assert_int_equal(carry(&s, A), WG_RX_DROP_UNKNOWN_PEER);
    assert_int_equal(s.b->sent[MSG_RESPONSE], 0);
    world_free(s.w);
}

static void a_message_for_another_key_dies_at_mac1(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 5);
    initiate(&s, A);
    s.b->wg->checker.mac1_key[0] ^= 1;
    assert_int_equal(carry(&s, A), WG_RX_DROP_MAC1);
    assert_int_equal(s.b->wg->load.busy_until, 0); /* and does not count as load */
    world_free(s.w);
}

static void a_response_moves_the_endpoint_and_is_answered_at_once(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 6);
    struct endpoint elsewhere = endpoint_of("203.0.113.3:333");
    initiate(&s, A);
    assert_int_equal(carry(&s, A), WG_RX_HANDSHAKE);
    assert_int_equal(carry_from(&s, B, &elsewhere), WG_RX_HANDSHAKE);
    assert_true(endpoint_equal(&s.a->peer->endpoint, &elsewhere));
    assert_int_equal(s.a->sent_keepalives, 1);
    assert_true(endpoint_equal(&s.a->last_msg.to, &elsewhere));
    world_free(s.w);
}

static void a_doubled_response_is_refused(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 7);
    initiate(&s, A);
    (void)carry(&s, A);
    struct captured response = s.box[B];
    assert_int_equal(carry(&s, B), WG_RX_HANDSHAKE);
    uint64_t counter = s.a->peer->keypairs.current->tx_counter;
    s.box[B] = response;
    assert_int_equal(carry(&s, B), WG_RX_DROP_STALE);
    assert_true(s.a->peer->keypairs.current->tx_counter == counter);
    world_free(s.w);
}

static void a_response_to_an_initiation_that_was_given_up_is_refused(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 8);
    initiate(&s, A);
    (void)carry(&s, A);
    struct captured late = s.box[B];
    initiate(&s, A);
    s.box[B] = late;
    assert_int_equal(carry(&s, B), WG_RX_DROP_STALE);
    assert_null(s.a->peer->keypairs.current);
    (void)carry(&s, A);
    assert_int_equal(carry(&s, B), WG_RX_HANDSHAKE);
    s.box[B] = late;
    assert_int_equal(carry(&s, B), WG_RX_DROP_STALE);
    world_free(s.w);
}

static void a_session_that_the_peer_confirmed_closes_our_own_crossed_initiation(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 14);
    initiate(&s, A);
    struct captured ours = s.box[A];
    initiate(&s, B);
    assert_int_equal(carry(&s, B), WG_RX_HANDSHAKE); /* A answers */
    assert_true(s.a->peer->handshake.entry.listed);  /* and still awaits its own answer */
    assert_int_equal(carry(&s, A), WG_RX_HANDSHAKE); /* B has the session and confirms it */
    assert_int_equal(carry(&s, B), WG_RX_KEEPALIVE);
    assert_false(s.a->peer->handshake.entry.listed);
    struct keypair *settled = s.a->peer->keypairs.current;

    s.box[A] = ours; /* long after: B answers the old initiation */
    assert_int_equal(carry(&s, A), WG_RX_HANDSHAKE);
    assert_int_equal(carry(&s, B), WG_RX_DROP_STALE);
    assert_ptr_equal(s.a->peer->keypairs.current, settled);
    world_free(s.w);
}

/* Every order of two crossed handshakes and their doubles: never an old session again, always data
 * in the end. */
static void crossed_and_doubled_messages_settle_in_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct world *w = world_new(seed);
        struct captured box[2], queue[2][16];
        unsigned n[2] = {0};
        uint64_t dice = seed;
        struct rng rng = seeded_rng(&dice);
        w->filter = world_capture;
        w->ctx = box;
        world_start(w);
        assert_int_equal(world_send(w, A, 1, 60), WG_TX_STAGED);
        queue[A][n[A]++] = box[A];
        assert_int_equal(world_send(w, B, 2, 60), WG_TX_STAGED);
        queue[B][n[B]++] = box[B];
        for (int step = 0; step < 40 && n[A] + n[B] > 0; step++) {
            int from = n[A] == 0 ? B : n[B] == 0 ? A : (int)rng_below(&rng, 2);
            unsigned pick = rng_below(&rng, n[from]);
            struct captured m = queue[from][pick];
            if (rng_below(&rng, 3) > 0) { /* else it stays, to come again */
                queue[from][pick] = queue[from][--n[from]];
            }
            w->mono += 21 * MS;
            box[!from].len = 0;
            (void)!world_inject(w, !from, &w->node[from].at, m.data, m.len, 0);
            world_flush(w, !from);
            if (box[!from].len > 0 && n[!from] < 16) {
                queue[!from][n[!from]++] = box[!from];
            }
        }
        w->filter = NULL;
        world_run(w, 12 * SEC);
        (void)!world_send(w, A, 100, 60);
        (void)!world_send(w, B, 200, 60);
        world_run(w, 6 * SEC);
        assert_int_equal(w->node[B].got_id, 100);
        assert_int_equal(w->node[A].got_id, 200);
        world_free(w);
    }
}

/* ---- load ---- */

static void under_load_the_order_is_mac1_mac2_rate(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 9);
    initiate(&s, A);
    load(&s, B);

    s.box[A].data[147 - 16] ^= 1; /* mac1 wrong: not even a cookie */
    assert_int_equal(carry(&s, A), WG_RX_DROP_MAC1);
    assert_int_equal(s.b->sent[MSG_COOKIE], 0);
    s.box[A].data[147 - 16] ^= 1;

    assert_int_equal(carry(&s, A),
                     WG_RX_DROP_LOAD); /* mac2 missing: a cookie, smaller than the question */
    assert_int_equal(s.b->sent[MSG_COOKIE], 1);
    assert_int_equal(s.b->last_msg.len, 64);
    assert_int_equal(carry(&s, B), WG_RX_HANDSHAKE);

    for (int i = 0; i < 5; i++) {
        initiate(&s, A);
        load(&s, B);
        assert_int_equal(carry(&s, A), WG_RX_HANDSHAKE);
    }
    assert_int_equal(s.b->sent[MSG_RESPONSE], 5);
    world_free(s.w);
}

static void over_its_rate_a_source_is_met_with_silence(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 10);
    initiate(&s, A);
    load(&s, B);
    (void)carry(&s, A);
    assert_int_equal(carry(&s, B), WG_RX_HANDSHAKE); /* the cookie */
    initiate(&s, A);
    load(&s, B);
    unsigned dropped = 0;
    for (int i = 0; i < 20; i++) { /* the same message; only the limiter looks so far */
        dropped += carry(&s, A) == WG_RX_DROP_LOAD;
    }
    assert_int_equal(dropped, 15);
    assert_int_equal(s.b->sent[MSG_COOKIE], 1);
    assert_int_equal(s.b->sent[MSG_RESPONSE], 1);
    world_free(s.w);
}

static void a_cookie_of_another_port_is_not_taken(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 11);
    initiate(&s, A);
    load(&s, B);
    (void)carry(&s, A);
    (void)carry(&s, B);
    initiate(&s, A);
    load(&s, B);
    struct endpoint other_port = s.a->at;
    other_port.port++;
    assert_int_equal(carry_from(&s, A, &other_port), WG_RX_DROP_LOAD);
    assert_int_equal(carry(&s, A), WG_RX_HANDSHAKE);
    world_free(s.w);
}

static void a_cookie_reply_moves_no_endpoint_and_asks_for_no_packet(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 12);
    initiate(&s, A);
    load(&s, B);
    (void)carry(&s, A);
    struct endpoint was = s.a->peer->endpoint, elsewhere = endpoint_of("203.0.113.3:333");
    unsigned sent = s.a->sent[MSG_INITIATION];
    assert_int_equal(carry_from(&s, B, &elsewhere), WG_RX_HANDSHAKE);
    assert_true(endpoint_equal(&s.a->peer->endpoint, &was));
    assert_int_equal(s.a->sent[MSG_INITIATION], sent);
    assert_null(s.a->from);
    assert_int_equal(s.a->peer->initiations_pending, 1); /* it is no answer */
    assert_int_equal(carry_from(&s, B, &elsewhere),
                     WG_RX_DROP_HANDSHAKE); /* and is believed once */
    world_free(s.w);
}

static void without_load_nobody_is_asked_for_a_cookie(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 13);
    for (int i = 0; i < 400; i++) { /* more handshakes than a fixed count would bear */
        initiate(&s, A);
        assert_int_equal(carry(&s, A), WG_RX_HANDSHAKE);
    }
    assert_int_equal(s.b->sent[MSG_COOKIE], 0);
    world_free(s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(an_initiation_is_answered_to_where_it_came_from),
        unit(a_replayed_initiation_is_not_answered_and_moves_nothing),
        unit(an_older_initiation_is_refused_after_a_newer_one),
        unit(an_initiation_with_a_key_that_is_no_peer_gets_no_answer),
        unit(a_message_for_another_key_dies_at_mac1),
        unit(a_response_moves_the_endpoint_and_is_answered_at_once),
        unit(a_doubled_response_is_refused),
        unit(a_response_to_an_initiation_that_was_given_up_is_refused),
        unit(a_session_that_the_peer_confirmed_closes_our_own_crossed_initiation),
        unit(crossed_and_doubled_messages_settle_in_any_order),
        unit(under_load_the_order_is_mac1_mac2_rate),
        unit(over_its_rate_a_source_is_met_with_silence),
        unit(a_cookie_of_another_port_is_not_taken),
        unit(a_cookie_reply_moves_no_endpoint_and_asks_for_no_packet),
        unit(without_load_nobody_is_asked_for_a_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
