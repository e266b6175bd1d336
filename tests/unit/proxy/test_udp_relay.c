/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/udp_relay.c and udp_header.c: whose a datagram is, and the ways there and back. */
#include "proxy/udp_relay.h"

#include "relay_scene.h"

static const struct endpoint nobody;

/* What a password opened is not for whoever has the same address: programs of one machine, or of one NAT. */
static void an_association_of_a_user_stays_with_its_first_port(void **state)
{
    (void)state;
    struct relay_scene p;
    struct udp_association *a;
    struct endpoint from, local;
    relay_begin(&p, (struct udp_relay_config){0});
    assert_true(endpoint_parse(&from, "127.0.0.1:40000"));
    assert_true(endpoint_parse(&local, "127.0.0.9:1080"));
    struct endpoint hint = {.port = 4001}; /* which a NAT may have changed */
    assert_int_equal(
        udp_association_open(p.r, &from, &local, &hint, "alice", &a, &p.bound, p.h->wire.now), 0);
    relay_say(&p, CLIENT, BYTES(TO_FAR "first"));
    far_udp_got(&p.far, BYTES("first"));
    relay_say(&p, "127.0.0.1:4002", BYTES(TO_FAR "intruder"));
    relay_say(&p, "127.0.0.1:4001", BYTES(TO_FAR "intruder"));
    assert_int_equal(p.far.n, 0);
    assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 2);
    relay_say(&p, CLIENT, BYTES(TO_FAR "again"));
    far_udp_got(&p.far, BYTES("again"));
    relay_answer(&p, &p.far, &p.far.from, BYTES("pong"));
    fake_port_sent(&p.port, CLIENT, BYTES(TO_FAR "pong"));
    relay_end(&p);
}

static void a_datagram_goes_in_and_its_answer_comes_back(void **state)
{
    (void)state;
    struct relay_scene p;
    relay_begin(&p, (struct udp_relay_config){0});
    relay_associate(&p);
    char text[ENDPOINT_TEXT];
    assert_string_equal(endpoint_format(&p.bound, text), "127.0.0.9:1080");
    relay_say(&p, CLIENT, BYTES(TO_FAR "ping"));
    far_udp_got(&p.far, BYTES("ping"));
    relay_answer(&p, &p.far, &p.far.from, BYTES("pong"));
    fake_port_sent(&p.port, CLIENT, BYTES(TO_FAR "pong"));
    relay_say(&p, CLIENT, BYTES(TO_SIX "six"));
    far_udp_got(&p.far, BYTES("six"));
    relay_answer(&p, &p.far, &p.far.from, BYTES(""));
    fake_port_sent(&p.port, CLIENT, BYTES(TO_SIX));
    assert_int_equal(udp_relay_counters(p.r).up, 2);
    assert_int_equal(udp_relay_counters(p.r).down, 2);
    assert_int_equal(udp_relay_next_deadline(p.r), NEVER); /* addresses need no memory */
    relay_end(&p);
}

static void anyone_inside_may_answer(void **state)
{
    (void)state;
    struct relay_scene p;
    relay_begin(&p, (struct udp_relay_config){0});
    relay_associate(&p);
    relay_say(&p, CLIENT, BYTES(TO_FAR "ping"));
    relay_answer(&p, &p.other, &p.far.from, BYTES("hello"));
    fake_port_sent(&p.port, CLIENT, BYTES(TO_OTHER "hello"));
    relay_end(&p);
}

