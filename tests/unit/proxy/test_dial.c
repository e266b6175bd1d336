/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/dial.c, over puppets: every order of events is the test's. */
#include "proxy/dial.h"

#include "base/err.h"
#include "base/macros.h"
#include "fail_alloc.h"
#include "ground.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#define DELAY (250 * NS_PER_MS)
#define TIMEOUT (15 * NS_PER_S)

/* How a dial ended. */
struct outcome {
    unsigned n;
    int err;
    struct stack_tcp *t;
    bool inside; /* dial_start is running */
};

static void done(void *ctx, int err, struct stack_tcp *t, struct now now)
{
    (void)now;
    struct outcome *o = ctx;
    assert_false(o->inside);
    o->n++;
    o->err = err;
    o->t = t;
    assert_true((err == 0) == (t != NULL));
}

static int start(struct ground *g, const char *where, struct outcome *o, struct dial **dial)
{
    struct target to = {.port = 443};
    if (!addr_parse(&to.addr, where)) {
        to.addr = (struct addr){.family = FAMILY_NONE};
        strcpy(to.name, where);
    }
    *o = (struct outcome){.inside = true};
    int err = dial_start(g->dialer, &to, NULL, NULL, done, o, dial, g->now);
    o->inside = false;
    return err;
}

/* A dial to a name whose addresses are known. */
static struct dial *start_to(struct ground *g, const char *addrs, struct outcome *o)
{
    struct dial *dial;
    assert_int_equal(start(g, "example.com", o, &dial), 0);
    fake_resolver_answer(g->resolver, 0, addrs, g->now);
    return dial;
}

static void settle(struct ground *g)
{
    ground_settle(g, NULL, 0);
}

static int setup(void **state)
{
    *state = ground_new((struct ground_options){0});
    return 0;
}

static int teardown(void **state)
{
    ground_free(*state);
    return 0;
}

static void a_literal_is_dialled_alone_and_at_once(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    struct dial *dial;
    assert_int_equal(start(g, "10.0.0.1", &o, &dial), 0);
    assert_int_equal(fake_tcp_count(g->stack), 1);
    assert_string_equal(fake_tcp_where(fake_tcp(g->stack, 0)), "10.0.0.1:443");
    assert_int_equal(dialer_next_deadline(g->dialer), g->now.mono + TIMEOUT);
    fake_tcp_connected(fake_tcp(g->stack, 0));
    settle(g);
    assert_int_equal(o.n, 1);
    assert_int_equal(o.err, 0);
    assert_ptr_equal(o.t, fake_tcp(g->stack, 0));
    assert_int_equal(dialer_next_deadline(g->dialer), NEVER);
    stack_tcp_close(o.t);
}

static void a_literal_in_a_name_is_an_address(void **state)
{
    struct ground *g = *state;
    static const struct {
        const char *name, *where;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1:443"},
        {"fd00::1", "[fd00::1]:443"},
        {"[fd00::1]", "[fd00::1]:443"},
        {"[::ffff:10.0.0.1]", "10.0.0.1:443"},
        {"[10.0.0.1]", NULL},
        {"[]", NULL},
        {"[", NULL},
        {"[fd00::1", NULL},
        {"fd00::1]", NULL},
        {"10.0.0.1.", NULL},
        {"10.0.0", NULL},
        {"[fd00:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct target to = {.port = 443};
        strcpy(to.name, cases[i].name);
        struct outcome o = {0};
        struct dial *dial;
        unsigned before = fake_tcp_count(g->stack);
        assert_int_equal(dial_start(g->dialer, &to, NULL, NULL, done, &o, &dial, g->now), 0);
        if (cases[i].where != NULL) {
            assert_int_equal(fake_tcp_count(g->stack), before + 1);
            assert_string_equal(fake_tcp_where(fake_tcp(g->stack, before)), cases[i].where);
        } else {
            assert_int_equal(fake_tcp_count(g->stack), before);
            assert_int_equal(fake_resolver_running(g->resolver), 1);
        }
        dial_cancel(dial);
        assert_int_equal(fake_resolver_running(g->resolver), 0);
    }
}

/* So many bytes in labels that are not too long. */
static void fill_name(char *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = i % 40 == 39 ? '.' : 'a';
    }
}

