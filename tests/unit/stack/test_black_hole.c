/* SPDX-License-Identifier: MIT */
/* Large packets of the other side that vanish: what is missing comes after all, later connections do not wait, and
 * nothing else is taken for it. */
#include "unit/stack/peer.h"

#include "base/err.h"

static struct wire w;
static bool is_down;

static const char *const families[] = {"10.0.0.2", "fd00::2"};

static bool swallow(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)ip;
    return is_down || len > 1300;
}

static bool pass(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)ip, (void)len;
    return is_down;
}

static void open_world(bool (*sniff)(struct wire_end *end, uint8_t *ip, size_t len))
{
    is_down = false;
    /* So far away that the sender, who is one of ours, does not find out by itself first. */
    wire_open(&w, &(struct wire_config){.delay = 150 * MS});
    w.b.sniff = w.a.sniff = sniff;
}

/* Ask for `n` bytes; how long until all are there, in ms. 60000: never. */
static int fetch(const char *address, uint16_t port, size_t n)
{
    struct peer client = {.to_send = 100, .appetite = SIZE_MAX, .shutdown_after = true};
    struct peer server = {
        .to_send = n, .appetite = SIZE_MAX, .shutdown_after = true, .hold_until_eof = true};
    struct endpoint to = at(address, port);
    peer_listen(&w.b, &server, port);
    assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &client, &client.t, w.now), 0);
    int ms = 0;
    while (ms < 60000 && !client.eof) {
        wire_pass(&w, MS);
        ms++;
    }
    if (ms < 60000) {
        assert_int_equal(client.received, n);
        wire_pass(&w, 100 * MS);
    }
    peer_close(&client);
    peer_close(&server);
    stack_tcp_listener_close(server.listener);
    return ms;
}

/* Three segments are swallowed, and the end of the page arrives. */
static void a_hole_is_filled_and_later_connections_do_not_wait(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        open_world(swallow);
        assert_in_range(fetch(families[i], 80, 5000), 3000, 4000);
        assert_in_range(fetch(families[i], 81, 5000), 1, 1000);
        assert_in_range(fetch(families[1 - i], 82, 500000), 1, 2900);
        wire_close(&w);
    }
}

/* All that is sent at first is large, so that nothing arrives. */
static void a_silence_is_broken_and_later_connections_do_not_wait(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        open_world(swallow);
        assert_in_range(fetch(families[i], 80, 500000), 3000, 8000);
        assert_in_range(fetch(families[i], 81, 500000), 1, 2900);
        wire_close(&w);
    }
}

/* As an HTTP server's header before the page. */
static void a_small_beginning_hides_nothing(void **state)
{
    (void)state;
    open_world(swallow);
    struct peer client = {.to_send = 100, .appetite = SIZE_MAX};
    struct peer server = {.to_send = 150, .appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
    wire_pass(&w, 700 * MS);
    assert_int_equal(client.received, 150);
    server.to_send = 50000;
    peer_pump(&server);
    wire_pass(&w, 8 * NS_PER_S);
    assert_int_equal(client.received, 50000);
    assert_in_range(fetch("10.0.0.2", 81, 50000), 1, 2500);
    wire_close(&w);
}

static uint64_t largest_of(uint16_t port)
{
    w.b.largest = 0;
    fetch("10.0.0.2", port, 50000);
    return w.b.largest;
}

static void a_server_that_thinks_is_none(void **state)
{
    (void)state;
    open_world(pass);
    struct peer client = {.to_send = 100, .appetite = SIZE_MAX};
    struct peer server = {.appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
    wire_pass(&w, 3 * NS_PER_S + 100 * MS);
    server.to_send = 800; /* small, and at the very moment */
    peer_pump(&server);
    wire_pass(&w, 20 * NS_PER_S);
    assert_int_equal(client.received, 800);
    assert_int_equal(largest_of(81), 1420);
    wire_close(&w);
}

static unsigned told;

static bool count_told(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    told += len > 28 && ip[0] >> 4 == 4 && ip[9] == 1 && ip[20] == 3 && ip[21] == 4;
    return false;
}

/* Where nothing large is ever sent, this ends. */
static void many_silences_are_none(void **state)
{
    (void)state;
    open_world(pass);
    w.a.sniff = count_told;
    told = 0;
    for (uint16_t port = 100; port < 140; port++) {
        struct peer client = {.to_send = 100, .appetite = SIZE_MAX};
        struct peer server = {.to_send = 100, .appetite = SIZE_MAX};
        struct endpoint to = at("10.0.0.2", port);
        peer_listen(&w.b, &server, port);
        assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &client, &client.t, w.now),
                         0);
        wire_pass(&w, 10 * NS_PER_S);
        assert_int_equal(client.received, 100);
        peer_close(&client);
        peer_close(&server);
        stack_tcp_listener_close(server.listener);
    }
    assert_int_equal(told, 16);
    wire_close(&w);
}

