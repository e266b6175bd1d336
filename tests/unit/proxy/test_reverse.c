/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/reverse.c: callers inside over the real stack, targets here by the test. */
#include "proxy/reverse.h"

#include "fake_local.h"
#include "house.h"

#define BYTES(s) (s), sizeof(s) - 1
#define PORT 7000
#define TARGETS_MAX 4

struct scene {
    struct house *h;
    struct reverse *r;
    struct fake_local machine;
    struct fake_client targets[TARGETS_MAX]; /* in the order in which they were connected to */
    struct place to[TARGETS_MAX];
    unsigned n;
    int refusal; /* what the next attempt to connect returns at once */
};

static struct scene s;

static int connect_here(void *world, const struct place *to, struct stream **out)
{
    (void)world;
    assert_true(s.n < TARGETS_MAX);
    s.to[s.n] = *to;
    fake_client_init(&s.targets[s.n]);
    if (s.refusal != 0) {
        s.targets[s.n++].fate = FAKE_CLOSED;
        return s.refusal;
    }
    s.targets[s.n].room = 0; /* not connected yet */
    *out = &s.targets[s.n++].stream;
    return 0;
}

static void begin(struct reverse_config config)
{
    static const struct wire_config near = {.delay = MS};
    static struct local_ops ops;
    memset(&s, 0, sizeof s);
    s.h = house_new(&near);
    fake_local_init(&s.machine);
    ops = *s.machine.local.ops;
    ops.connect = connect_here;
    s.machine.local.ops = &ops;
    config.stack = s.h->wire.a.stack;
    config.local = &s.machine.local;
    config.port = PORT;
    assert_int_equal(reverse_new(&s.r, &config), 0);
}

static void end(void)
{
    reverse_free(s.r);
    for (unsigned i = 0; i < s.n; i++) {
        fake_client_fini(&s.targets[i]);
    }
    house_free(s.h);
}

static struct target to_address(const char *address, uint16_t port)
{
    struct target t = {.port = port};
    assert_true(addr_parse(&t.addr, address));
    return t;
}

static struct target to_name(const char *name, uint16_t port)
{
    struct target t = {.port = port};
    strcpy(t.name, name);
    return t;
}

static void settle(void)
{
    for (unsigned round = 0; round < 20; round++) {
        house_pass(s.h, 2 * MS);
        for (unsigned i = 0; i < s.n; i++) {
            if (s.targets[i].fate == FAKE_OPEN) {
                fake_client_turn(&s.targets[i], s.h->wire.now);
            }
        }
    }
}

static struct far_conn *call(void)
{
    struct far_conn *c = house_call(s.h, "10.0.0.1:7000");
    settle();
    return c;
}

static void target_answers(unsigned i)
{
    s.targets[i].room = SIZE_MAX;
    settle();
}

static void target_refuses(unsigned i)
{
    s.targets[i].write_err = ERR_REFUSED;
    s.targets[i].room = SIZE_MAX;
    settle();
}

static void assert_place(unsigned i, const char *expected)
{
    char text[PLACE_TEXT];
    assert_string_equal(place_format(&s.to[i], text), expected);
}

/* The caller echoes what the target says, its end included. */
static void a_caller_and_its_target_talk_until_both_have_finished(void **state)
{
    (void)state;
    begin((struct reverse_config){.target = to_address("192.0.2.7", 80)});
    struct far_conn *c = call();
    assert_place(0, "192.0.2.7:80");
    target_answers(0);
    fake_client_send(&s.targets[0], BYTES("hello"));
    settle();
    assert_int_equal(s.targets[0].output.len, 5);
    assert_memory_equal(s.targets[0].output.data, "hello", 5);
    assert_int_equal(reverse_sessions(s.r), 1);
    assert_int_equal(reverse_next_deadline(s.r), NEVER);
    fake_client_shutdown(&s.targets[0]);
    settle();
    assert_true(c->eof && s.targets[0].shut);
    assert_int_equal(s.targets[0].fate, FAKE_CLOSED);
    assert_int_equal(reverse_sessions(s.r), 0);
    end();
}

static void a_target_that_refuses_resets_its_caller(void **state)
{
    (void)state;
    begin((struct reverse_config){.target = to_address("192.0.2.7", 80)});
    struct far_conn *c = call();
    assert_int_equal(c->err, 0);
    target_refuses(0);
    assert_int_equal(c->err, ERR_RESET);
    assert_int_equal(s.targets[0].fate, FAKE_ABORTED);
    s.refusal = ERR_REFUSED; /* as a Unix socket says it, at once */
    c = call();
    assert_int_equal(c->err, ERR_RESET);
    assert_int_equal(reverse_sessions(s.r), 0);
    end();
}