static void what_cannot_begin_is_said_at_once(void **state)
{
    struct ground *g = *state;
    char long_name[TARGET_NAME_MAX + 1] = {0};
    fill_name(long_name, TARGET_NAME_MAX);
    fake_stack_forbid(g->stack, "10.0.0.1", ERR_NO_ROUTE);
    fake_stack_forbid(g->stack, "fd00::1", ERR_NO_FAMILY);
    fake_stack_forbid(g->stack, "0.0.0.0", ERR_INVALID);
    fake_stack_forbid(g->stack, "10.0.0.2", ERR_LIMIT);
    const struct {
        const char *where;
        int err;
    } cases[] = {
        {"10.0.0.1", ERR_NO_ROUTE}, {"[fd00::1]", ERR_NO_FAMILY},
        {"0.0.0.0", ERR_INVALID},   {"10.0.0.2", ERR_LIMIT},
        {"", ERR_BAD_NAME},         {".", ERR_BAD_NAME},
        {long_name, ERR_BAD_NAME},  {long_name + 1, ERR_BAD_NAME}, /* 254 without a final dot */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct outcome o;
        struct dial *dial;
        assert_int_equal(start(g, cases[i].where, &o, &dial), cases[i].err);
        assert_int_equal(o.n, 0);
    }
    struct target to = {.port = 0};
    assert_true(addr_parse(&to.addr, "10.0.0.9"));
    struct outcome o = {0};
    struct dial *dial;
    assert_int_equal(dial_start(g->dialer, &to, NULL, NULL, done, &o, &dial, g->now), ERR_INVALID);
    fake_resolver_refuse(g->resolver, ERR_LIMIT);
    assert_int_equal(start(g, "example.com", &o, &dial), ERR_LIMIT);
    assert_int_equal(dialer_next_deadline(g->dialer), NEVER);
}

static void the_longest_names_are_looked_up(void **state)
{
    struct ground *g = *state;
    char name[TARGET_NAME_MAX + 1] = {0};
    fill_name(name, DNS_NAME_MAX);
    struct outcome o;
    struct dial *dial;
    assert_int_equal(start(g, name, &o, &dial), 0);
    dial_cancel(dial);
    name[DNS_NAME_MAX] = '.';
    assert_int_equal(start(g, name, &o, &dial), 0);
    dial_cancel(dial);
}

static void without_dns_names_fail_and_addresses_do_not(void **state)
{
    (void)state;
    struct ground *g = ground_new((struct ground_options){.no_dns = true});
    struct outcome o;
    struct dial *dial;
    assert_int_equal(start(g, "example.com", &o, &dial), ERR_NO_DNS);
    assert_int_equal(start(g, "[fd00::1]", &o, &dial), 0);
    dial_cancel(dial);
    ground_free(g);
}

static void the_second_address_wins_and_the_first_is_aborted(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    start_to(g, "fd00::1 10.0.0.1 fd00::2", &o);
    assert_int_equal(fake_tcp_count(g->stack), 1);
    assert_int_equal(dialer_next_deadline(g->dialer), g->now.mono + DELAY);
    ground_sleep(g, DELAY - 1);
    settle(g);
    assert_int_equal(fake_tcp_count(g->stack), 1);
    ground_sleep(g, 1);
    settle(g);
    assert_int_equal(fake_tcp_count(g->stack), 2);
    assert_string_equal(fake_tcp_where(fake_tcp(g->stack, 1)), "10.0.0.1:443");
    fake_tcp_connected(fake_tcp(g->stack, 1));
    settle(g);
    assert_int_equal(o.n, 1);
    assert_ptr_equal(o.t, fake_tcp(g->stack, 1));
    assert_int_equal(fake_tcp_fate(fake_tcp(g->stack, 0)), FAKE_ABORTED);
    assert_int_equal(dialer_next_deadline(g->dialer), NEVER);
    stack_tcp_close(o.t);
}

static void when_two_connect_in_one_turn_only_one_is_given(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    start_to(g, "fd00::1 10.0.0.1", &o);
    ground_sleep(g, DELAY);
    settle(g);
    fake_tcp_connected(fake_tcp(g->stack, 0));
    fake_tcp_connected(fake_tcp(g->stack, 1));
    settle(g);
    assert_int_equal(o.n, 1);
    assert_int_equal(fake_tcp_fate(fake_tcp(g->stack, 1)), FAKE_ABORTED);
    stack_tcp_close(o.t);
}

