/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/udp_queue.c, by itself and in the relay. */
#include "proxy/udp_queue.h"

#include "fake_port.h"
#include "house.h"
#include "proxy/udp_relay.h"

#include <stdio.h>
#include <string.h>

#define LONG 60000

static uint8_t payload[LONG];

static void first_in_is_first_out(void **state)
{
    (void)state;
    size_t held = 0;
    struct udp_queue q;
    udp_queue_init(&q, &held);
    assert_null(udp_queue_take(&q));
    for (unsigned i = 0; i < UDP_QUEUE_MAX; i++) {
        uint8_t bytes[] = {(uint8_t)i, 7};
        assert_true(udp_queue_put(&q, (uint16_t)(100 + i), bytes, i % 3));
    }
    assert_false(udp_queue_put(&q, 1, payload, 1));
    for (unsigned i = 0; i < UDP_QUEUE_MAX; i++) {
        struct udp_queued *d = udp_queue_take(&q);
        assert_int_equal(d->port, 100 + i);
        assert_int_equal(d->len, i % 3);
        assert_true(d->len == 0 || d->data[0] == i);
        free(d);
    }
    assert_null(udp_queue_take(&q));
    assert_int_equal(held, 0);
}

static void what_is_held_is_bounded_over_all_queues(void **state)
{
    (void)state;
    enum { QUEUES = 12 };
    size_t held = 0, n = 0;
    struct udp_queue queues[QUEUES];
    for (unsigned i = 0; i < QUEUES; i++) {
        udp_queue_init(&queues[i], &held);
        for (unsigned k = 0; k < UDP_QUEUE_MAX; k++) {
            n += udp_queue_put(&queues[i], 1, payload, LONG);
        }
    }
    assert_int_equal(n, UDP_QUEUE_BYTES_MAX / LONG);
    assert_int_equal(held, n * LONG);
    free(udp_queue_take(&queues[0]));
    assert_true(udp_queue_put(&queues[QUEUES - 1], 1, payload, LONG));
    assert_false(udp_queue_put(&queues[QUEUES - 1], 1, payload, LONG));
    assert_true(udp_queue_put(&queues[QUEUES - 1], 1, payload, UDP_QUEUE_BYTES_MAX - held));
    assert_int_equal(held, UDP_QUEUE_BYTES_MAX);
    assert_true(udp_queue_put(&queues[QUEUES - 1], 1, payload, 0));
    for (unsigned i = 0; i < QUEUES; i++) {
        for (struct udp_queued *d; (d = udp_queue_take(&queues[i])) != NULL;) {
            free(d);
        }
    }
    assert_int_equal(held, 0);
}

/* ---- in the relay ---- */

struct scene {
    struct house *h;
    struct udp_relay *r;
    struct fake_port port;
};

static struct udp_association *associate(struct scene *p)
{
    static const struct endpoint nobody;
    struct endpoint client = at("127.0.0.1", 40000), bound;
    struct udp_association *a;
    assert_int_equal(
        udp_association_open(p->r, &client, &client, &nobody, NULL, &a, &bound, p->h->wire.now), 0);
    return a;
}

/* `n` long datagrams, each to a name of its own that nobody has looked up yet. */
static void say_to_names(struct scene *p, unsigned first, unsigned n)
{
    static uint8_t bytes[LONG + 32];
    for (unsigned i = first; i < first + n; i++) {
        int len = snprintf((char *)bytes, 32, "%c%c%c\x03%cf%08u.example", 0, 0, 0, 17, i);
        bytes[len] = 3;
        bytes[len + 1] = 0xe8;
        struct dgram_rx rx = {
            .from = at("127.0.0.1", 4000), .data = bytes, .len = (size_t)len + 2 + LONG};
        udp_relay_handler.received(p->r, &rx, 1, p->h->wire.now);
    }
}

/* A client that sends on while the name servers are silent has so much memory, and no more. */
static void what_waits_for_names_is_bounded(void **state)
{
    (void)state;
    static const struct wire_config near = {.delay = MS};
    static const struct endpoint nobody;
    enum { MANY = 200, FIT = UDP_QUEUE_BYTES_MAX / LONG };
    struct scene p = {.h = house_new(&near)};
    struct udp_relay_config config = {.stack = p.h->wire.a.stack, .dialer = p.h->dialer};
    assert_int_equal(udp_relay_new(&p.r, &config), 0);
    fake_port_init(&p.port, 1080, &udp_relay_handler, p.r);
    udp_relay_set_port(p.r, &p.port.dgram, &nobody, NULL);
    struct udp_association *a = associate(&p);
    say_to_names(&p, 0, MANY);
    assert_int_equal(udp_relay_counters(p.r).dropped_limit, MANY - FIT);
    udp_association_close(a);
    associate(&p);
    say_to_names(&p, 0, MANY); /* what the first one held is free again */
    assert_int_equal(udp_relay_counters(p.r).dropped_limit, 2 * (MANY - FIT));
    house_pass(p.h, 100 * MS); /* and what was sent is, too */
    uint64_t dropped = udp_relay_counters(p.r).dropped_limit;
    say_to_names(&p, MANY, FIT);
    assert_int_equal(udp_relay_counters(p.r).dropped_limit, dropped);
    udp_relay_free(p.r);
    house_free(p.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_is_first_out),
        cmocka_unit_test(what_is_held_is_bounded_over_all_queues),
        cmocka_unit_test(what_waits_for_names_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