static void an_outage_is_none(void **state)
{
    (void)state;
    open_world(pass);
    struct peer client = {.to_send = 100, .appetite = SIZE_MAX};
    struct peer server = {.to_send = 1000000, .appetite = SIZE_MAX};
    w.config.loss = 50;
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
    wire_pass(&w, 200 * MS);
    is_down = true;
    wire_pass(&w, 10 * NS_PER_S);
    is_down = false;
    w.config.loss = 0;
    wire_pass(&w, 60 * NS_PER_S);
    assert_int_equal(client.received, 1000000);
    assert_int_equal(largest_of(81), 1420);
    wire_close(&w);
}

/* A connection from before it was found out asks for full segments still. */
static void the_first_large_packet_refutes_it(void **state)
{
    (void)state;
    open_world(swallow);
    struct peer client = {.to_send = 100, .appetite = SIZE_MAX};
    struct peer server = {.appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
    assert_in_range(fetch("10.0.0.2", 81, 5000), 3000, 4000);
    assert_int_equal(largest_of(82), 1280);
    w.a.sniff = w.b.sniff = pass;
    server.to_send = 50000;
    peer_pump(&server);
    wire_pass(&w, NS_PER_S);
    assert_int_equal(client.received, 50000);
    assert_int_equal(largest_of(83), 1420);
    wire_close(&w);
}

#define MINUTE (60 * NS_PER_S)

/* A path may have become wider again, or never have been narrow. */
static void after_ten_minutes_one_connection_finds_out_that_it_is_gone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        open_world(swallow);
        assert_in_range(fetch(families[i], 80, 5000), 3000, 4000);
        w.a.sniff = w.b.sniff = pass;
        wire_pass(&w, 9 * MINUTE);
        assert_int_equal(largest_of(81), 1280);
        wire_pass(&w, MINUTE);
        w.b.largest = 0;
        assert_in_range(fetch(families[i], 82, 50000), 1, 2900);
        assert_int_equal(w.b.largest, 1420);
        assert_int_equal(largest_of(83), 1420);
        wire_close(&w);
    }
}

static void while_it_is_there_one_connection_in_ten_minutes_waits(void **state)
{
    (void)state;
    open_world(swallow);
    assert_in_range(fetch("10.0.0.2", 80, 5000), 3000, 4000);
    for (uint16_t port = 81; port < 100; port += 4) {
        wire_pass(&w, 10 * MINUTE);
        assert_in_range(fetch("10.0.0.2", port, 5000), 3000, 4000);
        assert_in_range(fetch("10.0.0.2", port + 1, 5000), 1, 2900);
        wire_pass(&w, 9 * MINUTE);
        assert_in_range(fetch("10.0.0.2", port + 2, 500000), 1, 2900);
    }
    wire_close(&w);
}

/* Though large packets arrived once: nobody else would take it for more than a server that thinks. */
static void whoever_finds_out_does_not_wait_for_ever(void **state)
{
    (void)state;
    open_world(pass);
    assert_int_equal(largest_of(80), 1420);
    wire_pass(&w, 5 * NS_PER_S);
    w.a.sniff = w.b.sniff = swallow;
    assert_in_range(fetch("10.0.0.2", 81, 5000), 3000, 4000);
    for (uint16_t port = 100; port < 120; port++) {
        wire_pass(&w, 10 * MINUTE);
        assert_in_range(fetch("10.0.0.2", port, 500000), 3000, 8000);
    }
    wire_close(&w);
}

static bool swallow_from_81(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    return len > 1100 && ip[20] == 0 && ip[21] == 81;
}

/* Or a server that leaves some would have small segments from all others for good. */
static void later_holes_do_not_put_that_off(void **state)
{
    (void)state;
    open_world(swallow);
    assert_in_range(fetch("10.0.0.2", 80, 5000), 3000, 4000);
    w.a.sniff = w.b.sniff = swallow_from_81;
    wire_pass(&w, 8 * MINUTE);
    assert_int_equal(fetch("10.0.0.2", 81, 5000), 60000);
    wire_pass(&w, MINUTE);
    assert_int_equal(largest_of(82), 1420);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hole_is_filled_and_later_connections_do_not_wait),
        cmocka_unit_test(a_silence_is_broken_and_later_connections_do_not_wait),
        cmocka_unit_test(a_small_beginning_hides_nothing),
        cmocka_unit_test(a_server_that_thinks_is_none),
        cmocka_unit_test(many_silences_are_none),
        cmocka_unit_test(an_outage_is_none),
        cmocka_unit_test(the_first_large_packet_refutes_it),
        cmocka_unit_test(after_ten_minutes_one_connection_finds_out_that_it_is_gone),
        cmocka_unit_test(while_it_is_there_one_connection_in_ten_minutes_waits),
        cmocka_unit_test(whoever_finds_out_does_not_wait_for_ever),
        cmocka_unit_test(later_holes_do_not_put_that_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