static void a_refused_address_makes_way_at_once(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    start_to(g, "10.0.0.1 10.0.0.2 10.0.0.3", &o);
    ground_sleep(g, 100 * NS_PER_MS);
    fake_tcp_failed(fake_tcp(g->stack, 0), ERR_REFUSED);
    settle(g);
    assert_int_equal(fake_tcp_count(g->stack), 2);
    /* the pace begins anew */
    assert_int_equal(dialer_next_deadline(g->dialer), g->now.mono + DELAY);
    fake_tcp_connected(fake_tcp(g->stack, 1));
    settle(g);
    assert_int_equal(o.err, 0);
    assert_ptr_equal(o.t, fake_tcp(g->stack, 1));
    stack_tcp_close(o.t);
    assert_true(ground_said(g, "debug: 10.0.0.1:443, one of 3 addresses -> connection refused"));
    assert_int_equal(ground_lines(g), 1);
}

static void addresses_that_cannot_begin_are_passed_over(void **state)
{
    struct ground *g = *state;
    fake_stack_forbid(g->stack, "fd00::1", ERR_NO_FAMILY);
    fake_stack_forbid(g->stack, "fd00::2", ERR_NO_ROUTE);
    struct outcome o;
    start_to(g, "fd00::1 fd00::2 10.0.0.1", &o);
    assert_int_equal(fake_tcp_count(g->stack), 1);
    assert_string_equal(fake_tcp_where(fake_tcp(g->stack, 0)), "10.0.0.1:443");
    /* nothing is left to pace */
    assert_int_equal(dialer_next_deadline(g->dialer), g->now.mono + TIMEOUT);
    fake_tcp_connected(fake_tcp(g->stack, 0));
    settle(g);
    stack_tcp_close(o.t);
}

static void when_none_can_begin_the_best_reason_is_told(void **state)
{
    struct ground *g = *state;
    fake_stack_forbid(g->stack, "fd00::1", ERR_NO_FAMILY);
    fake_stack_forbid(g->stack, "10.0.0.1", ERR_NO_ROUTE);
    fake_stack_forbid(g->stack, "10.0.0.2", ERR_LIMIT);
    struct outcome o;
    start_to(g, "fd00::1 10.0.0.1 10.0.0.2", &o);
    assert_int_equal(o.n, 1);
    assert_int_equal(o.err, ERR_NO_ROUTE);
}

/* Each pair: the first one is told, whichever came first. */
static void the_error_of_the_attempt_that_got_furthest_is_told(void **state)
{
    struct ground *g = *state;
    static const int ranking[] = {ERR_REFUSED, ERR_RESET, ERR_UNREACHABLE, ERR_TIMED_OUT};
    for (size_t i = 0; i < ARRAY_SIZE(ranking); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(ranking); j++) {
            struct outcome o;
            unsigned first = fake_tcp_count(g->stack);
            start_to(g, "10.0.0.1 10.0.0.2", &o);
            fake_tcp_failed(fake_tcp(g->stack, first), ranking[i]);
            settle(g);
            assert_int_equal(o.n, 0);
            fake_tcp_failed(fake_tcp(g->stack, first + 1), ranking[j]);
            settle(g);
            assert_int_equal(o.n, 1);
            assert_int_equal(o.err, ranking[i < j ? i : j]);
        }
    }
}

static void a_connection_that_was_reset_in_the_same_turn_is_a_failure(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    struct dial *dial;
    assert_int_equal(start(g, "10.0.0.1", &o, &dial), 0);
    fake_tcp_connected(fake_tcp(g->stack, 0));
    fake_tcp_failed(fake_tcp(g->stack, 0), ERR_RESET);
    settle(g);
    assert_int_equal(o.err, ERR_RESET);
}

static void a_name_that_is_not_found_is_told_as_the_resolver_said(void **state)
{
    struct ground *g = *state;
    static const int errs[] = {ERR_NO_NAME, ERR_NO_DATA, ERR_DNS_FAILED, ERR_DNS_SILENT,
                               ERR_NO_ROUTE};
    for (size_t i = 0; i < ARRAY_SIZE(errs); i++) {
        struct outcome o;
        struct dial *dial;
        assert_int_equal(start(g, "example.com", &o, &dial), 0);
        fake_resolver_fail(g->resolver, 0, errs[i], g->now);
        assert_int_equal(o.n, 1);
        assert_int_equal(o.err, errs[i]);
    }
}

