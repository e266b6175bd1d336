/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/udp_targets.c: what names lead to, and what the rules say of each datagram. */
#include "relay_scene.h"

static void a_name_is_looked_up_inside_and_what_was_sent_meanwhile_follows(void **state)
{
    (void)state;
    struct relay_scene p;
    relay_begin(&p, (struct udp_relay_config){.idle = 10 * NS_PER_S});
    relay_associate(&p);
    for (unsigned i = 0; i < 9; i++) {
        fake_port_deliver(&p.port, CLIENT, BYTES(TO_NAME "first"), p.h->wire.now);
    }
    assert_int_equal(udp_relay_counters(p.r).dropped_limit, 1); /* eight wait */
    house_pass(p.h, 200 * MS);
    assert_int_equal(p.far.n, 8);
    p.far.n = 0;
    unsigned asked = p.h->dns_over_udp;
    relay_say(&p, CLIENT, BYTES(TO_NAME "next"));
    far_udp_got(&p.far, BYTES("next"));
    assert_int_equal(p.h->dns_over_udp, asked);
    relay_say(&p, CLIENT, BYTES(TO_NOWHERE "lost"));
    house_pass(p.h, 200 * MS);
    assert_int_equal(udp_relay_counters(p.r).dropped_denied, 1);

    /* Idle names are forgotten, and then there is nothing to wait for. */
    assert_true(udp_relay_next_deadline(p.r) != NEVER);
    for (unsigned i = 0; i < 3 && udp_relay_next_deadline(p.r) != NEVER; i++) {
        p.h->wire.now.mono += 10 * NS_PER_S;
        udp_relay_tick(p.r, p.h->wire.now);
    }
    assert_int_equal(udp_relay_next_deadline(p.r), NEVER);
    relay_end(&p);
}

static void deny(struct access *a, const char *net)
{
    struct access_rule rule = {.has_net = true, .last = UINT16_MAX};
    assert_true(prefix_parse(&rule.net, net));
    assert_int_equal(access_add(a, &rule), 0);
}

/* As a connection would: no peer's AllowedIPs may have the one, or a rule forbids the other. */
static void of_a_names_addresses_one_that_may_be_reached_is_sent_to(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct relay_scene p;
        struct access *a;
        assert_int_equal(access_new(&a), 0);
        relay_begin(&p, (struct udp_relay_config){.access = a});
        relay_associate(&p);
        if (i == 0) {
            p.h->wire.a.no_route = ERR_NO_ROUTE;
            p.h->wire.a.no_route_of = FAMILY_V6;
        } else {
            deny(a, i == 1 ? "fd00::/8" : "10.0.0.0/8");
        }
        fake_port_deliver(&p.port, CLIENT, BYTES(TO_NAME "x"), p.h->wire.now);
        house_pass(p.h, 200 * MS);
        far_udp_got(&p.far, BYTES("x"));
        assert_int_equal(p.far.from.addr.family, i == 2 ? FAMILY_V6 : FAMILY_V4);
        relay_end(&p);
        access_free(a);
    }
}

static void a_look_up_ends_with_its_association(void **state)
{
    (void)state;
    struct relay_scene p;
    relay_begin(&p, (struct udp_relay_config){0});
    struct udp_association *a = relay_associate(&p);
    fake_port_deliver(&p.port, CLIENT, BYTES(TO_NAME "x"), p.h->wire.now);
    udp_association_close(a);
    house_pass(p.h, 200 * MS);
    assert_int_equal(p.far.n, 0);
    relay_end(&p);
}

static void rules_hold_for_each_datagram(void **state)
{
    (void)state;
    struct access *access;
    struct access_rule rule = {.allow = false, .first = 1001, .last = 1001};
    assert_int_equal(access_new(&access), 0);
    assert_int_equal(access_add(access, &rule), 0);
    struct relay_scene p;
    relay_begin(&p, (struct udp_relay_config){.access = access});
    relay_associate(&p);
    relay_say(&p, CLIENT, BYTES(TO_OTHER "no"));
    relay_say(&p, CLIENT,
              BYTES("\0\0\0\x03\x0b"
                    "far.example"
                    "\x03\xe9"
                    "no"));
    house_pass(p.h, 200 * MS);
    assert_int_equal(p.other.n, 0);
    assert_int_equal(udp_relay_counters(p.r).dropped_denied, 2);
    relay_say(&p, CLIENT, BYTES(TO_FAR "yes"));
    far_udp_got(&p.far, BYTES("yes"));
    relay_end(&p);
    access_free(access);
}

/* Its servers would hear of it. */
static void a_name_that_is_denied_is_not_even_asked_for(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"far.example", "example"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        struct relay_scene p;
        struct access *access;
        struct access_rule rule = {.suffix = suffixes[i], .last = UINT16_MAX};
        assert_int_equal(access_new(&access), 0);
        assert_int_equal(access_add(access, &rule), 0);
        relay_begin(&p, (struct udp_relay_config){.access = access});
        relay_associate(&p);
        relay_say(&p, CLIENT, BYTES(TO_NAME "no"));
        assert_int_equal(p.h->dns_over_udp, 0);
        assert_int_equal(p.far.n, 0);
        assert_int_equal(udp_relay_counters(p.r).dropped_denied, 1);
        relay_end(&p);
        access_free(access);
    }
}

/* The answers of the house live for a minute, and the relay's own memory of them for half of one. */
static void a_name_in_use_is_asked_for_anew(void **state)
{
    (void)state;
    struct relay_scene p;
    relay_begin(&p, (struct udp_relay_config){0});
    relay_associate(&p);
    relay_say(&p, CLIENT, BYTES(TO_NAME "1"));
    unsigned once = p.h->dns_over_udp;
    assert_true(once > 0);
    for (unsigned i = 0; i < 8; i++) {
        house_pass(p.h, 10 * NS_PER_S);
        relay_say(&p, CLIENT, BYTES(TO_NAME "2"));
    }
    assert_true(p.h->dns_over_udp > once);
    assert_true(p.h->dns_over_udp <= 3 * once);
    assert_int_equal(udp_relay_counters(p.r).up, 9);
    relay_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_looked_up_inside_and_what_was_sent_meanwhile_follows),
        cmocka_unit_test(of_a_names_addresses_one_that_may_be_reached_is_sent_to),
        cmocka_unit_test(a_look_up_ends_with_its_association),
        cmocka_unit_test(rules_hold_for_each_datagram),
        cmocka_unit_test(a_name_that_is_denied_is_not_even_asked_for),
        cmocka_unit_test(a_name_in_use_is_asked_for_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
