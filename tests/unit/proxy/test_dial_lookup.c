/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/dial_lookup.c: who is asked for a name, and which of its addresses come first. */
#include "proxy/dial.h"

#include "base/err.h"
#include "base/macros.h"
#include "fail_alloc.h"
#include "fake_local.h"
#include "ground.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

struct found {
    unsigned n;
    int err;
    char addrs[512];
    bool inside; /* dial_lookup is running */
};

static void done(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    (void)now;
    struct found *f = ctx;
    assert_false(f->inside);
    f->n++;
    f->err = err;
    assert_int_equal(err == 0, n > 0);
    f->addrs[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        char text[ADDR_TEXT];
        strcat(f->addrs, i > 0 ? " " : "");
        strcat(f->addrs, addr_format(&addrs[i], text));
    }
}

static int look_up(struct ground *g, const char *name, struct found *f, struct dial_lookup **l)
{
    *f = (struct found){.inside = true};
    int err = dial_lookup(g->dialer, name, done, f, l, g->now);
    f->inside = false;
    return err;
}

/* The ground with a dialer of this configuration. */
static struct ground *ground_with(struct dialer_config config, bool no_dns)
{
    struct ground *g = ground_new((struct ground_options){.no_dns = no_dns});
    dialer_free(g->dialer);
    config.stack = g->stack;
    config.resolver = g->resolver;
    assert_int_equal(dialer_new(&g->dialer, &config), 0);
    return g;
}

static void a_name_is_asked_for_inside(void **state)
{
    (void)state;
    struct fake_local machine;
    fake_local_init(&machine);
    struct ground *g = ground_with((struct dialer_config){.outside = &machine.local}, false);
    struct found f;
    struct dial_lookup *l;
    assert_int_equal(look_up(g, "example.com", &f, &l), 0);
    assert_string_equal(fake_resolver_name(g->resolver, 0), "example.com");
    fake_resolver_answer(g->resolver, 0, "10.0.0.1 fd00::1", g->now);
    assert_int_equal(f.n, 1);
    assert_string_equal(f.addrs, "10.0.0.1 fd00::1");

    assert_int_equal(look_up(g, "example.com", &f, &l), 0);
    fake_resolver_fail(g->resolver, 0, ERR_DNS_SILENT, g->now);
    assert_int_equal(f.err, ERR_DNS_SILENT);
    assert_false(machine.running); /* the machine is no second choice */
    ground_free(g);
}

static void a_name_is_asked_for_outside_only_where_that_is_said(void **state)
{
    (void)state;
    struct fake_local machine;
    fake_local_init(&machine);
    struct ground *g = ground_with((struct dialer_config){.outside = &machine.local}, true);
    struct found f;
    struct dial_lookup *l;
    assert_int_equal(look_up(g, "example.com", &f, &l), 0);
    assert_string_equal(machine.name, "example.com");
    fake_local_answer(&machine, 0, "10.0.0.1 fd00::1", g->now);
    assert_string_equal(f.addrs, "10.0.0.1 fd00::1");
    assert_int_equal(look_up(g, "example.com", &f, &l), 0);
    fake_local_answer(&machine, ERR_NO_NAME, "", g->now);
    assert_int_equal(f.err, ERR_NO_NAME);
    assert_int_equal(look_up(g, "example.com", &f, &l), 0);
    dial_lookup_cancel(l);
    assert_false(machine.running);
    machine.refusal = ERR_LIMIT;
    assert_int_equal(look_up(g, "example.com", &f, &l), ERR_LIMIT);
    ground_free(g);

    g = ground_with((struct dialer_config){.prefer = FAMILY_NONE}, true);
    assert_int_equal(look_up(g, "example.com", &f, &l), ERR_NO_DNS);
    ground_free(g);
}

static void what_the_machine_finds_must_make_sense_inside(void **state)
{
    (void)state;
    static const struct {
        const char *found, *kept;
        enum family lacks;
    } cases[] = {
        {"127.0.0.1 ::1", NULL, FAMILY_NONE},
        {"127.0.0.1 10.0.0.1", "10.0.0.1", FAMILY_NONE},
        {"fd00::1 10.0.0.1", "10.0.0.1", FAMILY_V6},
        {"fd00::1 10.0.0.1", "fd00::1", FAMILY_V4},
        {"fd00::1", NULL, FAMILY_V6},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fake_local machine;
        fake_local_init(&machine);
        struct ground *g = ground_with((struct dialer_config){.outside = &machine.local}, true);
        if (cases[i].lacks != FAMILY_NONE) {
            fake_stack_lacks(g->stack, cases[i].lacks);
        }
        struct found f;
        struct dial_lookup *l;
        assert_int_equal(look_up(g, "example.com", &f, &l), 0);
        fake_local_answer(&machine, 0, cases[i].found, g->now);
        assert_int_equal(f.err, cases[i].kept != NULL ? 0 : ERR_NO_DATA);
        assert_string_equal(f.addrs, cases[i].kept != NULL ? cases[i].kept : "");
        ground_free(g);
    }
}

static void more_addresses_than_fit_are_left_out(void **state)
{
    (void)state;
    struct fake_local machine;
    fake_local_init(&machine);
    struct ground *g = ground_with((struct dialer_config){.outside = &machine.local}, true);
    char many[64 * 16] = "";
    for (unsigned i = 1; i <= DNS_ADDRESSES_MAX + 8; i++) {
        snprintf(many + strlen(many), sizeof many - strlen(many), "10.0.0.%u ", i);
    }
    struct found f;
    struct dial_lookup *l;
    assert_int_equal(look_up(g, "example.com", &f, &l), 0);
    fake_local_answer(&machine, 0, many, g->now);
    many[strlen(f.addrs)] = '\0';
    assert_string_equal(f.addrs, many);
    assert_string_equal(strrchr(f.addrs, ' '), " 10.0.0.32");
    ground_free(g);
}