static void silence_ends_after_the_whole_timeout(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    start_to(g, "10.0.0.1 10.0.0.2", &o);
    uint64_t end = g->now.mono + TIMEOUT;
    while (g->now.mono < end - 1) {
        uint64_t next = dialer_next_deadline(g->dialer);
        assert_true(next > g->now.mono);
        g->now.mono = next < end ? next : end - 1;
        settle(g);
    }
    assert_int_equal(o.n, 0);
    assert_int_equal(fake_tcp_count(g->stack), 2);
    ground_sleep(g, 1);
    settle(g);
    assert_int_equal(o.n, 1);
    assert_int_equal(o.err, ERR_TIMED_OUT);
    assert_int_equal(fake_tcp_fate(fake_tcp(g->stack, 0)), FAKE_ABORTED);
    assert_int_equal(fake_tcp_fate(fake_tcp(g->stack, 1)), FAKE_ABORTED);
}

static void a_refusal_is_told_before_the_silence_of_others(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    start_to(g, "10.0.0.1 10.0.0.2", &o);
    fake_tcp_failed(fake_tcp(g->stack, 0), ERR_REFUSED);
    settle(g);
    ground_sleep(g, TIMEOUT);
    settle(g);
    assert_int_equal(o.err, ERR_REFUSED);
}

static void the_time_of_the_look_up_counts(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    struct dial *dial;
    assert_int_equal(start(g, "example.com", &o, &dial), 0);
    ground_sleep(g, 14 * NS_PER_S);
    fake_resolver_answer(g->resolver, 0, "10.0.0.1", g->now);
    assert_int_equal(dialer_next_deadline(g->dialer), g->now.mono + NS_PER_S);
    ground_sleep(g, NS_PER_S);
    settle(g);
    assert_int_equal(o.err, ERR_TIMED_OUT);
}

static void a_look_up_without_end_is_the_servers_silence(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    struct dial *dial;
    assert_int_equal(start(g, "example.com", &o, &dial), 0);
    ground_sleep(g, TIMEOUT);
    settle(g);
    assert_int_equal(o.err, ERR_DNS_SILENT);
    assert_int_equal(fake_resolver_running(g->resolver), 0);
}

static void a_dial_is_cancelled_at_every_step(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    struct dial *dial;
    assert_int_equal(start(g, "example.com", &o, &dial), 0);
    dial_cancel(dial); /* while the name is looked up */
    assert_int_equal(fake_resolver_running(g->resolver), 0);

    dial = start_to(g, "10.0.0.1 10.0.0.2 10.0.0.3", &o);
    dial_cancel(dial); /* in the first attempt */
    assert_int_equal(fake_tcp_fate(fake_tcp(g->stack, 0)), FAKE_ABORTED);

    dial = start_to(g, "10.0.0.1 10.0.0.2 10.0.0.3", &o);
    ground_sleep(g, DELAY);
    settle(g);
    dial_cancel(dial); /* in the second, with the first still running */
    assert_int_equal(fake_tcp_count(g->stack), 3);

    dial = start_to(g, "10.0.0.1", &o);
    fake_tcp_connected(fake_tcp(g->stack, 3));
    dial_cancel(dial); /* with the success on its way */
    ground_sleep(g, TIMEOUT);
    settle(g);
    assert_int_equal(o.n, 0);
    assert_int_equal(dialer_next_deadline(g->dialer), NEVER);
}

static void many_dials_keep_their_own_pace(void **state)
{
    struct ground *g = *state;
    enum { N = 20 };
    struct outcome o[N];
    for (unsigned i = 0; i < N; i++) {
        start_to(g, "10.0.0.1 10.0.0.2", &o[i]);
        ground_sleep(g, 10 * NS_PER_MS);
    }
    /* 200 ms have gone by; the k-th second attempt is due 50 ms + k * 10 ms from now */
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(fake_tcp_count(g->stack), N + i);
        uint64_t next = dialer_next_deadline(g->dialer);
        assert_int_equal(next - g->now.mono, (i == 0 ? 50 : 10) * NS_PER_MS);
        g->now.mono = next;
        settle(g);
    }
    ground_sleep(g, TIMEOUT);
    settle(g);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(o[i].err, ERR_TIMED_OUT);
    }
}

static void all_the_addresses_of_a_crowd_are_tried(void **state)
{
    struct ground *g = *state;
    char addrs[1024] = "";
    for (unsigned i = 1; i <= DNS_ADDRESSES_MAX; i++) {
        char one[16];
        snprintf(one, sizeof one, "10.0.0.%u ", i);
        strcat(addrs, one);
    }
    struct outcome o;
    start_to(g, addrs, &o);
    for (unsigned i = 1; i < DNS_ADDRESSES_MAX; i++) {
        ground_sleep(g, DELAY);
        settle(g);
    }
    assert_int_equal(fake_tcp_count(g->stack), DNS_ADDRESSES_MAX);
    for (unsigned i = 0; i < DNS_ADDRESSES_MAX; i++) {
        assert_int_equal(o.n, 0);
        fake_tcp_failed(fake_tcp(g->stack, i), ERR_REFUSED);
    }
    settle(g);
    assert_int_equal(o.n, 1);
    assert_int_equal(o.err, ERR_REFUSED);
}

