/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/udp_relay.c and udp_header.c, over the real stack and resolver, in virtual time. */
#include "proxy/udp_relay.h"

#include "fake_port.h"
#include "far_udp.h"
#include "proxy/udp_header.h"

#define BYTES(s) (s), sizeof(s) - 1
#define CLIENT "127.0.0.1:4000"
#define TO_FAR "\0\0\0\x01\x0a\0\0\x02\x03\xe8"   /* 10.0.0.2:1000 */
#define TO_OTHER "\0\0\0\x01\x0a\0\0\x02\x03\xe9" /* 10.0.0.2:1001 */
#define TO_SIX "\0\0\0\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x03\xe8"
#define TO_NAME      \
    "\0\0\0\x03\x0b" \
    "far.example"    \
    "\x03\xe8"
#define TO_NOWHERE    \
    "\0\0\0\x03\x0f"  \
    "nowhere.example" \
    "\x03\xe8"

struct scene {
    struct house *h;
    struct udp_relay *r;
    struct fake_port port;
    struct far_udp far, other;
    struct endpoint bound;
};

static const struct endpoint nobody;

static void begin(struct scene *p, struct udp_relay_config config)
{
    static const struct wire_config near = {.delay = MS};
    p->h = house_new(&near);
    config.stack = p->h->wire.a.stack;
    config.dialer = p->h->dialer;
    assert_int_equal(udp_relay_new(&p->r, &config), 0);
    fake_port_init(&p->port, 1080, &udp_relay_handler, p->r);
    udp_relay_set_port(p->r, &p->port.dgram, &nobody, NULL);
    far_udp_open(&p->far, p->h, 1000);
    far_udp_open(&p->other, p->h, 1001);
}

static void end(struct scene *p)
{
    udp_relay_free(p->r);
    stack_udp_close(p->far.u);
    stack_udp_close(p->other.u);
    house_free(p->h);
}

static int open_from(struct scene *p, const char *client, const char *hint,
                     struct udp_association **a)
{
    struct endpoint from = nobody, named = nobody, local;
    assert_true(client == NULL || endpoint_parse(&from, client));
    assert_true(hint == NULL || endpoint_parse(&named, hint));
    assert_true(endpoint_parse(&local, "127.0.0.9:1080"));
    if (client == NULL) {
        local = nobody;
    }
    return udp_association_open(p->r, &from, &local, &named, NULL, a, &p->bound, p->h->wire.now);
}

static struct udp_association *associate(struct scene *p)
{
    struct udp_association *a;
    assert_int_equal(open_from(p, "127.0.0.1:40000", NULL, &a), 0);
    return a;
}

static void say(struct scene *p, const char *from, const char *bytes, size_t len)
{
    fake_port_deliver(&p->port, from, bytes, len, p->h->wire.now);
    house_pass(p->h, 20 * MS);
    udp_relay_flush(p->r);
}

static void answer(struct scene *p, struct far_udp *from, const struct endpoint *to,
                   const char *bytes, size_t len)
{
    far_udp_say(from, to, bytes, len);
    house_pass(p->h, 20 * MS);
    udp_relay_flush(p->r);
}

/* What a password opened is not for whoever has the same address: programs of one machine, or of one NAT. */
static void an_association_of_a_user_stays_with_its_first_port(void **state)
{
    (void)state;
    struct scene p;
    struct udp_association *a;
    struct endpoint from, local;
    begin(&p, (struct udp_relay_config){0});
    assert_true(endpoint_parse(&from, "127.0.0.1:40000"));
    assert_true(endpoint_parse(&local, "127.0.0.9:1080"));
    struct endpoint hint = {.port = 4001}; /* which a NAT may have changed */
    assert_int_equal(
        udp_association_open(p.r, &from, &local, &hint, "alice", &a, &p.bound, p.h->wire.now), 0);
    say(&p, CLIENT, BYTES(TO_FAR "first"));
    far_udp_got(&p.far, BYTES("first"));
    say(&p, "127.0.0.1:4002", BYTES(TO_FAR "intruder"));
    say(&p, "127.0.0.1:4001", BYTES(TO_FAR "intruder"));
    assert_int_equal(p.far.n, 0);
    assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 2);
    say(&p, CLIENT, BYTES(TO_FAR "again"));
    far_udp_got(&p.far, BYTES("again"));
    answer(&p, &p.far, &p.far.from, BYTES("pong"));
    fake_port_sent(&p.port, CLIENT, BYTES(TO_FAR "pong"));
    end(&p);
}

