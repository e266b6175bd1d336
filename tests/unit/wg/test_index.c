/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/index.h"
#include "world.h"

#include <string.h>

static void an_inserted_entry_is_found_until_it_is_removed(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct rng rng = seeded_rng(&seed);
    struct index_table t;
    struct index_entry e[100];
    index_table_init(&t);
    assert_int_equal(index_table_reserve(&t, 1), 0);
    for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
        index_entry_init(&e[i], INDEX_KEYPAIR, NULL);
        assert_int_equal(index_table_reserve(&t, i + 1), 0); /* grows with entries inside */
        index_insert(&t, &rng, &e[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
        assert_ptr_equal(index_lookup(&t, e[i].index), &e[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(e); i += 2) {
        index_remove(&t, &e[i]);
        index_remove(&t, &e[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
        assert_ptr_equal(index_lookup(&t, e[i].index), i % 2 == 0 ? NULL : &e[i]);
    }
    index_table_fini(&t);
}

/* Chance that repeats itself: 7, 7, 7, 8, 8, 9... */
static void few_numbers(void *ctx, void *out, size_t len)
{
    unsigned *n = ctx;
    uint32_t v = 7 + (*n)++ / 3;
    assert_int_equal(len, 4);
    memcpy(out, &v, 4);
}

static void no_two_entries_ever_share_an_index(void **state)
{
    (void)state;
    unsigned n = 0;
    struct rng rng = {few_numbers, &n};
    struct index_table t;
    struct index_entry a, b, c;
    index_table_init(&t);
    assert_int_equal(index_table_reserve(&t, 4), 0);
    index_entry_init(&a, INDEX_HANDSHAKE, NULL);
    index_entry_init(&b, INDEX_KEYPAIR, NULL);
    index_entry_init(&c, INDEX_HANDSHAKE, NULL);
    assert_int_equal(index_insert(&t, &rng, &a), 7);
    assert_int_equal(index_insert(&t, &rng, &b), 8);
    assert_int_equal(index_insert(&t, &rng, &c), 9);
    index_table_fini(&t);
}

static void a_new_index_forgets_the_old_one(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct rng rng = seeded_rng(&seed);
    struct index_table t;
    struct index_entry e;
    index_table_init(&t);
    assert_int_equal(index_table_reserve(&t, 4), 0);
    index_entry_init(&e, INDEX_HANDSHAKE, NULL);
    uint32_t first = index_insert(&t, &rng, &e);
    uint32_t second = index_insert(&t, &rng, &e);
    assert_int_not_equal(first, second);
    assert_null(index_lookup(&t, first));
    assert_ptr_equal(index_lookup(&t, second), &e);
    index_table_fini(&t);
}

static void a_keypair_takes_over_the_index_of_its_handshake(void **state)
{
    (void)state;
    uint64_t seed = 4;
    struct rng rng = seeded_rng(&seed);
    struct index_table t;
    struct index_entry handshake, keypair;
    index_table_init(&t);
    assert_int_equal(index_table_reserve(&t, 4), 0);
    index_entry_init(&handshake, INDEX_HANDSHAKE, NULL);
    index_entry_init(&keypair, INDEX_KEYPAIR, NULL);
    uint32_t index = index_insert(&t, &rng, &handshake);
    index_move(&t, &keypair, &handshake);
    assert_ptr_equal(index_lookup(&t, index), &keypair);
    assert_false(handshake.listed);
    index_table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(an_inserted_entry_is_found_until_it_is_removed),
        unit(no_two_entries_ever_share_an_index),
        unit(a_new_index_forgets_the_old_one),
        unit(a_keypair_takes_over_the_index_of_its_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