/* The callback may begin the next dial: browsers do, through their session. */
struct chain {
    struct ground *g;
    struct outcome last;
};

static void redial(void *ctx, int err, struct stack_tcp *t, struct now now)
{
    (void)t;
    struct chain *c = ctx;
    assert_int_equal(err, ERR_TIMED_OUT);
    struct target to = {.port = 80};
    assert_true(addr_parse(&to.addr, "10.0.0.9"));
    struct dial *dial;
    assert_int_equal(dial_start(c->g->dialer, &to, NULL, NULL, done, &c->last, &dial, now), 0);
}

static void done_may_start_another_dial(void **state)
{
    struct ground *g = *state;
    struct chain c = {.g = g};
    struct target to = {.port = 80};
    assert_true(addr_parse(&to.addr, "10.0.0.1"));
    struct dial *dial;
    assert_int_equal(dial_start(g->dialer, &to, NULL, NULL, redial, &c, &dial, g->now), 0);
    ground_sleep(g, TIMEOUT);
    settle(g);
    assert_int_equal(fake_tcp_count(g->stack), 2);
    ground_sleep(g, TIMEOUT);
    settle(g);
    assert_int_equal(c.last.err, ERR_TIMED_OUT);
}

static void running_dials_end_with_the_dialer(void **state)
{
    struct ground *g = *state;
    struct outcome a, b;
    struct dial *dial;
    assert_int_equal(start(g, "10.0.0.1", &a, &dial), 0);
    assert_int_equal(start(g, "example.com", &b, &dial), 0);
    dialer_free(g->dialer);
    g->dialer = NULL;
    assert_int_equal(a.n + b.n, 0);
    assert_int_equal(fake_tcp_fate(fake_tcp(g->stack, 0)), FAKE_ABORTED);
}

static void without_memory_it_says_so_and_keeps_nothing(void **state)
{
    struct ground *g = *state;
    struct outcome o;
    struct dial *dial;
    for (unsigned k = 1;; k++) {
        fail_alloc_at(k);
        int err = start(g, "10.0.0.1", &o, &dial);
        if (err == 0) {
            assert_int_equal(k, 3); /* the dial, and the puppet of a stream */
            break;
        }
        assert_int_equal(err, ERR_NOMEM);
        assert_int_equal(dialer_next_deadline(g->dialer), NEVER);
    }
    dial_cancel(dial);
    fail_alloc_at(1);
    struct dialer *d;
    assert_int_equal(dialer_new(&d, &(struct dialer_config){.stack = g->stack}), ERR_NOMEM);
    fail_alloc_at(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_literal_is_dialled_alone_and_at_once),
        TEST(a_literal_in_a_name_is_an_address),
        TEST(what_cannot_begin_is_said_at_once),
        TEST(the_longest_names_are_looked_up),
        TEST(without_dns_names_fail_and_addresses_do_not),
        TEST(the_second_address_wins_and_the_first_is_aborted),
        TEST(when_two_connect_in_one_turn_only_one_is_given),
        TEST(a_refused_address_makes_way_at_once),
        TEST(addresses_that_cannot_begin_are_passed_over),
        TEST(when_none_can_begin_the_best_reason_is_told),
        TEST(the_error_of_the_attempt_that_got_furthest_is_told),
        TEST(a_connection_that_was_reset_in_the_same_turn_is_a_failure),
        TEST(a_name_that_is_not_found_is_told_as_the_resolver_said),
        TEST(silence_ends_after_the_whole_timeout),
        TEST(a_refusal_is_told_before_the_silence_of_others),
        TEST(the_time_of_the_look_up_counts),
        TEST(a_look_up_without_end_is_the_servers_silence),
        TEST(a_dial_is_cancelled_at_every_step),
        TEST(many_dials_keep_their_own_pace),
        TEST(all_the_addresses_of_a_crowd_are_tried),
        TEST(done_may_start_another_dial),
        TEST(running_dials_end_with_the_dialer),
        TEST(without_memory_it_says_so_and_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
