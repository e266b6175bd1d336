/* SPDX-License-Identifier: MIT */
/* More of src/proxy/dial.c: what the access rules say of a destination, and a tunnel whose peer is silent. */
#include "proxy/dial.h"

#include "base/err.h"
#include "ground.h"
#include "unit/test.h"

#include <string.h>

#define TIMEOUT (15 * NS_PER_S)
#define GRACE (10 * NS_PER_S)

struct scene {
    struct ground *g;
    struct access *access;
    bool silent;
    unsigned n;
    int err;
    struct stack_tcp *t;
};

static void done(void *ctx, int err, struct stack_tcp *t, struct now now)
{
    (void)now;
    struct scene *s = ctx;
    s->n++;
    s->err = err;
    s->t = t;
}

static bool peer_is_silent(void *ctx)
{
    return ((struct scene *)ctx)->silent;
}

static int setup(void **state)
{
    static struct scene s;
    s = (struct scene){.g = ground_new((struct ground_options){0})};
    dialer_free(s.g->dialer);
    struct dialer_config config = {.stack = s.g->stack,
                                   .resolver = s.g->resolver,
                                   .peer_is_silent = peer_is_silent,
                                   .ctx = &s};
    assert_int_equal(dialer_new(&s.g->dialer, &config), 0);
    assert_int_equal(access_new(&s.access), 0);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    ground_free(s->g);
    access_free(s->access);
    return 0;
}

static void rule(struct scene *s, struct access_rule r, const char *net)
{
    if (net != NULL) {
        r.has_net = true;
        assert_true(prefix_parse(&r.net, net));
    }
    r.last = 65535;
    assert_int_equal(access_add(s->access, &r), 0);
}

static int start(struct scene *s, const char *where, const char *user)
{
    struct target to = {.port = 443};
    strcpy(to.name, where);
    struct dial *dial;
    s->n = 0;
    return dial_start(s->g->dialer, &to, s->access, user, done, s, &dial, s->g->now);
}

static void sleep_and_settle(struct scene *s, uint64_t ns)
{
    ground_sleep(s->g, ns);
    ground_settle(s->g, NULL, 0);
}

static void a_denied_address_is_not_dialled_however_it_is_spelt(void **state)
{
    struct scene *s = *state;
    rule(s, (struct access_rule){.allow = false}, "10.0.0.0/8");
    rule(s, (struct access_rule){.allow = false}, "fd00::/8");
    static const char *const spellings[] = {"10.0.0.1", "::ffff:10.0.0.1", "[::ffff:10.0.0.1]",
                                            "fd00::1", "[fd00::1]"};
    for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
        assert_int_equal(start(s, spellings[i], NULL), ERR_DENIED);
    }
    assert_int_equal(fake_tcp_count(s->g->stack), 0);
    assert_int_equal(start(s, "11.0.0.1", NULL), 0);
}

static void a_denied_name_is_not_even_looked_up(void **state)
{
    struct scene *s = *state;
    rule(s, (struct access_rule){.allow = true, .suffix = "corp.example", .user = "alice"}, NULL);
    assert_int_equal(start(s, "example.com", "alice"), ERR_DENIED);
    assert_int_equal(start(s, "www.corp.example", "bob"), ERR_DENIED);
    assert_int_equal(start(s, "www.corp.example", NULL), ERR_DENIED);
    assert_int_equal(fake_resolver_running(s->g->resolver), 0);
    assert_int_equal(start(s, "www.corp.example", "alice"), 0);
    fake_resolver_answer(s->g->resolver, 0, "10.0.0.1", s->g->now);
    assert_int_equal(fake_tcp_count(s->g->stack), 1);
}

/* "localhost" in text is no way round a rule about names, nor an address round one about networks. */
static void a_literal_in_a_name_has_no_name(void **state)
{
    struct scene *s = *state;
    rule(s, (struct access_rule){.allow = true, .suffix = "1"}, NULL);
    assert_int_equal(start(s, "10.0.0.1", NULL), ERR_DENIED);
}

static void denied_addresses_of_a_name_are_passed_over(void **state)
{
    struct scene *s = *state;
    rule(s, (struct access_rule){.allow = false}, "10.0.0.0/8");
    assert_int_equal(start(s, "example.com", NULL), 0);
    fake_resolver_answer(s->g->resolver, 0, "10.0.0.1 11.0.0.1 10.0.0.2", s->g->now);
    assert_int_equal(fake_tcp_count(s->g->stack), 1);
    assert_string_equal(fake_tcp_where(fake_tcp(s->g->stack, 0)), "11.0.0.1:443");
    sleep_and_settle(s, NS_PER_S);
    assert_int_equal(fake_tcp_count(s->g->stack), 1);
    fake_tcp_failed(fake_tcp(s->g->stack, 0), ERR_REFUSED);
    ground_settle(s->g, NULL, 0);
    assert_int_equal(s->err, ERR_REFUSED);

    assert_int_equal(start(s, "example.com", NULL), 0);
    fake_resolver_answer(s->g->resolver, 0, "10.0.0.1 10.0.0.2", s->g->now);
    assert_int_equal(s->n, 1);
    assert_int_equal(s->err, ERR_DENIED);
}

