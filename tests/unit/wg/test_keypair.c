/* SPDX-License-Identifier: MIT */
/* The three slots, as sequences of handshakes and confirmations. */
#include "test.h"

#include "wg/keypair.h"
#include "wg/messages.h"
#include "world.h"

#include <string.h>

struct bench {
    struct keypairs k;
    struct index_table t;
    uint64_t seed;
    struct rng rng;
};

static void bench_init(struct bench *b)
{
    b->seed = 1;
    b->rng = seeded_rng(&b->seed);
    index_table_init(&b->t);
    assert_int_equal(index_table_reserve(&b->t, INDEX_PER_PEER), 0);
    keypairs_init(&b->k, NULL);
}

static struct keypair *add(struct bench *b, bool initiator)
{
    struct keypair *kp = keypairs_blank(&b->k);
    kp->initiator = initiator;
    kp->tx_key[0] = kp->rx_key[0] = 1;
    index_insert(&b->t, &b->rng, &kp->entry);
    keypairs_add(&b->k, &b->t, kp);
    return kp;
}

static void expect(const struct bench *b, const struct keypair *current,
                   const struct keypair *previous, const struct keypair *next)
{
    assert_ptr_equal(b->k.current, current);
    assert_ptr_equal(b->k.previous, previous);
    assert_ptr_equal(b->k.next, next);
    assert_true(previous == NULL ||
                next == NULL); /* receive.c relies on it: confirming ends no session */
    unsigned listed = 0;
    for (size_t i = 0; i < ARRAY_SIZE(b->k.pool); i++) {
        const struct keypair *kp = &b->k.pool[i];
        bool in_a_slot = kp == current || kp == previous || kp == next;
        assert_int_equal(kp->entry.listed, in_a_slot); /* out of the slots means out of the table */
        assert_int_equal(kp->tx_key[0] != 0, in_a_slot); /* and wiped */
        listed += in_a_slot;
    }
    assert_int_equal(listed, (current != NULL) + (previous != NULL) + (next != NULL));
}

static void an_initiators_keypair_is_current_at_once_and_the_old_one_previous(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    struct keypair *first = add(&b, true);
    expect(&b, first, NULL, NULL);
    struct keypair *second = add(&b, true);
    expect(&b, second, first, NULL);
    struct keypair *third = add(&b, true);
    expect(&b, third, second, NULL);
    index_table_fini(&b.t);
}

static void a_responders_keypair_waits_in_next_until_confirmed(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    struct keypair *first = add(&b, false);
    expect(&b, NULL, NULL, first);
    assert_true(keypairs_confirm(&b.k, &b.t, first));
    expect(&b, first, NULL, NULL);
    assert_false(keypairs_confirm(&b.k, &b.t, first));
    struct keypair *second = add(&b, false);
    expect(&b, first, NULL, second);
    assert_false(keypairs_confirm(&b.k, &b.t, first)); /* data under the old one confirms nothing */
    expect(&b, first, NULL, second);
    assert_true(keypairs_confirm(&b.k, &b.t, second));
    expect(&b, second, first, NULL);
    index_table_fini(&b.t);
}

static void a_new_next_replaces_the_unconfirmed_one_and_drops_previous(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    struct keypair *first = add(&b, true);
    struct keypair *second = add(&b, true);
    expect(&b, second, first, NULL);
    struct keypair *third = add(&b, false);
    expect(&b, second, NULL, third);
    struct keypair *fourth = add(&b, false);
    expect(&b, second, NULL, fourth);
    index_table_fini(&b.t);
}

static void an_unconfirmed_next_becomes_previous_when_our_own_handshake_completes(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    struct keypair *old = add(&b, true);
    struct keypair *theirs = add(&b, false);
    expect(&b, old, NULL, theirs);
    struct keypair *ours = add(&b, true);
    expect(&b, ours, theirs, NULL);
    assert_false(keypairs_confirm(&b.k, &b.t, theirs));
    expect(&b, ours, theirs, NULL);
    index_table_fini(&b.t);
}

static void clearing_wipes_every_slot_and_index(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    (void)add(&b, true);
    (void)add(&b, true);
    (void)add(&b, false);
    keypairs_clear(&b.k, &b.t);
    expect(&b, NULL, NULL, NULL);
    index_table_fini(&b.t);
}

static void the_ages_and_counts_of_the_paper_decide(void **state)
{
    (void)state;
    struct keypair kp = {.initiator = true, .born = 1000 * SEC};
    struct now now = {.mono = kp.born};
    now.mono = kp.born + 120 * SEC - 1;
    assert_false(keypair_is_stale_to_send(&kp, now));
    now.mono++;
    assert_true(keypair_is_stale_to_send(&kp, now));
    kp.initiator = false;
    assert_false(keypair_is_stale_to_send(&kp, now)); /* the responder leaves it to the initiator */
    assert_false(keypair_is_stale_to_receive(&kp, now));
    now.mono = kp.born + 180 * SEC - 1;
    assert_false(keypair_is_stale_to_receive(&kp, now));
    assert_true(keypair_may_send(&kp, now));
    assert_true(keypair_may_receive(&kp, now));
    now.mono++;
    assert_false(keypair_may_send(&kp, now));
    assert_false(keypair_may_receive(&kp, now));

    kp.initiator = true;
    now.mono = kp.born + 165 * SEC - 1;
    assert_false(keypair_is_stale_to_receive(&kp, now));
    now.mono++;
    assert_true(keypair_is_stale_to_receive(&kp, now));

    now.mono = kp.born;
    kp.initiator = false;
    kp.tx_counter = REKEY_AFTER_MESSAGES;
    assert_false(keypair_is_stale_to_send(&kp, now));
    kp.tx_counter++;
    assert_true(keypair_is_stale_to_send(&kp, now));
    kp.tx_counter = REJECT_AFTER_MESSAGES - 1;
    assert_true(keypair_may_send(&kp, now));
    kp.tx_counter++;
    assert_false(keypair_may_send(&kp, now));
    kp.replay.highest = REJECT_AFTER_MESSAGES - 1;
    assert_true(keypair_may_receive(&kp, now));
    kp.replay.highest++;
    assert_false(keypair_may_receive(&kp, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(an_initiators_keypair_is_current_at_once_and_the_old_one_previous),
        unit(a_responders_keypair_waits_in_next_until_confirmed),
        unit(a_new_next_replaces_the_unconfirmed_one_and_drops_previous),
        unit(an_unconfirmed_next_becomes_previous_when_our_own_handshake_completes),
        unit(clearing_wipes_every_slot_and_index),
        unit(the_ages_and_counts_of_the_paper_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