static void a_datagram_goes_in_and_its_answer_comes_back(void **state)
{
    (void)state;
    struct scene p;
    begin(&p, (struct udp_relay_config){0});
    associate(&p);
    char text[ENDPOINT_TEXT];
    assert_string_equal(endpoint_format(&p.bound, text), "127.0.0.9:1080");
    say(&p, CLIENT, BYTES(TO_FAR "ping"));
    far_udp_got(&p.far, BYTES("ping"));
    answer(&p, &p.far, &p.far.from, BYTES("pong"));
    fake_port_sent(&p.port, CLIENT, BYTES(TO_FAR "pong"));
    say(&p, CLIENT, BYTES(TO_SIX "six"));
    far_udp_got(&p.far, BYTES("six"));
    answer(&p, &p.far, &p.far.from, BYTES(""));
    fake_port_sent(&p.port, CLIENT, BYTES(TO_SIX));
    assert_int_equal(udp_relay_counters(p.r).up, 2);
    assert_int_equal(udp_relay_counters(p.r).down, 2);
    assert_int_equal(udp_relay_next_deadline(p.r), NEVER); /* addresses need no memory */
    end(&p);
}

static void anyone_inside_may_answer(void **state)
{
    (void)state;
    struct scene p;
    begin(&p, (struct udp_relay_config){0});
    associate(&p);
    say(&p, CLIENT, BYTES(TO_FAR "ping"));
    answer(&p, &p.other, &p.far.from, BYTES("hello"));
    fake_port_sent(&p.port, CLIENT, BYTES(TO_OTHER "hello"));
    end(&p);
}

static void what_is_no_datagram_or_a_part_of_one_is_dropped_and_counted(void **state)
{
    (void)state;
    struct scene p;
    begin(&p, (struct udp_relay_config){0});
    associate(&p);
    static const char good[] = TO_NAME "x";
    for (size_t len = 0; len < sizeof good - 2; len++) {
        say(&p, CLIENT, good, len);
    }
    assert_int_equal(udp_relay_counters(p.r).dropped_invalid, sizeof good - 2);
    say(&p, CLIENT,
        BYTES("\0\0\0\x02\x0a\0\0\x02\x03\xe8"
              "type"));
    say(&p, CLIENT,
        BYTES("\0\0\0\x01\x0a\0\0\x02\0\0"
              "port 0"));
    say(&p, CLIENT,
        BYTES("\0\0\0\x03\0\x03\xe8"
              "no name"));
    say(&p, CLIENT,
        BYTES("\0\0\0\x03\x03"
              "a\0b"
              "\x03\xe8"
              "NUL"));
    assert_int_equal(udp_relay_counters(p.r).dropped_invalid, sizeof good - 2 + 4);
    say(&p, CLIENT,
        BYTES("\0\0\x01\x01\x0a\0\0\x02\x03\xe8"
              "part"));
    say(&p, CLIENT,
        BYTES("\0\0\x81\x01\x0a\0\0\x02\x03\xe8"
              "last part"));
    assert_int_equal(udp_relay_counters(p.r).dropped_fragment, 2);
    assert_int_equal(p.far.n, 0);
    end(&p);
}

