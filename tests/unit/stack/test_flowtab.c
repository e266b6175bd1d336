/* SPDX-License-Identifier: MIT */
/* The table of connections: what was added is found until it is removed, however many there are. */
#include "base/macros.h"
#include "stack/flowtab.h"
#include "unit/test.h"

#include <stdbool.h>
#include <stdlib.h>

enum { MANY = 5000 };

static const uint8_t secret[SIPHASH_KEY] = {1, 2, 3};

static struct flow_key key_of(unsigned i)
{
    struct flow_key k = {.local_port = (uint16_t)i, .remote_port = (uint16_t)(i / 7)};
    k.local = (struct addr){.family = FAMILY_V4, .bytes = {10, 0, 0, 1}};
    k.remote =
        (struct addr){.family = i % 2 ? FAMILY_V6 : FAMILY_V4, .bytes = {10, (uint8_t)(i >> 8)}};
    return k;
}

static void flows_are_found_from_add_to_remove(void **state)
{
    (void)state;
    struct flowtab t;
    assert_int_equal(flowtab_init(&t, secret), 0);
    struct flow *flows = calloc(MANY, sizeof *flows);
    for (unsigned i = 0; i < MANY; i++) {
        flows[i].key = key_of(i);
        flowtab_add(&t, &flows[i]);
    }
    assert_int_equal(t.n, MANY);
    assert_true(t.n_buckets >= MANY); /* so that lookups stay short */
    for (unsigned i = 0; i < MANY; i += 3) {
        flowtab_remove(&t, &flows[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        struct flow_key k = key_of(i);
        for (int twice = 0; twice < 2; twice++) { /* the second from memory of the last */
            assert_ptr_equal(flowtab_lookup(&t, &k), i % 3 == 0 ? NULL : &flows[i]);
        }
    }
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 3 != 0) {
            flowtab_remove(&t, &flows[i]);
        }
    }
    flowtab_fini(&t);
    free(flows);
}

static void each_part_of_the_key_counts(void **state)
{
    (void)state;
    struct flowtab t;
    assert_int_equal(flowtab_init(&t, secret), 0);
    struct flow f = {.key = key_of(9)};
    flowtab_add(&t, &f);
    for (size_t i = 0; i < sizeof f.key; i++) {
        struct flow_key other = key_of(9);
        ((uint8_t *)&other)[i] ^= 1;
        assert_null(flowtab_lookup(&t, &other));
    }
    assert_ptr_equal(flowtab_lookup(&t, &f.key), &f);
    flowtab_remove(&t, &f);
    flowtab_fini(&t);
}

static void what_was_found_last_and_removed_is_gone(void **state)
{
    (void)state;
    struct flowtab t;
    assert_int_equal(flowtab_init(&t, secret), 0);
    struct flow f = {.key = key_of(1)};
    struct flow_key k = f.key;
    flowtab_add(&t, &f);
    assert_ptr_equal(flowtab_lookup(&t, &k), &f);
    flowtab_remove(&t, &f);
    assert_null(flowtab_lookup(&t, &k));
    flowtab_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_are_found_from_add_to_remove),
        cmocka_unit_test(each_part_of_the_key_counts),
        cmocka_unit_test(what_was_found_last_and_removed_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