static void the_preferred_family_comes_first_and_the_order_stays(void **state)
{
    (void)state;
    static const struct {
        enum family prefer;
        const char *sorted;
    } cases[] = {
        {FAMILY_NONE, "fd00::1 10.0.0.1 fd00::2 10.0.0.2"},
        {FAMILY_V4, "10.0.0.1 10.0.0.2 fd00::1 fd00::2"},
        {FAMILY_V6, "fd00::1 fd00::2 10.0.0.1 10.0.0.2"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ground *g = ground_with((struct dialer_config){.prefer = cases[i].prefer}, false);
        struct found f;
        struct dial_lookup *l;
        assert_int_equal(look_up(g, "example.com", &f, &l), 0);
        fake_resolver_answer(g->resolver, 0, cases[0].sorted, g->now);
        assert_string_equal(f.addrs, cases[i].sorted);
        ground_free(g);
    }
}

static void a_literal_is_told_later_and_asks_nobody(void **state)
{
    (void)state;
    struct ground *g = ground_with((struct dialer_config){.prefer = FAMILY_NONE}, true);
    struct found f, never;
    struct dial_lookup *l;
    assert_int_equal(look_up(g, "[fd00::1]", &f, &l), 0);
    assert_int_equal(look_up(g, "10.0.0.1", &never, &l), 0);
    assert_int_equal(f.n, 0);
    dial_lookup_cancel(l);
    assert_true(dialer_next_deadline(g->dialer) <= g->now.mono);
    ground_settle(g, NULL, 0);
    assert_int_equal(f.n, 1);
    assert_string_equal(f.addrs, "fd00::1");
    assert_int_equal(never.n, 0);
    assert_int_equal(dialer_next_deadline(g->dialer), NEVER);
    ground_free(g);
}

static void what_cannot_be_asked_for_is_said_at_once(void **state)
{
    (void)state;
    struct ground *g = ground_with((struct dialer_config){.prefer = FAMILY_NONE}, false);
    struct found f;
    struct dial_lookup *l;
    assert_int_equal(look_up(g, "", &f, &l), ERR_BAD_NAME);
    assert_int_equal(look_up(g, ".", &f, &l), ERR_BAD_NAME);
    fake_resolver_refuse(g->resolver, ERR_LIMIT);
    assert_int_equal(look_up(g, "example.com", &f, &l), ERR_LIMIT);
    fail_alloc_at(1);
    assert_int_equal(look_up(g, "example.com", &f, &l), ERR_NOMEM);
    fail_alloc_at(0);
    assert_int_equal(f.n, 0);
    assert_int_equal(dialer_next_deadline(g->dialer), NEVER);
    ground_free(g);
}

/* What the resolver inside would not ask a server for, the machine is not asked for either: it would tell its servers of
 * hidden services, and read addresses and escapes into what is none. */
static void the_machine_is_asked_for_names_only_and_for_none_that_stay_here(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int err;
    } cases[] = {
        {"localhost", ERR_NO_NAME},
        {"a.localhost.", ERR_NO_NAME},
        {"hidden.ONION", ERR_NO_NAME},
        {"a.invalid", ERR_NO_NAME},
        {"two words.example", ERR_BAD_NAME},
        {"a\\.example", ERR_BAD_NAME},
        {"b\xc3\xbc"
         "cher.example",
         ERR_BAD_NAME},
        {"a..example", ERR_BAD_NAME},
        {".example", ERR_BAD_NAME},
        {"line\nfeed", ERR_BAD_NAME},
        {"localhost.example", 0},
        {"onion.example.", 0},
    };
    struct fake_local machine;
    fake_local_init(&machine);
    struct ground *g = ground_with((struct dialer_config){.outside = &machine.local}, true);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct found f;
        struct dial_lookup *l;
        assert_int_equal(look_up(g, cases[i].name, &f, &l), cases[i].err);
        assert_int_equal(machine.running, cases[i].err == 0);
        if (machine.running) {
            assert_string_equal(machine.name, cases[i].name);
            dial_lookup_cancel(l);
        }
    }
    ground_free(g);
}

static void what_is_under_way_ends_with_the_dialer(void **state)
{
    (void)state;
    struct fake_local machine;
    fake_local_init(&machine);
    struct ground *g = ground_with((struct dialer_config){.outside = &machine.local}, true);
    struct found a, b;
    struct dial_lookup *l;
    assert_int_equal(look_up(g, "example.com", &a, &l), 0);
    assert_int_equal(look_up(g, "10.0.0.1", &b, &l), 0);
    dialer_free(g->dialer);
    g->dialer = NULL;
    assert_false(machine.running);
    assert_int_equal(a.n + b.n, 0);
    ground_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_asked_for_inside),
        cmocka_unit_test(a_name_is_asked_for_outside_only_where_that_is_said),
        cmocka_unit_test(what_the_machine_finds_must_make_sense_inside),
        cmocka_unit_test(more_addresses_than_fit_are_left_out),
        cmocka_unit_test(the_preferred_family_comes_first_and_the_order_stays),
        cmocka_unit_test(a_literal_is_told_later_and_asks_nobody),
        cmocka_unit_test(what_cannot_be_asked_for_is_said_at_once),
        cmocka_unit_test(the_machine_is_asked_for_names_only_and_for_none_that_stay_here),
        cmocka_unit_test(what_is_under_way_ends_with_the_dialer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
