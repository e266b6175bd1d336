/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/udp_forward.c, over the real stack and resolver, in virtual time. */
#include "proxy/udp_forward.h"

#include <stdio.h>

#include "fake_local.h"
#include "fake_port.h"
#include "far_udp.h"

#define BYTES(s) (s), sizeof(s) - 1
#define ONE "127.0.0.1:4001"
#define TWO "127.0.0.1:4002"
#define PORTS_MAX 8

struct scene {
    struct house *h;
    struct udp_forward *f;
    struct fake_port port;
    struct far_udp far, other;

    /* The machine, for forwards out of the tunnel. */
    struct fake_local machine;
    struct fake_port outside[PORTS_MAX];
    unsigned n_outside;
    int refusal;
};

static struct scene s;

static int udp_bind(void *world, const struct endpoint *at, const struct dgram_handler *handler,
                    void *ctx, struct endpoint *bound, struct dgram **out)
{
    (void)world;
    assert_int_equal(at->port, 0);
    if (s.refusal != 0) {
        return s.refusal;
    }
    assert_true(s.n_outside < PORTS_MAX);
    struct fake_port *p = &s.outside[s.n_outside++];
    fake_port_init(p, (uint16_t)(50000 + s.n_outside), handler, ctx);
    *bound = *at;
    *out = &p->dgram;
    return 0;
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

static void begin(struct udp_forward_config config, uint16_t reverse_port)
{
    static const struct wire_config near = {.delay = MS};
    static struct local_ops ops;
    memset(&s, 0, sizeof s);
    s.h = house_new(&near);
    far_udp_open(&s.far, s.h, 1000);
    far_udp_open(&s.other, s.h, 1001);
    fake_local_init(&s.machine);
    ops = *s.machine.local.ops;
    ops.udp_bind = udp_bind;
    s.machine.local.ops = &ops;
    config.stack = s.h->wire.a.stack;
    config.dialer = s.h->dialer;
    config.local = &s.machine.local;
    if (reverse_port != 0) {
        assert_int_equal(udp_forward_new_reverse(&s.f, &config, reverse_port), 0);
        return;
    }
    assert_int_equal(udp_forward_new(&s.f, &config), 0);
    fake_port_init(&s.port, 5300, &udp_forward_handler, s.f);
    udp_forward_set_port(s.f, &s.port.dgram);
}

static void end(void)
{
    udp_forward_free(s.f);
    for (unsigned i = 0; i < s.n_outside; i++) {
        assert_true(s.outside[i].closed);
    }
    stack_udp_close(s.far.u);
    stack_udp_close(s.other.u);
    house_free(s.h);
}

static void settle(void)
{
    house_pass(s.h, 20 * MS);
    if (s.port.dgram.ops != NULL) {
        udp_forward_flush(s.f);
    }
}

static void say(const char *from, const char *bytes, size_t len)
{
    fake_port_deliver(&s.port, from, bytes, len, s.h->wire.now);
    settle();
}

static void answer(struct far_udp *from, const struct endpoint *to, const char *bytes, size_t len)
{
    far_udp_say(from, to, bytes, len);
    settle();
}

static void each_sender_has_a_socket_of_its_own_inside(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_address("10.0.0.2", 1000)}, 0);
    say(ONE, BYTES("one"));
    far_udp_got(&s.far, BYTES("one"));
    struct endpoint one = s.far.from;
    say(TWO, BYTES("two"));
    far_udp_got(&s.far, BYTES("two"));
    struct endpoint two = s.far.from;
    assert_false(endpoint_equal(&one, &two));
    answer(&s.far, &one, BYTES("re: one"));
    fake_port_sent(&s.port, ONE, BYTES("re: one"));
    answer(&s.far, &two, BYTES("re: two"));
    fake_port_sent(&s.port, TWO, BYTES("re: two"));
    say(ONE, BYTES("")); /* an empty datagram is one, too */
    far_udp_got(&s.far, BYTES(""));
    assert_true(endpoint_equal(&s.far.from, &one));
    answer(&s.other, &one, BYTES("not the target"));
    fake_port_sent_nothing(&s.port);
    end();
}

static void a_flow_ends_when_it_was_idle_and_not_before(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_address("fd00::2", 1000), .idle = 10 * NS_PER_S},
          0);
    assert_int_equal(udp_forward_next_deadline(s.f), NEVER);
    say(ONE, BYTES("x"));
    uint64_t due = udp_forward_next_deadline(s.f);
    say(TWO, BYTES("x"));
    assert_int_equal(udp_forward_next_deadline(s.f), due);
    answer(&s.far, &s.far.from, BYTES("x")); /* to TWO */
    say(ONE, BYTES("x"));
    assert_true(udp_forward_next_deadline(s.f) > due);
    s.h->wire.now.mono = udp_forward_next_deadline(s.f);
    udp_forward_tick(s.f, s.h->wire.now);
    assert_int_equal(udp_forward_flows(s.f), 1); /* ONE said something last */
    s.h->wire.now.mono = udp_forward_next_deadline(s.f);
    udp_forward_tick(s.f, s.h->wire.now);
    assert_int_equal(udp_forward_flows(s.f), 0);
    assert_int_equal(udp_forward_next_deadline(s.f), NEVER);
    end();
}

