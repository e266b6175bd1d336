/* SPDX-License-Identifier: MIT */
/* What goes in comes out once, by time, unharmed. */
#include "queue.h"

#include <string.h>

#include "unit/test.h"

static int setup(void **state)
{
    *state = queue_new();
    return *state == NULL;
}

static int teardown(void **state)
{
    queue_free(*state);
    return 0;
}

static void push(struct queue *q, uint64_t due, unsigned number)
{
    assert_true(queue_push(q, due, (const uint8_t *)&number, sizeof number));
}

static unsigned pop(struct queue *q)
{
    unsigned number;
    size_t len;
    const uint8_t *data = queue_pop(q, &len);
    assert_int_equal(len, sizeof number);
    memcpy(&number, data, sizeof number);
    return number;
}

static void the_earliest_comes_out_first(void **state)
{
    struct queue *q = *state;
    assert_int_equal(queue_next_due(q), QUEUE_NEVER);
    for (unsigned i = 0; i < 1000; i++) {
        unsigned due = i * 389 % 1000; /* each once: 389 and 1000 have no common factor */
        push(q, due, due);
    }
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(queue_next_due(q), i);
        assert_int_equal(pop(q), i);
    }
    assert_int_equal(queue_next_due(q), QUEUE_NEVER);
}

static void equals_keep_their_order(void **state)
{
    struct queue *q = *state;
    for (unsigned i = 0; i < 300; i++) {
        push(q, i / 100, i);
    }
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(pop(q), i);
    }
}

static void it_is_bounded_and_used_again(void **state)
{
    struct queue *q = *state;
    const uint8_t byte = 0;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < QUEUE_DATAGRAMS; i++) {
            push(q, i, i);
        }
        assert_false(queue_push(q, 0, &byte, 1));
        for (unsigned i = 0; i < QUEUE_DATAGRAMS; i++) {
            assert_int_equal(pop(q), i);
        }
    }
}

static void a_datagram_may_be_empty_or_long_but_not_too_long(void **state)
{
    struct queue *q = *state;
    static uint8_t data[QUEUE_BYTES + 1];
    memset(data, 0xa5, sizeof data);
    assert_false(queue_push(q, 0, data, QUEUE_BYTES + 1));
    assert_true(queue_push(q, 1, data, QUEUE_BYTES));
    assert_true(queue_push(q, 0, data, 0));
    size_t len;
    queue_pop(q, &len);
    assert_int_equal(len, 0);
    const uint8_t *got = queue_pop(q, &len);
    assert_int_equal(len, QUEUE_BYTES);
    assert_memory_equal(got, data, len);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_earliest_comes_out_first),
        TEST(equals_keep_their_order),
        TEST(it_is_bounded_and_used_again),
        TEST(a_datagram_may_be_empty_or_long_but_not_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