static void what_is_no_datagram_or_a_part_of_one_is_dropped_and_counted(void **state)
{
    (void)state;
    struct relay_scene p;
    relay_begin(&p, (struct udp_relay_config){0});
    relay_associate(&p);
    static const char good[] = TO_NAME "x";
    for (size_t len = 0; len < sizeof good - 2; len++) {
        relay_say(&p, CLIENT, good, len);
    }
    assert_int_equal(udp_relay_counters(p.r).dropped_invalid, sizeof good - 2);
    relay_say(&p, CLIENT,
              BYTES("\0\0\0\x02\x0a\0\0\x02\x03\xe8"
                    "type"));
    relay_say(&p, CLIENT,
              BYTES("\0\0\0\x01\x0a\0\0\x02\0\0"
                    "port 0"));
    relay_say(&p, CLIENT,
              BYTES("\0\0\0\x03\0\x03\xe8"
                    "no name"));
    relay_say(&p, CLIENT,
              BYTES("\0\0\0\x03\x03"
                    "a\0b"
                    "\x03\xe8"
                    "NUL"));
    assert_int_equal(udp_relay_counters(p.r).dropped_invalid, sizeof good - 2 + 4);
    relay_say(&p, CLIENT,
              BYTES("\0\0\x01\x01\x0a\0\0\x02\x03\xe8"
                    "part"));
    relay_say(&p, CLIENT,
              BYTES("\0\0\x81\x01\x0a\0\0\x02\x03\xe8"
                    "last part"));
    assert_int_equal(udp_relay_counters(p.r).dropped_fragment, 2);
    assert_int_equal(p.far.n, 0);
    relay_end(&p);
}

static void datagrams_belong_to_the_association_of_their_address(void **state)
{
    (void)state;
    struct relay_scene p;
    struct udp_association *a, *b;
    relay_begin(&p, (struct udp_relay_config){0});
    assert_int_equal(relay_open_from(&p, "127.0.0.1:40000", NULL, &a), 0);
    assert_int_equal(relay_open_from(&p, "127.0.0.2:40000", NULL, &b), 0);
    relay_say(&p, "127.0.0.3:4000", BYTES(TO_FAR "stranger"));
    assert_int_equal(p.far.n, 0);
    assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 1);
    relay_say(&p, "127.0.0.1:4000", BYTES(TO_FAR "a"));
    struct endpoint at_a = p.far.from;
    far_udp_got(&p.far, BYTES("a"));
    relay_say(&p, "127.0.0.2:4000", BYTES(TO_FAR "b"));
    struct endpoint at_b = p.far.from;
    far_udp_got(&p.far, BYTES("b"));
    assert_false(endpoint_equal(&at_a, &at_b));
    relay_answer(&p, &p.far, &at_b, BYTES("to b"));
    fake_port_sent(&p.port, "127.0.0.2:4000", BYTES(TO_FAR "to b"));
    udp_association_close(b);
    relay_answer(&p, &p.far, &at_b, BYTES("to nobody"));
    fake_port_sent_nothing(&p.port);
    /* The only one of its address follows a client to a new socket. */
    relay_say(&p, "127.0.0.1:4001", BYTES(TO_FAR "a"));
    assert_true(endpoint_equal(&p.far.from, &at_a));
    relay_end(&p);
}

static void several_of_one_address_are_told_apart_by_their_ports(void **state)
{
    (void)state;
    struct relay_scene p;
    struct udp_association *first, *named, *last;
    relay_begin(&p, (struct udp_relay_config){0});
    assert_int_equal(relay_open_from(&p, "127.0.0.1:40000", NULL, &first), 0);
    assert_int_equal(relay_open_from(&p, "127.0.0.1:40001", "127.0.0.1:4009", &named), 0);
    assert_int_equal(relay_open_from(&p, "127.0.0.1:40002", "192.0.2.1:4001", &last),
                     0); /* before some NAT: says nothing */
    static const char *const from[] = {"127.0.0.1:4001", "127.0.0.1:4009", "127.0.0.1:4002"};
    struct endpoint seen[3];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 3; i++) {
            relay_say(&p, from[i], BYTES(TO_FAR "x"));
            far_udp_got(&p.far, BYTES("x"));
            assert_true(round == 0 || endpoint_equal(&seen[i], &p.far.from));
            seen[i] = p.far.from;
        }
    }
    assert_false(endpoint_equal(&seen[0], &seen[1]) || endpoint_equal(&seen[1], &seen[2]) ||
                 endpoint_equal(&seen[0], &seen[2]));
    relay_say(&p, "127.0.0.1:4003", BYTES(TO_FAR "x")); /* whose? */
    assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 1);
    relay_end(&p);
}