static void a_flow_without_a_limit_stays(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_address("fd00::2", 1000), .idle = NEVER}, 0);
    say(ONE, BYTES("x"));
    assert_int_equal(udp_forward_next_deadline(s.f), NEVER);
    s.h->wire.now.mono += 86400 * NS_PER_S;
    udp_forward_tick(s.f, s.h->wire.now);
    assert_int_equal(udp_forward_flows(s.f), 1);
    end();
}

static void beyond_the_cap_the_longest_idle_one_makes_room(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_address("10.0.0.2", 1000), .max_flows = 2}, 0);
    say(ONE, BYTES("x"));
    struct endpoint one = s.far.from;
    say(TWO, BYTES("x"));
    struct endpoint two = s.far.from;
    say(ONE, BYTES("x"));
    assert_true(endpoint_equal(&one, &s.far.from));
    say("127.0.0.1:4003", BYTES("x"));
    assert_int_equal(udp_forward_flows(s.f), 2);
    say(ONE, BYTES("x"));
    assert_true(endpoint_equal(&one, &s.far.from));
    say(TWO, BYTES("x"));
    assert_false(endpoint_equal(&two, &s.far.from));
    end();
}

static void a_name_is_looked_up_inside_and_what_was_sent_meanwhile_follows(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_name("far.example", 1000)}, 0);
    for (unsigned i = 0; i < 70; i++) {
        fake_port_deliver(&s.port, ONE, BYTES("x"), s.h->wire.now);
    }
    house_pass(s.h, 200 * MS);
    assert_int_equal(s.far.n, 64); /* so many wait */
    unsigned asked = s.h->dns_over_udp;
    s.far.n = 0;
    say(ONE, BYTES("y"));
    far_udp_got(&s.far, BYTES("y"));
    assert_int_equal(s.h->dns_over_udp, asked);

    /* After a minute it is asked for again, and meanwhile the old address serves. */
    s.h->wire.now.mono += 61 * NS_PER_S;
    say(ONE, BYTES("z"));
    far_udp_got(&s.far, BYTES("z"));
    house_pass(s.h, 200 * MS);
    assert_true(s.h->dns_over_udp > asked);
    end();
}

static void of_a_names_addresses_one_with_a_way_is_sent_to(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_name("far.example", 1000)}, 0);
    s.h->wire.a.no_route = ERR_NO_ROUTE;
    s.h->wire.a.no_route_of = FAMILY_V6;
    fake_port_deliver(&s.port, ONE, BYTES("x"), s.h->wire.now);
    house_pass(s.h, 200 * MS);
    far_udp_got(&s.far, BYTES("x"));
    end();
}

static void a_name_that_does_not_exist_is_asked_for_again_by_the_next_datagram(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_name("nowhere.example", 1000)}, 0);
    say(ONE, BYTES("x"));
    house_pass(s.h, 200 * MS);
    assert_int_equal(udp_forward_flows(s.f), 0);
    say(ONE, BYTES("x"));
    house_pass(s.h, 200 * MS);
    assert_int_equal(s.far.n, 0);
    say(ONE, BYTES("x")); /* and the end comes while it is looked up */
    end();
}

/* ---- out of the tunnel ---- */

static const struct endpoint *inside_port(void)
{
    static struct endpoint at_a;
    at_a = at("10.0.0.1", 7000);
    return &at_a;
}

static void each_caller_has_a_socket_of_its_own_outside(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_address("192.0.2.7", 53)}, 7000);
    answer(&s.far, inside_port(), BYTES("one"));
    answer(&s.other, inside_port(), BYTES("two"));
    assert_int_equal(s.n_outside, 2);
    fake_port_sent(&s.outside[0], "192.0.2.7:53", BYTES("one"));
    fake_port_sent(&s.outside[1], "192.0.2.7:53", BYTES("two"));
    fake_port_deliver(&s.outside[1], "192.0.2.7:53", BYTES("re: two"), s.h->wire.now);
    fake_port_deliver(&s.outside[0], "192.0.2.8:53", BYTES("not the target"), s.h->wire.now);
    settle();
    far_udp_got(&s.other, BYTES("re: two"));
    assert_int_equal(s.far.n, 0);
    assert_int_equal(s.other.from.port, 7000);
    end();
}