static void denied_is_told_before_no_route(void **state)
{
    struct scene *s = *state;
    rule(s, (struct access_rule){.allow = false}, "10.0.0.0/8");
    fake_stack_forbid(s->g->stack, "11.0.0.1", ERR_NO_ROUTE);
    fake_stack_forbid(s->g->stack, "fd00::1", ERR_NO_FAMILY);
    assert_int_equal(start(s, "example.com", NULL), 0);
    fake_resolver_answer(s->g->resolver, 0, "fd00::1 10.0.0.1 11.0.0.1", s->g->now);
    assert_int_equal(s->err, ERR_DENIED);
}

static void a_dial_has_more_time_while_the_peer_is_silent(void **state)
{
    struct scene *s = *state;
    s->silent = true;
    assert_int_equal(start(s, "10.0.0.1", NULL), 0);
    sleep_and_settle(s, TIMEOUT);
    assert_int_equal(s->n, 0);
    sleep_and_settle(s, GRACE - 1);
    assert_int_equal(s->n, 0);
    s->silent = false; /* it healed at the last moment */
    fake_tcp_connected(fake_tcp(s->g->stack, 0));
    ground_settle(s->g, NULL, 0);
    assert_int_equal(s->n, 1);
    assert_int_equal(s->err, 0);
    stack_tcp_close(s->t);
    assert_int_equal(dialer_next_deadline(s->g->dialer), NEVER);
}

static void what_runs_out_then_is_the_peers_silence(void **state)
{
    struct scene *s = *state;
    s->silent = true;
    assert_int_equal(start(s, "10.0.0.1", NULL), 0);
    sleep_and_settle(s, TIMEOUT);
    sleep_and_settle(s, GRACE);
    assert_int_equal(s->err, ERR_PEER_SILENT);

    assert_int_equal(start(s, "10.0.0.1", NULL), 0);
    sleep_and_settle(s, TIMEOUT);
    s->silent = false; /* it healed, and the target is silent */
    sleep_and_settle(s, GRACE);
    assert_int_equal(s->err, ERR_TIMED_OUT);

    s->silent = true;
    assert_int_equal(start(s, "example.com", NULL), 0);
    sleep_and_settle(s, TIMEOUT);
    sleep_and_settle(s, GRACE);
    assert_int_equal(s->err, ERR_PEER_SILENT);

    /* a dial that runs is cancelled in its grace, too */
    assert_int_equal(start(s, "10.0.0.1", NULL), 0);
    sleep_and_settle(s, TIMEOUT);
    dialer_free(s->g->dialer);
    s->g->dialer = NULL;
}

static void a_name_is_looked_up_again_while_the_peer_is_silent(void **state)
{
    struct scene *s = *state;
    s->silent = true;
    assert_int_equal(start(s, "example.com", NULL), 0);
    sleep_and_settle(s, 12 * NS_PER_S);
    fake_resolver_fail(s->g->resolver, 0, ERR_DNS_SILENT, s->g->now);
    assert_int_equal(s->n, 0);
    sleep_and_settle(s, 4 * NS_PER_S);
    fake_resolver_answer(s->g->resolver, 0, "10.0.0.1", s->g->now);
    assert_int_equal(fake_tcp_count(s->g->stack), 1);
    fake_tcp_connected(fake_tcp(s->g->stack, 0));
    ground_settle(s->g, NULL, 0);
    assert_int_equal(s->err, 0);
    stack_tcp_close(s->t);

    assert_int_equal(start(s, "example.com", NULL), 0); /* not when it fails at once */
    fake_resolver_fail(s->g->resolver, 0, ERR_DNS_SILENT, s->g->now);
    assert_int_equal(s->err, ERR_PEER_SILENT);

    assert_int_equal(start(s, "example.com", NULL), 0); /* nor for an answer that is one */
    sleep_and_settle(s, 2 * NS_PER_S);
    fake_resolver_fail(s->g->resolver, 0, ERR_NO_NAME, s->g->now);
    assert_int_equal(s->err, ERR_NO_NAME);
}

static void a_crowd_in_its_grace_ends_in_order(void **state)
{
    struct scene *s = *state;
    s->silent = true;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(start(s, "10.0.0.1", NULL), 0);
        ground_sleep(s->g, NS_PER_S);
    }
    uint64_t first = s->g->now.mono - 10 * NS_PER_S + TIMEOUT;
    for (unsigned i = 0; i < 10; i++) { /* each comes into its grace at its time */
        s->g->now.mono = first + i * NS_PER_S;
        ground_settle(s->g, NULL, 0);
    }
    s->n = 0;
    for (unsigned i = 0; i < 10; i++) {
        s->g->now.mono = first + GRACE + i * NS_PER_S;
        assert_int_equal(dialer_next_deadline(s->g->dialer), s->g->now.mono);
        ground_settle(s->g, NULL, 0);
        assert_int_equal(s->n, i + 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_denied_address_is_not_dialled_however_it_is_spelt),
        TEST(a_denied_name_is_not_even_looked_up),
        TEST(a_literal_in_a_name_has_no_name),
        TEST(denied_addresses_of_a_name_are_passed_over),
        TEST(denied_is_told_before_no_route),
        TEST(a_dial_has_more_time_while_the_peer_is_silent),
        TEST(what_runs_out_then_is_the_peers_silence),
        TEST(a_name_is_looked_up_again_while_the_peer_is_silent),
        TEST(a_crowd_in_its_grace_ends_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