static void a_name_is_looked_up_here_and_its_addresses_tried_in_turn(void **state)
{
    (void)state;
    begin((struct reverse_config){.target = to_name("printer.lan", 631)});
    struct far_conn *c = call();
    assert_string_equal(s.machine.name, "printer.lan");
    assert_int_equal(s.n, 0);
    fake_local_answer(&s.machine, 0, "2001:db8::7 192.0.2.7 192.0.2.8", s.h->wire.now);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(s.n, i + 1);
        target_refuses(i);
    }
    assert_int_equal(s.n, 3);
    assert_place(0, "[2001:db8::7]:0"); /* the puppet gives no ports */
    assert_place(1, "192.0.2.7:0");
    assert_place(2, "192.0.2.8:0");
    assert_int_equal(c->err, ERR_RESET);
    end();
}

static void a_name_without_address_resets_the_caller_and_one_that_leaves_ends_the_look_up(
    void **state)
{
    (void)state;
    begin((struct reverse_config){.target = to_name("printer.lan", 631)});
    struct far_conn *c = call();
    fake_local_answer(&s.machine, ERR_NO_NAME, "", s.h->wire.now);
    settle();
    assert_int_equal(c->err, ERR_RESET);
    c = call();
    assert_true(s.machine.running);
    stack_tcp_abort(c->t);
    settle();
    assert_false(s.machine.running);
    s.machine.refusal = ERR_NOMEM;
    c = call();
    assert_int_equal(c->err, ERR_RESET);
    end();
}

static void a_target_has_its_time_to_answer(void **state)
{
    (void)state;
    begin((struct reverse_config){.target = to_address("192.0.2.7", 80),
                                  .connect_timeout = 3 * NS_PER_S});
    struct far_conn *c = call();
    assert_true(reverse_next_deadline(s.r) > s.h->wire.now.mono + 2 * NS_PER_S);
    s.h->wire.now.mono = reverse_next_deadline(s.r);
    reverse_tick(s.r, s.h->wire.now);
    settle();
    assert_int_equal(c->err, ERR_RESET);
    assert_int_equal(s.targets[0].fate, FAKE_ABORTED);
    end();
}

static void what_is_idle_is_reset(void **state)
{
    (void)state;
    begin((struct reverse_config){.target = to_address("192.0.2.7", 80), .idle = 3 * NS_PER_S});
    struct far_conn *one = call();
    target_answers(0);
    struct far_conn *two = call();
    target_answers(1);
    fake_client_send(&s.targets[0], BYTES("still here"));
    settle();
    s.h->wire.now.mono = reverse_next_deadline(s.r);
    reverse_tick(s.r, s.h->wire.now);
    settle();
    assert_int_equal(one->err, 0);
    assert_int_equal(two->err, ERR_RESET);
    end();
}

static void beyond_the_limit_and_after_the_end_callers_are_reset(void **state)
{
    (void)state;
    begin((struct reverse_config){.target = to_address("192.0.2.7", 80), .max_sessions = 1});
    struct far_conn *one = call();
    target_answers(0);
    assert_int_equal(call()->err, ERR_RESET);
    assert_true(reverse_drain(s.r));
    assert_int_equal(call()->err, ERR_REFUSED); /* nobody listens any more */
    assert_int_equal(one->err, 0);
    stack_tcp_abort(one->t);
    one->t = NULL;
    settle();
    assert_int_equal(s.targets[0].fate, FAKE_ABORTED);
    assert_false(reverse_drain(s.r));
    end();
}

static void a_unix_socket_is_a_target_too(void **state)
{
    (void)state;
    struct reverse_config config = {.place.kind = PLACE_UNIX};
    strcpy(config.place.path, "/run/target.sock");
    begin(config);
    struct far_conn *c = call();
    assert_place(0, "unix:/run/target.sock");
    target_answers(0);
    fake_client_reset(&s.targets[0]);
    settle();
    assert_int_equal(c->err, ERR_RESET);
    end();
}

static void the_end_of_the_program_resets_everything(void **state)
{
    (void)state;
    begin((struct reverse_config){.target = to_name("printer.lan", 631)});
    call();
    fake_local_answer(&s.machine, 0, "192.0.2.7", s.h->wire.now);
    target_answers(0);
    call();
    fake_local_answer(&s.machine, 0, "192.0.2.7", s.h->wire.now);
    call();
    assert_int_equal(reverse_sessions(s.r), 3); /* one relays, one connects, one looks up */
    end();
    assert_int_equal(s.targets[0].fate, FAKE_ABORTED);
    assert_int_equal(s.targets[1].fate, FAKE_ABORTED);
    assert_false(s.machine.running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caller_and_its_target_talk_until_both_have_finished),
        cmocka_unit_test(a_target_that_refuses_resets_its_caller),
        cmocka_unit_test(a_name_is_looked_up_here_and_its_addresses_tried_in_turn),
        cmocka_unit_test(
            a_name_without_address_resets_the_caller_and_one_that_leaves_ends_the_look_up),
        cmocka_unit_test(a_target_has_its_time_to_answer),
        cmocka_unit_test(what_is_idle_is_reset),
        cmocka_unit_test(beyond_the_limit_and_after_the_end_callers_are_reset),
        cmocka_unit_test(a_unix_socket_is_a_target_too),
        cmocka_unit_test(the_end_of_the_program_resets_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