/* Its socket lets in one user; its datagrams come over loopback, where every account can send. */
static void a_client_of_a_unix_socket_must_name_where_it_sends_from(void **state)
{
    (void)state;
    static const struct {
        const char *hint, *from; /* NULL: refused */
    } cases[] = {
        {NULL, NULL},
        {"0.0.0.0:0", NULL},
        {"127.0.0.1:0", NULL},
        {"192.0.2.7:4000", NULL}, /* whose is it? */
        {"[::1]:4000", NULL},     /* the port is IPv4's */
        {"0.0.0.0:4000", "127.0.0.1:4000"},
        {"[::]:4000", "127.0.0.1:4000"},
        {"127.0.0.1:4000", "127.0.0.1:4000"},
        {"127.0.0.5:4000", "127.0.0.5:4000"},
    };
    static const char *const strangers[] = {"127.0.0.1:4001", "127.0.0.2:4000", "192.0.2.7:4000"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct relay_scene p;
        struct udp_association *a;
        char text[ENDPOINT_TEXT];
        relay_begin(&p, (struct udp_relay_config){0});
        int err = relay_open_from(&p, NULL, cases[i].hint, &a);
        assert_int_equal(err, cases[i].from != NULL ? 0 : ERR_PERM);
        if (err == 0) {
            assert_string_equal(endpoint_format(&p.bound, text), "127.0.0.1:1080");
            for (size_t k = 0; k < 2 * ARRAY_SIZE(strangers); k++) { /* before and after */
                relay_say(&p, strangers[k % ARRAY_SIZE(strangers)], BYTES(TO_FAR "x"));
                assert_int_equal(p.far.n, 0);
                if (k == ARRAY_SIZE(strangers) - 1) {
                    relay_say(&p, cases[i].from, BYTES(TO_FAR "mine"));
                    far_udp_got(&p.far, BYTES("mine"));
                }
            }
            relay_answer(&p, &p.far, &p.far.from, BYTES("pong"));
            fake_port_sent(&p.port, cases[i].from, BYTES(TO_FAR "pong"));
            assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 2 * ARRAY_SIZE(strangers));
        }
        relay_end(&p);
    }
}

/* Who knows of that, and wants it for clients that cannot. */
static void the_first_port_may_be_taken_for_a_unix_sockets_client(void **state)
{
    (void)state;
    struct relay_scene p;
    struct udp_association *a, *b;
    relay_begin(&p, (struct udp_relay_config){.trusts_first_port = true});
    assert_int_equal(relay_open_from(&p, NULL, NULL, &a), 0);
    relay_say(&p, "192.0.2.7:4000", BYTES(TO_FAR "x"));
    assert_int_equal(p.far.n, 0);
    relay_say(&p, CLIENT, BYTES(TO_FAR "x"));
    far_udp_got(&p.far, BYTES("x"));
    relay_say(&p, "127.0.0.1:4001", BYTES(TO_FAR "x")); /* no new socket of the same client */
    relay_say(&p, "127.0.0.2:4000", BYTES(TO_FAR "x"));
    assert_int_equal(p.far.n, 0);
    assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 3);
    assert_int_equal(relay_open_from(&p, NULL, "0.0.0.0:4002", &b), 0);
    relay_say(&p, "127.0.0.1:4001", BYTES(TO_FAR "x"));
    assert_int_equal(p.far.n, 0);
    relay_say(&p, "127.0.0.1:4002", BYTES(TO_FAR "y"));
    far_udp_got(&p.far, BYTES("y"));
    relay_end(&p);
}

