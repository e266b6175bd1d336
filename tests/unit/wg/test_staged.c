/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/staged.h"

static void push(struct staged *s, uint8_t mark)
{
    assert_true(staged_push(s, &mark, 1));
}

static void packets_come_out_in_the_order_they_went_in(void **state)
{
    (void)state;
    struct staged s;
    staged_init(&s);
    assert_null(staged_peek(&s));
    for (uint8_t i = 0; i < 10; i++) {
        push(&s, i);
    }
    for (uint8_t i = 0; i < 10; i++) {
        assert_int_equal(staged_peek(&s)->data[0], i);
        staged_pop(&s);
    }
    assert_true(staged_is_empty(&s));
}

static void the_oldest_goes_when_there_are_more_than_128(void **state)
{
    (void)state;
    struct staged s;
    staged_init(&s);
    for (unsigned i = 0; i < 200; i++) {
        push(&s, (uint8_t)i);
    }
    assert_int_equal(s.n, 128);
    assert_int_equal(staged_peek(&s)->data[0], 200 - 128);
    staged_purge(&s);
    assert_int_equal(s.n, 0);
}

static void a_copy_is_kept_not_the_callers_bytes(void **state)
{
    (void)state;
    struct staged s;
    uint8_t bytes[3] = {1, 2, 3};
    staged_init(&s);
    assert_true(staged_push(&s, bytes, sizeof bytes));
    bytes[1] = 99;
    assert_int_equal(staged_peek(&s)->len, 3);
    assert_int_equal(staged_peek(&s)->data[1], 2);
    staged_purge(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(packets_come_out_in_the_order_they_went_in),
        unit(the_oldest_goes_when_there_are_more_than_128),
        unit(a_copy_is_kept_not_the_callers_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
