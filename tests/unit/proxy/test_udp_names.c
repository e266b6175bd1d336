/* SPDX-License-Identifier: MIT */
/* More of src/proxy/udp_relay.c: whom names of targets are asked of, and how often; and whose a port is. */
#include "proxy/udp_relay.h"

#include "base/err.h"
#include "fake_port.h"
#include "far_udp.h"

#include <string.h>

#define BYTES(s) (s), sizeof(s) - 1
#define CLIENT "127.0.0.1:4000"
#define TO_NAME      \
    "\0\0\0\x03\x0b" \
    "far.example"    \
    "\x03\xe8"

struct scene {
    struct house *h;
    struct access *access;
    struct udp_relay *r;
    struct fake_port port;
    struct far_udp far;
};

/* With an association of CLIENT's address; `denied` is a name, or NULL. */
static void begin(struct scene *p, const char *denied)
{
    static const struct wire_config near = {.delay = MS};
    static const struct endpoint nobody;
    struct access_rule rule = {.suffix = denied, .last = UINT16_MAX};
    struct endpoint client = at("127.0.0.1", 40000), bound;
    struct udp_association *a;
    assert_int_equal(access_new(&p->access), 0);
    assert_int_equal(denied != NULL ? access_add(p->access, &rule) : 0, 0);
    p->h = house_new(&near);
    struct udp_relay_config config = {
        .stack = p->h->wire.a.stack, .dialer = p->h->dialer, .access = p->access};
    assert_int_equal(udp_relay_new(&p->r, &config), 0);
    fake_port_init(&p->port, 1080, &udp_relay_handler, p->r);
    udp_relay_set_port(p->r, &p->port.dgram, &nobody, NULL);
    far_udp_open(&p->far, p->h, 1000);
    assert_int_equal(
        udp_association_open(p->r, &client, &client, &nobody, NULL, &a, &bound, p->h->wire.now), 0);
}

static void end(struct scene *p)
{
    udp_relay_free(p->r);
    stack_udp_close(p->far.u);
    house_free(p->h);
    access_free(p->access);
}

static void say(struct scene *p, const char *bytes, size_t len)
{
    fake_port_deliver(&p->port, CLIENT, bytes, len, p->h->wire.now);
    house_pass(p->h, 20 * MS);
    udp_relay_flush(p->r);
}

/* Its servers would hear of it. */
static void a_name_that_is_denied_is_not_even_asked_for(void **state)
{
    (void)state;
    static const char *const rules[] = {"far.example", "example"};
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        struct scene p;
        begin(&p, rules[i]);
        say(&p, BYTES(TO_NAME "no"));
        assert_int_equal(p.h->dns_over_udp, 0);
        assert_int_equal(p.far.n, 0);
        assert_int_equal(udp_relay_counters(p.r).dropped_denied, 1);
        end(&p);
    }
}

/* The answers of the house live for a minute, and the relay's own memory of them for half of one. */
static void a_name_in_use_is_asked_for_anew(void **state)
{
    (void)state;
    struct scene p;
    begin(&p, NULL);
    say(&p, BYTES(TO_NAME "1"));
    unsigned once = p.h->dns_over_udp;
    assert_true(once > 0);
    for (unsigned i = 0; i < 8; i++) {
        house_pass(p.h, 10 * NS_PER_S);
        say(&p, BYTES(TO_NAME "2"));
    }
    assert_true(p.h->dns_over_udp > once);
    assert_true(p.h->dns_over_udp <= 3 * once);
    assert_int_equal(udp_relay_counters(p.r).up, 9);
    end(&p);
}

static void what_is_too_long_behind_its_header_is_dropped(void **state)
{
    (void)state;
    static uint8_t
        bytes[65487]; /* more than what one over IPv4 has room for behind the longest header */
    struct scene p;
    begin(&p, NULL);
    say(&p, BYTES(TO_NAME "x"));
    assert_int_equal(stack_udp_send(p.far.u, &p.far.from, bytes, sizeof bytes), 0);
    house_pass(p.h, 100 * MS);
    udp_relay_flush(p.r);
    assert_int_equal(udp_relay_counters(p.r).dropped_limit, 1);
    fake_port_sent_nothing(&p.port);
    assert_int_equal(stack_udp_send(p.far.u, &p.far.from, bytes, 1000), 0);
    house_pass(p.h, 100 * MS);
    udp_relay_flush(p.r);
    assert_int_equal(udp_relay_counters(p.r).down, 1);
    end(&p);
}

/* RFC 1928 section 7: a port is the client's own if his own address stands before it. */
static void a_port_of_another_address_is_nobodys(void **state)
{
    (void)state;
    static const char TO_FAR[] = "\0\0\0\x01\x0a\0\0\x02\x03\xe8x";
    for (unsigned foreign = 0; foreign < 2; foreign++) {
        struct scene p;
        struct udp_association *first;
        begin(&p, NULL); /* the oldest, which has no port yet */
        struct endpoint client = at("127.0.0.1", 40001), bound;
        struct endpoint hint = at(foreign ? "10.9.9.9" : "127.0.0.1", 4000);
        assert_int_equal(
            udp_association_open(p.r, &client, &client, &hint, NULL, &first, &bound, p.h->wire.now),
            0);
        say(&p, TO_FAR, sizeof TO_FAR - 1);
        assert_int_equal(p.far.n, 1);
        udp_association_close(first);
        far_udp_say(&p.far, &p.far.from, "y", 1);
        house_pass(p.h, 20 * MS);
        udp_relay_flush(p.r);
        assert_int_equal(udp_relay_counters(p.r).down, foreign); /* to the oldest, or to nobody */
        end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_is_denied_is_not_even_asked_for),
        cmocka_unit_test(a_name_in_use_is_asked_for_anew),
        cmocka_unit_test(what_is_too_long_behind_its_header_is_dropped),
        cmocka_unit_test(a_port_of_another_address_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