static void datagrams_belong_to_the_association_of_their_address(void **state)
{
    (void)state;
    struct scene p;
    struct udp_association *a, *b;
    begin(&p, (struct udp_relay_config){0});
    assert_int_equal(open_from(&p, "127.0.0.1:40000", NULL, &a), 0);
    assert_int_equal(open_from(&p, "127.0.0.2:40000", NULL, &b), 0);
    say(&p, "127.0.0.3:4000", BYTES(TO_FAR "stranger"));
    assert_int_equal(p.far.n, 0);
    assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 1);
    say(&p, "127.0.0.1:4000", BYTES(TO_FAR "a"));
    struct endpoint at_a = p.far.from;
    far_udp_got(&p.far, BYTES("a"));
    say(&p, "127.0.0.2:4000", BYTES(TO_FAR "b"));
    struct endpoint at_b = p.far.from;
    far_udp_got(&p.far, BYTES("b"));
    assert_false(endpoint_equal(&at_a, &at_b));
    answer(&p, &p.far, &at_b, BYTES("to b"));
    fake_port_sent(&p.port, "127.0.0.2:4000", BYTES(TO_FAR "to b"));
    udp_association_close(b);
    answer(&p, &p.far, &at_b, BYTES("to nobody"));
    fake_port_sent_nothing(&p.port);
    /* The only one of its address follows a client to a new socket. */
    say(&p, "127.0.0.1:4001", BYTES(TO_FAR "a"));
    assert_true(endpoint_equal(&p.far.from, &at_a));
    end(&p);
}

static void several_of_one_address_are_told_apart_by_their_ports(void **state)
{
    (void)state;
    struct scene p;
    struct udp_association *first, *named, *last;
    begin(&p, (struct udp_relay_config){0});
    assert_int_equal(open_from(&p, "127.0.0.1:40000", NULL, &first), 0);
    assert_int_equal(open_from(&p, "127.0.0.1:40001", "127.0.0.1:4009", &named), 0);
    assert_int_equal(open_from(&p, "127.0.0.1:40002", "192.0.2.1:4001", &last),
                     0); /* before some NAT: says nothing */
    static const char *const from[] = {"127.0.0.1:4001", "127.0.0.1:4009", "127.0.0.1:4002"};
    struct endpoint seen[3];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 3; i++) {
            say(&p, from[i], BYTES(TO_FAR "x"));
            far_udp_got(&p.far, BYTES("x"));
            assert_true(round == 0 || endpoint_equal(&seen[i], &p.far.from));
            seen[i] = p.far.from;
        }
    }
    assert_false(endpoint_equal(&seen[0], &seen[1]) || endpoint_equal(&seen[1], &seen[2]) ||
                 endpoint_equal(&seen[0], &seen[2]));
    say(&p, "127.0.0.1:4003", BYTES(TO_FAR "x")); /* whose? */
    assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 1);
    end(&p);
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
        struct scene p;
        struct udp_association *a;
        char text[ENDPOINT_TEXT];
        begin(&p, (struct udp_relay_config){0});
        int err = open_from(&p, NULL, cases[i].hint, &a);
        assert_int_equal(err, cases[i].from != NULL ? 0 : ERR_PERM);
        if (err == 0) {
            assert_string_equal(endpoint_format(&p.bound, text), "127.0.0.1:1080");
            for (size_t k = 0; k < 2 * ARRAY_SIZE(strangers); k++) { /* before and after */
                say(&p, strangers[k % ARRAY_SIZE(strangers)], BYTES(TO_FAR "x"));
                assert_int_equal(p.far.n, 0);
                if (k == ARRAY_SIZE(strangers) - 1) {
                    say(&p, cases[i].from, BYTES(TO_FAR "mine"));
                    far_udp_got(&p.far, BYTES("mine"));
                }
            }
            answer(&p, &p.far, &p.far.from, BYTES("pong"));
            fake_port_sent(&p.port, cases[i].from, BYTES(TO_FAR "pong"));
            assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 2 * ARRAY_SIZE(strangers));
        }
        end(&p);
    }
}

