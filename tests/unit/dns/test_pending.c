/* SPDX-License-Identifier: MIT */
#include "dns/pending.h"

#include <stdio.h>

#include "unit/test.h"

#include "unit/seeded.h"

static const struct now now = {.mono = NS_PER_S};

struct fixture {
    uint64_t seed;
    struct upstream up;
    struct pending pending;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){.seed = 1};
    f->up.n = 1;
    f->up.servers[0].addr = (struct addr){.family = FAMILY_V4, .bytes = {10, 0, 0, 1}};
    f->up.rng = seeded_rng(&f->seed);
    exchanges_init(&f->up.exchanges);
    pending_init(&f->pending, &f->up);
}

static void teardown(struct fixture *f)
{
    pending_fini(&f->pending);
    exchanges_fini(&f->up.exchanges);
}

static struct question *join(struct fixture *f, struct want *w, const char *name,
                             enum family family)
{
    want_init(w);
    assert_int_equal(pending_join(&f->pending, w, name, family, now), 0);
    assert_non_null(w->question);
    return w->question;
}

static void one_name_and_family_is_one_question(void **state)
{
    (void)state;
    struct fixture f;
    struct want a, b, c, d;
    setup(&f);
    join(&f, &a, "www.example", FAMILY_V4);
    join(&f, &b, "www.example", FAMILY_V4);
    join(&f, &c, "www.example", FAMILY_V6);
    join(&f, &d, "www.example.org", FAMILY_V4);
    assert_ptr_equal(a.question, b.question);
    assert_ptr_not_equal(a.question, c.question);
    assert_ptr_not_equal(a.question, d.question);
    struct want *all[] = {&a, &b, &c, &d};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        pending_leave(&f.pending, all[i], false);
        pending_leave(&f.pending, all[i], false); /* harmless */
    }
    assert_true(exchanges_next_deadline(&f.up.exchanges) == NEVER);
    teardown(&f);
}

static void a_question_ends_with_the_last_who_wants_it(void **state)
{
    (void)state;
    struct fixture f;
    struct want a, b;
    setup(&f);
    join(&f, &a, "www.example", FAMILY_V4);
    join(&f, &b, "www.example", FAMILY_V4);
    pending_leave(&f.pending, &a, false);
    assert_true(exchanges_next_deadline(&f.up.exchanges) != NEVER);
    pending_leave(&f.pending, &b, false);
    assert_true(exchanges_next_deadline(&f.up.exchanges) == NEVER);
    teardown(&f);
}

static void a_question_may_go_on_for_the_cache_and_be_joined_again(void **state)
{
    (void)state;
    struct fixture f;
    struct want a, b, c;
    setup(&f);
    struct question *q = join(&f, &a, "www.example", FAMILY_V4);
    pending_leave(&f.pending, &a, true);
    assert_int_equal(f.pending.n_unwanted, 1);
    assert_ptr_equal(join(&f, &b, "www.example", FAMILY_V4), q);
    assert_ptr_equal(join(&f, &c, "www.example", FAMILY_V4), q);
    assert_int_equal(f.pending.n_unwanted, 0);
    pending_leave(&f.pending, &b, true);
    assert_int_equal(f.pending.n_unwanted, 0);
    pending_leave(&f.pending, &c, true);
    assert_int_equal(f.pending.n_unwanted, 1);
    pending_conclude(&f.pending, q);
    assert_int_equal(f.pending.n_unwanted, 0);
    assert_null(pending_next_want(q));
    question_free(q);
    teardown(&f);
}

static void those_who_go_on_for_the_cache_are_bounded(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (unsigned i = 0; i < PENDING_UNWANTED_MAX + 50; i++) {
        struct want w;
        char name[32];
        snprintf(name, sizeof name, "n%u.example", i);
        join(&f, &w, name, FAMILY_V4);
        pending_leave(&f.pending, &w, true);
    }
    assert_int_equal(f.pending.n_unwanted, PENDING_UNWANTED_MAX);
    teardown(&f);
}

static void all_who_waited_are_told_and_may_ask_anew(void **state)
{
    (void)state;
    struct fixture f;
    struct want wants[3], again;
    setup(&f);
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        join(&f, &wants[i], "www.example", FAMILY_V4);
    }
    struct question *q = wants[0].question;
    pending_conclude(&f.pending, q);
    assert_ptr_not_equal(join(&f, &again, "www.example", FAMILY_V4), q);
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        assert_ptr_equal(pending_next_want(q), &wants[i]);
        assert_null(wants[i].question);
    }
    assert_null(pending_next_want(q));
    question_free(q);
    pending_leave(&f.pending, &again, false);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_name_and_family_is_one_question),
        cmocka_unit_test(a_question_ends_with_the_last_who_wants_it),
        cmocka_unit_test(a_question_may_go_on_for_the_cache_and_be_joined_again),
        cmocka_unit_test(those_who_go_on_for_the_cache_are_bounded),
        cmocka_unit_test(all_who_waited_are_told_and_may_ask_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
