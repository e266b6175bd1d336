/* SPDX-License-Identifier: MIT */
#include "dns/exchange.h"

#include <string.h>

#include "unit/test.h"

static const struct addr server = {.family = FAMILY_V4, .bytes = {10, 0, 0, 1}};
static struct question *const somebody = (struct question *)(uintptr_t)8; /* never looked into */

static struct now at(uint64_t ms)
{
    return (struct now){.mono = ms * NS_PER_MS};
}

static struct exchange *open_udp(struct exchanges *xs, enum patience patience, struct now now)
{
    struct exchange *x = exchange_open(xs, somebody, RESOLVER_UDP, &server, patience, now);
    assert_non_null(x);
    memcpy(x->query, "query", 5);
    x->len = 5;
    return x;
}

static void an_exchange_is_carried_once_and_forgotten_once(void **state)
{
    (void)state;
    struct exchanges xs;
    struct resolver_output out;
    exchanges_init(&xs);
    struct exchange *x = open_udp(&xs, PATIENCE_2S, at(0));
    uint32_t number = x->number;
    assert_null(exchange_lookup(&xs, number)); /* no answer before the question */
    assert_true(exchanges_next_output(&xs, &out));
    assert_int_equal(out.kind, RESOLVER_UDP);
    assert_int_equal(out.exchange, number);
    assert_int_equal(out.server.port, 53);
    assert_true(addr_equal(&out.server.addr, &server));
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.message, "query", 5);
    assert_false(exchanges_next_output(&xs, &out));
    assert_ptr_equal(exchange_lookup(&xs, number), x);
    assert_null(exchange_lookup(&xs, number + 1));

    exchange_close(&xs, x);
    assert_null(exchange_lookup(&xs, number));
    assert_true(exchanges_next_deadline(&xs) == NEVER);
    assert_true(exchanges_next_output(&xs, &out));
    assert_int_equal(out.kind, RESOLVER_FORGET);
    assert_int_equal(out.exchange, number);
    assert_false(exchanges_next_output(&xs, &out));
    exchanges_fini(&xs);
}

static void the_carrier_hears_nothing_of_what_it_never_knew(void **state)
{
    (void)state;
    struct exchanges xs;
    struct resolver_output out;
    exchanges_init(&xs);
    exchange_close(&xs, open_udp(&xs, PATIENCE_2S, at(0)));
    assert_false(exchanges_next_output(&xs, &out));
    exchanges_fini(&xs);
}

static void old_ports_are_closed_before_new_ones_are_opened(void **state)
{
    (void)state;
    struct exchanges xs;
    struct resolver_output out;
    exchanges_init(&xs);
    struct exchange *old = open_udp(&xs, PATIENCE_2S, at(0));
    assert_true(exchanges_next_output(&xs, &out));
    struct exchange *new = open_udp(&xs, PATIENCE_3S, at(0));
    exchange_close(&xs, old);
    assert_true(exchanges_next_output(&xs, &out));
    assert_int_equal(out.kind, RESOLVER_FORGET);
    assert_true(exchanges_next_output(&xs, &out));
    assert_int_equal(out.kind, RESOLVER_UDP);
    exchange_close(&xs, new);
    exchanges_fini(&xs); /* with a forget that nobody fetched */
}

static void deadlines_of_all_patiences_come_in_order(void **state)
{
    (void)state;
    static const struct {
        enum patience patience;
        uint64_t opened, deadline; /* ms */
    } cases[] = {
        {PATIENCE_4S, 0, 4000},    {PATIENCE_2S, 100, 2100},  {PATIENCE_3S, 200, 3200},
        {PATIENCE_2S, 1200, 3200}, {PATIENCE_4S, 1300, 5300}, {PATIENCE_2S, 1400, 3400},
    };
    struct exchanges xs;
    exchanges_init(&xs);
    assert_true(exchanges_next_deadline(&xs) == NEVER);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct exchange *x = open_udp(&xs, cases[i].patience, at(cases[i].opened));
        assert_true(x->deadline == at(cases[i].deadline).mono);
    }
    uint64_t last = 0;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t deadline = exchanges_next_deadline(&xs);
        assert_true(deadline >= last && deadline != NEVER);
        assert_null(exchanges_overdue(&xs, (struct now){.mono = deadline - 1}));
        struct exchange *x = exchanges_overdue(&xs, (struct now){.mono = deadline});
        assert_non_null(x);
        assert_true(x->deadline == deadline);
        exchange_close(&xs, x);
        last = deadline;
    }
    assert_true(exchanges_next_deadline(&xs) == NEVER);
    exchanges_fini(&xs);
}

/* Also when the counter has gone round: no number is given that the carrier still knows. */
static void numbers_under_way_differ(void **state)
{
    (void)state;
    struct exchanges xs;
    struct resolver_output out;
    exchanges_init(&xs);
    xs.last_number = UINT32_MAX;
    struct exchange *a = open_udp(&xs, PATIENCE_2S, at(0)), *b = open_udp(&xs, PATIENCE_2S, at(0));
    assert_int_equal(a->number, 0);
    assert_int_equal(b->number, 1);
    assert_true(exchanges_next_output(&xs, &out));
    assert_true(exchanges_next_output(&xs, &out));
    exchange_close(&xs, b); /* the carrier was not told yet */
    xs.last_number = UINT32_MAX;
    struct exchange *c = open_udp(&xs, PATIENCE_2S, at(0));
    assert_int_equal(c->number, 2);
    assert_true(exchanges_next_output(&xs, &out));
    assert_int_equal(out.kind, RESOLVER_FORGET);
    xs.last_number = UINT32_MAX;
    struct exchange *d = open_udp(&xs, PATIENCE_2S, at(0));
    assert_int_equal(d->number, 1);
    exchange_close(&xs, a);
    exchange_close(&xs, c);
    exchange_close(&xs, d);
    exchanges_fini(&xs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_is_carried_once_and_forgotten_once),
        cmocka_unit_test(the_carrier_hears_nothing_of_what_it_never_knew),
        cmocka_unit_test(old_ports_are_closed_before_new_ones_are_opened),
        cmocka_unit_test(deadlines_of_all_patiences_come_in_order),
        cmocka_unit_test(numbers_under_way_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