/* Who knows of that, and wants it for clients that cannot. */
static void the_first_port_may_be_taken_for_a_unix_sockets_client(void **state)
{
    (void)state;
    struct scene p;
    struct udp_association *a, *b;
    begin(&p, (struct udp_relay_config){.trusts_first_port = true});
    assert_int_equal(open_from(&p, NULL, NULL, &a), 0);
    say(&p, "192.0.2.7:4000", BYTES(TO_FAR "x"));
    assert_int_equal(p.far.n, 0);
    say(&p, CLIENT, BYTES(TO_FAR "x"));
    far_udp_got(&p.far, BYTES("x"));
    say(&p, "127.0.0.1:4001", BYTES(TO_FAR "x")); /* no new socket of the same client */
    say(&p, "127.0.0.2:4000", BYTES(TO_FAR "x"));
    assert_int_equal(p.far.n, 0);
    assert_int_equal(udp_relay_counters(p.r).dropped_stranger, 3);
    assert_int_equal(open_from(&p, NULL, "0.0.0.0:4002", &b), 0);
    say(&p, "127.0.0.1:4001", BYTES(TO_FAR "x"));
    assert_int_equal(p.far.n, 0);
    say(&p, "127.0.0.1:4002", BYTES(TO_FAR "y"));
    far_udp_got(&p.far, BYTES("y"));
    end(&p);
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
        struct scene p;
        struct endpoint advertised;
        char text[ENDPOINT_TEXT];
        begin(&p, (struct udp_relay_config){0});
        assert_true(endpoint_parse(&advertised, cases[i].advertised));
        udp_relay_set_port(p.r, &p.port.dgram, &advertised, NULL);
        associate(&p);
        assert_string_equal(endpoint_format(&p.bound, text), cases[i].told);
        end(&p);
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
        struct scene p;
        struct udp_association *a;
        char text[ENDPOINT_TEXT];
        begin(&p, (struct udp_relay_config){0});
        udp_relay_set_port(p.r, &p.port.dgram, cases[i].advertised, cases[i].anywhere);
        assert_int_equal(open_from(&p, cases[i].client, NULL, &a), 0);
        assert_string_equal(endpoint_format(&p.bound, text), cases[i].told);
        end(&p);
    }
}

static void a_name_is_looked_up_inside_and_what_was_sent_meanwhile_follows(void **state)
{
    (void)state;
    struct scene p;
    begin(&p, (struct udp_relay_config){.idle = 10 * NS_PER_S});
    associate(&p);
    for (unsigned i = 0; i < 9; i++) {
        fake_port_deliver(&p.port, CLIENT, BYTES(TO_NAME "first"), p.h->wire.now);
    }
    assert_int_equal(udp_relay_counters(p.r).dropped_limit, 1); /* eight wait */
    house_pass(p.h, 200 * MS);
    assert_int_equal(p.far.n, 8);
    p.far.n = 0;
    unsigned asked = p.h->dns_over_udp;
    say(&p, CLIENT, BYTES(TO_NAME "next"));
    far_udp_got(&p.far, BYTES("next"));
    assert_int_equal(p.h->dns_over_udp, asked);
    say(&p, CLIENT, BYTES(TO_NOWHERE "lost"));
    house_pass(p.h, 200 * MS);
    assert_int_equal(udp_relay_counters(p.r).dropped_denied, 1);

    /* Idle names are forgotten, and then there is nothing to wait for. */
    assert_true(udp_relay_next_deadline(p.r) != NEVER);
    for (unsigned i = 0; i < 3 && udp_relay_next_deadline(p.r) != NEVER; i++) {
        p.h->wire.now.mono += 10 * NS_PER_S;
        udp_relay_tick(p.r, p.h->wire.now);
    }
    assert_int_equal(udp_relay_next_deadline(p.r), NEVER);
    end(&p);
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
        struct scene p;
        struct access *a;
        assert_int_equal(access_new(&a), 0);
        begin(&p, (struct udp_relay_config){.access = a});
        associate(&p);
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
        end(&p);
        access_free(a);
    }
}

static void a_look_up_ends_with_its_association(void **state)
{
    (void)state;
    struct scene p;
    begin(&p, (struct udp_relay_config){0});
    struct udp_association *a = associate(&p);
    fake_port_deliver(&p.port, CLIENT, BYTES(TO_NAME "x"), p.h->wire.now);
    udp_association_close(a);
    house_pass(p.h, 200 * MS);
    assert_int_equal(p.far.n, 0);
    end(&p);
}