static void a_target_outside_is_looked_up_by_the_machine(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_name("printer.lan", 631)}, 7000);
    answer(&s.far, inside_port(), BYTES("one"));
    assert_string_equal(s.machine.name, "printer.lan");
    answer(&s.far, inside_port(), BYTES("more"));
    fake_local_answer(&s.machine, 0, "192.0.2.9", s.h->wire.now);
    assert_int_equal(s.n_outside, 1);
    assert_int_equal(s.outside[0].n, 2);
    assert_int_equal(s.h->dns_over_udp, 0);
    end();
    begin((struct udp_forward_config){.target = to_name("printer.lan", 631)}, 7000);
    answer(&s.far, inside_port(), BYTES("one"));
    fake_local_answer(&s.machine, ERR_NO_NAME, "", s.h->wire.now);
    answer(&s.far, inside_port(), BYTES("two"));
    assert_true(s.machine.running); /* the end cancels it */
    end();
    assert_false(s.machine.running);
}

static void a_machine_without_sockets_drops_and_goes_on(void **state)
{
    (void)state;
    begin((struct udp_forward_config){.target = to_address("192.0.2.7", 53)}, 7000);
    s.refusal = ERR_LIMIT;
    answer(&s.far, inside_port(), BYTES("lost"));
    assert_int_equal(udp_forward_flows(s.f), 0);
    s.refusal = 0;
    answer(&s.far, inside_port(), BYTES("sent"));
    fake_port_sent(&s.outside[0], "192.0.2.7:53", BYTES("sent"));
    end();
}

static void a_port_inside_is_taken_once(void **state)
{
    (void)state;
    struct udp_forward *other;
    begin((struct udp_forward_config){.target = to_address("192.0.2.7", 53)}, 7000);
    struct udp_forward_config config = {.stack = s.h->wire.a.stack,
                                        .target = to_address("192.0.2.7", 53)};
    assert_int_equal(udp_forward_new_reverse(&other, &config, 7000), ERR_IN_USE);
    assert_int_equal(udp_forward_new_reverse(&other, &config, 0), ERR_INVALID);
    end();
}

static struct access *deny(const char *net, const char *suffix)
{
    struct access *a;
    struct access_rule rule = {.suffix = suffix, .last = UINT16_MAX};
    rule.has_net = net != NULL;
    assert_true(net == NULL || prefix_parse(&rule.net, net));
    assert_int_equal(access_new(&a), 0);
    assert_int_equal(access_add(a, &rule), 0);
    return a;
}

static int open_to(const char *addr, const char *name, const struct access *access)
{
    struct udp_forward *f = NULL;
    struct udp_forward_config c = {.target.port = 53, .access = access};
    if (name != NULL) {
        snprintf(c.target.name, sizeof c.target.name, "%s", name);
    } else {
        assert_true(addr_parse(&c.target.addr, addr));
    }
    int err = udp_forward_new(&f, &c);
    if (err == 0) {
        udp_forward_free(f);
    }
    return err;
}

static void a_target_that_the_rules_deny_is_refused_at_once(void **state)
{
    (void)state;
    struct access *net = deny("10.0.0.0/8", NULL), *name = deny(NULL, "corp.example");
    assert_int_equal(open_to("10.0.0.5", NULL, net), ERR_DENIED);
    assert_int_equal(open_to("192.0.2.5", NULL, net), 0);
    assert_int_equal(open_to(NULL, "dns.corp.example", name), ERR_DENIED);
    assert_int_equal(open_to(NULL, "dns.corp.example", net),
                     0); /* its addresses are judged when they are known */
    assert_int_equal(open_to("10.0.0.5", NULL, NULL), 0);
    access_free(net);
    access_free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sender_has_a_socket_of_its_own_inside),
        cmocka_unit_test(a_flow_ends_when_it_was_idle_and_not_before),
        cmocka_unit_test(a_flow_without_a_limit_stays),
        cmocka_unit_test(beyond_the_cap_the_longest_idle_one_makes_room),
        cmocka_unit_test(a_name_is_looked_up_inside_and_what_was_sent_meanwhile_follows),
        cmocka_unit_test(of_a_names_addresses_one_with_a_way_is_sent_to),
        cmocka_unit_test(a_name_that_does_not_exist_is_asked_for_again_by_the_next_datagram),
        cmocka_unit_test(each_caller_has_a_socket_of_its_own_outside),
        cmocka_unit_test(a_target_outside_is_looked_up_by_the_machine),
        cmocka_unit_test(a_machine_without_sockets_drops_and_goes_on),
        cmocka_unit_test(a_port_inside_is_taken_once),
        cmocka_unit_test(a_target_that_the_rules_deny_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