static void the_address_told_may_be_another_one(void **state)
{
    (void)state;
    static const struct {
        const char *advertised, *told;
    } cases[] = {{"198.51.100.7:5400", "198.51.100.7:5400"},
                 {"198.51.100.7:0", "198.51.100.7:1080"},
                 {"0.0.0.0:5400", "127.0.0.9:5400"},
                 {"[2001:db8::1]:0", "[2001:db8::1]:1080"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct relay_scene p;
        struct endpoint advertised;
        char text[ENDPOINT_TEXT];
        relay_begin(&p, (struct udp_relay_config){0});
        assert_true(endpoint_parse(&advertised, cases[i].advertised));
        udp_relay_set_port(p.r, &p.port.dgram, &advertised, NULL);
        relay_associate(&p);
        assert_string_equal(endpoint_format(&p.bound, text), cases[i].told);
        relay_end(&p);
    }
}

static int source_for(void *world, const struct endpoint *to, struct addr *out)
{
    (void)world;
    *out = at("192.0.2.1", 0).addr;
    return addr_is_loopback(&to->addr) ? 0 : ERR_UNREACHABLE;
}

/* The client connected to 127.0.0.9, but what this machine sends to it comes from another of its addresses. */
static void a_port_on_every_address_is_told_as_the_one_that_answers(void **state)
{
    (void)state;
    static const struct local_ops ops = {.source_for = source_for}, none = {.source_for = NULL};
    struct local machine = {.ops = &ops}, other = {.ops = &none};
    struct endpoint advertised = at("198.51.100.7", 0);
    const struct {
        const struct local *anywhere;
        const struct endpoint *advertised;
        const char *client, *told;
    } cases[] = {
        {&machine, &nobody, "127.0.0.1:40000", "192.0.2.1:1080"},
        {&machine, &nobody, "192.0.2.7:40000", "127.0.0.9:1080"}, /* the machine does not know */
        {&other, &nobody, "127.0.0.1:40000", "127.0.0.9:1080"},
        {&machine, &advertised, "127.0.0.1:40000", "198.51.100.7:1080"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct relay_scene p;
        struct udp_association *a;
        char text[ENDPOINT_TEXT];
        relay_begin(&p, (struct udp_relay_config){0});
        udp_relay_set_port(p.r, &p.port.dgram, cases[i].advertised, cases[i].anywhere);
        assert_int_equal(relay_open_from(&p, cases[i].client, NULL, &a), 0);
        assert_string_equal(endpoint_format(&p.bound, text), cases[i].told);
        relay_end(&p);
    }
}

static void an_address_has_so_many_associations_and_an_association_so_many_names(void **state)
{
    (void)state;
    struct relay_scene p;
    struct udp_association *a, *b, *c;
    relay_begin(&p, (struct udp_relay_config){.max_associations = 2, .max_targets = 1});
    assert_int_equal(relay_open_from(&p, "127.0.0.1:1", NULL, &a), 0);
    assert_int_equal(relay_open_from(&p, "127.0.0.1:2", NULL, &b), 0);
    assert_int_equal(relay_open_from(&p, "127.0.0.1:3", NULL, &c), ERR_LIMIT);
    assert_int_equal(relay_open_from(&p, "127.0.0.2:1", NULL, &c), 0);
    udp_association_close(a);
    assert_int_equal(relay_open_from(&p, "127.0.0.1:3", NULL, &a), 0);
    udp_association_close(a);
    relay_say(&p, CLIENT, BYTES(TO_NAME "x"));
    relay_say(&p, CLIENT, BYTES(TO_NOWHERE "x"));
    assert_int_equal(udp_relay_counters(p.r).dropped_limit, 1);
    relay_end(&p);
}

/* They are one user of one machine, whatever address their datagrams turn out to have. */
static void clients_of_unix_sockets_have_a_cap_together(void **state)
{
    (void)state;
    struct relay_scene p;
    struct udp_association *a;
    relay_begin(&p, (struct udp_relay_config){.max_associations = 2});
    assert_int_equal(relay_open_from(&p, NULL, "127.0.0.1:4000", &a), 0);
    assert_int_equal(relay_open_from(&p, NULL, "127.0.0.2:4001", &a), 0);
    assert_int_equal(relay_open_from(&p, NULL, "127.0.0.3:4002", &a), ERR_LIMIT);
    assert_int_equal(relay_open_from(&p, "127.0.0.1:40000", NULL, &a), 0);
    relay_end(&p);
}

static void an_association_knows_when_it_was_used(void **state)
{
    (void)state;
    struct relay_scene p;
    relay_begin(&p, (struct udp_relay_config){0});
    struct udp_association *a = relay_associate(&p);
    uint64_t opened = p.h->wire.now.mono;
    assert_int_equal(udp_association_used(a), opened);
    house_pass(p.h, 50 * MS);
    relay_say(&p, CLIENT, BYTES(TO_FAR "up"));
    assert_int_equal(udp_association_used(a), opened + 50 * MS);
    house_pass(p.h, 50 * MS);
    relay_answer(&p, &p.far, &p.far.from, BYTES("down"));
    assert_true(udp_association_used(a) > opened + 100 * MS);
    relay_end(&p);
}

static void what_is_too_long_behind_its_header_is_dropped(void **state)
{
    (void)state;
    static char bytes[65487]; /* more than IPv4 has room for behind the longest header */
    struct relay_scene p;
    relay_begin(&p, (struct udp_relay_config){0});
    relay_associate(&p);
    relay_say(&p, CLIENT, BYTES(TO_FAR "x"));
    struct endpoint to = p.far.from;
    relay_answer(&p, &p.far, &to, bytes, sizeof bytes);
    house_pass(p.h, 100 * MS);
    udp_relay_flush(p.r);
    assert_int_equal(udp_relay_counters(p.r).dropped_limit, 1);
    fake_port_sent_nothing(&p.port);
    relay_answer(&p, &p.far, &to, bytes, 1000);
    assert_int_equal(udp_relay_counters(p.r).down, 1);
    relay_end(&p);
}

/* RFC 1928 section 7: a port is the client's own if his own address stands before it. */
static void a_port_of_another_address_is_nobodys(void **state)
{
    (void)state;
    for (unsigned foreign = 0; foreign < 2; foreign++) {
        struct relay_scene p;
        struct udp_association *named;
        relay_begin(&p, (struct udp_relay_config){0});
        relay_associate(&p); /* the oldest, which has no port yet */
        const char *hint = foreign ? "10.9.9.9:4000" : CLIENT;
        assert_int_equal(relay_open_from(&p, "127.0.0.1:40001", hint, &named), 0);
        relay_say(&p, CLIENT, BYTES(TO_FAR "x"));
        assert_int_equal(p.far.n, 1);
        struct endpoint to = p.far.from;
        udp_association_close(named);
        relay_answer(&p, &p.far, &to, BYTES("y"));
        assert_int_equal(udp_relay_counters(p.r).down, foreign); /* to the oldest, or to nobody */
        relay_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_goes_in_and_its_answer_comes_back),
        cmocka_unit_test(an_association_of_a_user_stays_with_its_first_port),
        cmocka_unit_test(anyone_inside_may_answer),
        cmocka_unit_test(what_is_no_datagram_or_a_part_of_one_is_dropped_and_counted),
        cmocka_unit_test(datagrams_belong_to_the_association_of_their_address),
        cmocka_unit_test(several_of_one_address_are_told_apart_by_their_ports),
        cmocka_unit_test(a_client_of_a_unix_socket_must_name_where_it_sends_from),
        cmocka_unit_test(the_first_port_may_be_taken_for_a_unix_sockets_client),
        cmocka_unit_test(the_address_told_may_be_another_one),
        cmocka_unit_test(a_port_on_every_address_is_told_as_the_one_that_answers),
        cmocka_unit_test(an_address_has_so_many_associations_and_an_association_so_many_names),
        cmocka_unit_test(clients_of_unix_sockets_have_a_cap_together),
        cmocka_unit_test(an_association_knows_when_it_was_used),
        cmocka_unit_test(what_is_too_long_behind_its_header_is_dropped),
        cmocka_unit_test(a_port_of_another_address_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