static void an_address_has_so_many_associations_and_an_association_so_many_names(void **state)
{
    (void)state;
    struct scene p;
    struct udp_association *a, *b, *c;
    begin(&p, (struct udp_relay_config){.max_associations = 2, .max_targets = 1});
    assert_int_equal(open_from(&p, "127.0.0.1:1", NULL, &a), 0);
    assert_int_equal(open_from(&p, "127.0.0.1:2", NULL, &b), 0);
    assert_int_equal(open_from(&p, "127.0.0.1:3", NULL, &c), ERR_LIMIT);
    assert_int_equal(open_from(&p, "127.0.0.2:1", NULL, &c), 0);
    udp_association_close(a);
    assert_int_equal(open_from(&p, "127.0.0.1:3", NULL, &a), 0);
    udp_association_close(a);
    say(&p, CLIENT, BYTES(TO_NAME "x"));
    say(&p, CLIENT, BYTES(TO_NOWHERE "x"));
    assert_int_equal(udp_relay_counters(p.r).dropped_limit, 1);
    end(&p);
}

/* They are one user of one machine, whatever address their datagrams turn out to have. */
static void clients_of_unix_sockets_have_a_cap_together(void **state)
{
    (void)state;
    struct scene p;
    struct udp_association *a;
    begin(&p, (struct udp_relay_config){.max_associations = 2});
    assert_int_equal(open_from(&p, NULL, "127.0.0.1:4000", &a), 0);
    assert_int_equal(open_from(&p, NULL, "127.0.0.2:4001", &a), 0);
    assert_int_equal(open_from(&p, NULL, "127.0.0.3:4002", &a), ERR_LIMIT);
    assert_int_equal(open_from(&p, "127.0.0.1:40000", NULL, &a), 0);
    end(&p);
}

static void rules_hold_for_each_datagram(void **state)
{
    (void)state;
    struct access *access;
    struct access_rule rule = {.allow = false, .first = 1001, .last = 1001};
    assert_int_equal(access_new(&access), 0);
    assert_int_equal(access_add(access, &rule), 0);
    struct scene p;
    begin(&p, (struct udp_relay_config){.access = access});
    associate(&p);
    say(&p, CLIENT, BYTES(TO_OTHER "no"));
    say(&p, CLIENT,
        BYTES("\0\0\0\x03\x0b"
              "far.example"
              "\x03\xe9"
              "no"));
    house_pass(p.h, 200 * MS);
    assert_int_equal(p.other.n, 0);
    assert_int_equal(udp_relay_counters(p.r).dropped_denied, 2);
    say(&p, CLIENT, BYTES(TO_FAR "yes"));
    far_udp_got(&p.far, BYTES("yes"));
    end(&p);
    access_free(access);
}

static void an_association_knows_when_it_was_used(void **state)
{
    (void)state;
    struct scene p;
    begin(&p, (struct udp_relay_config){0});
    struct udp_association *a = associate(&p);
    uint64_t opened = p.h->wire.now.mono;
    assert_int_equal(udp_association_used(a), opened);
    house_pass(p.h, 50 * MS);
    say(&p, CLIENT, BYTES(TO_FAR "up"));
    assert_int_equal(udp_association_used(a), opened + 50 * MS);
    house_pass(p.h, 50 * MS);
    answer(&p, &p.far, &p.far.from, BYTES("down"));
    assert_true(udp_association_used(a) > opened + 100 * MS);
    end(&p);
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
        cmocka_unit_test(a_name_is_looked_up_inside_and_what_was_sent_meanwhile_follows),
        cmocka_unit_test(of_a_names_addresses_one_that_may_be_reached_is_sent_to),
        cmocka_unit_test(a_look_up_ends_with_its_association),
        cmocka_unit_test(an_address_has_so_many_associations_and_an_association_so_many_names),
        cmocka_unit_test(clients_of_unix_sockets_have_a_cap_together),
        cmocka_unit_test(rules_hold_for_each_datagram),
        cmocka_unit_test(an_association_knows_when_it_was_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
