/* SPDX-License-Identifier: MIT */
/* Datagrams between two stacks. */
#include "unit/stack/packets.h"
#include "unit/stack/wire.h"

static const char *const a_addr[] = {"10.0.0.1", "fd00::1"}, *const b_addr[] = {"10.0.0.2",
                                                                                "fd00::2"};

struct end {
    struct stack_udp *u;
    unsigned n_received, n_failed;
    struct endpoint from;
    uint8_t data[65536];
    size_t len;
    int err;
    bool echo, close_at_once;
};

static void received(void *ctx, struct stack_udp *u, const struct endpoint *from,
                     const uint8_t *data, size_t len, struct now now)
{
    (void)now;
    struct end *e = ctx;
    assert_ptr_equal(u, e->u);
    e->n_received++;
    e->from = *from;
    e->len = len;
    memcpy(e->data, data, len);
    if (e->echo) {
        assert_int_equal(stack_udp_send(u, from, data, len), 0);
    }
    if (e->close_at_once) {
        stack_udp_close(u);
        e->u = NULL;
    }
}

static void failed(void *ctx, struct stack_udp *u, const struct endpoint *to, int err,
                   struct now now)
{
    (void)now;
    struct end *e = ctx;
    assert_ptr_equal(u, e->u);
    e->n_failed++;
    e->from = *to;
    e->err = err;
}

static const struct stack_udp_handler handler = {received, failed};
static const struct stack_udp_handler deaf_to_errors = {received, NULL};

static struct wire w;
static struct end a, b;

static void open_both(const struct wire_config *config)
{
    wire_open(&w, config);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    assert_int_equal(stack_udp_open(w.a.stack, 0, &handler, &a, &a.u), 0);
    assert_int_equal(stack_udp_open(w.b.stack, 53, &handler, &b, &b.u), 0);
    assert_int_equal(stack_udp_port(b.u), 53);
}

static void there_and_back(const char *to, size_t len)
{
    static uint8_t data[65536];
    uint64_t seed = len;
    seeded_fill(&seed, data, len);
    struct endpoint dst = at(to, 53);
    b.echo = true;
    a.n_received = b.n_received = 0;
    assert_int_equal(stack_udp_send(a.u, &dst, data, len), 0);
    wire_pass(&w, 50 * MS);
    assert_int_equal(b.n_received, 1);
    assert_int_equal(a.n_received, 1);
    assert_int_equal(a.len, len);
    assert_memory_equal(a.data, data, len);
    assert_true(endpoint_equal(&a.from, &dst));
    assert_int_equal(b.from.port, stack_udp_port(a.u));
}

static void datagrams_of_every_size_go_there_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 512, 1392, 1393, 4000, 65487};
    open_both(&(struct wire_config){.delay = MS});
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        there_and_back(b_addr[0], sizes[i]);
        there_and_back(b_addr[1], sizes[i]);
    }
    there_and_back(b_addr[0], 65507);
    assert_int_equal(w.a.largest, 1420);
    wire_close(&w);
}

static void fragments_may_come_in_any_order(void **state)
{
    (void)state;
    open_both(&(struct wire_config){.delay = MS, .jitter = 5 * MS, .seed = 2});
    for (int i = 0; i < 5; i++) {
        there_and_back(b_addr[i % 2], 20000 + (size_t)i);
    }
    wire_close(&w);
}

static bool lose_second(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)ip, (void)len;
    return end->packets == 2;
}

static void a_lost_fragment_loses_the_datagram_and_no_memory(void **state)
{
    (void)state;
    static const uint8_t data[5000];
    open_both(&(struct wire_config){.delay = MS});
    w.a.sniff = lose_second;
    struct endpoint dst = at(b_addr[1], 53);
    assert_int_equal(stack_udp_send(a.u, &dst, data, sizeof data), 0);
    wire_pass(&w, 10 * MS);
    assert_int_equal(b.n_received, 0);
    assert_true(stack_next_deadline(w.b.stack) < NEVER); /* to forget it */
    wire_pass(&w, 20 * NS_PER_S);
    assert_int_equal(stack_next_deadline(w.b.stack), NEVER);
    wire_close(&w);
}

static void impossible_sends_fail_at_once(void **state)
{
    (void)state;
    static const uint8_t data[65536];
    open_both(&(struct wire_config){.a = {"10.0.0.1"}, .b = {"10.0.0.2"}});
    static const struct {
        const char *to;
        uint16_t port;
        size_t len;
        int err;
    } cases[] = {
        {"10.0.0.2", 53, 65507, 0},
        {"10.0.0.2", 53, 65508, ERR_LIMIT},
        {"10.0.0.2", 0, 1, ERR_INVALID},
        {"0.0.0.0", 53, 1, ERR_INVALID},
        {"224.0.0.251", 53, 1, ERR_INVALID},
        {"fd00::2", 53, 1, ERR_NO_FAMILY},
        {"127.0.0.1", 53, 1, ERR_NO_ROUTE},
        {"10.0.0.1", 53, 1, ERR_NO_ROUTE},
        {"255.255.255.255", 53, 1, ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct endpoint to = at(cases[i].to, cases[i].port);
        assert_int_equal(stack_udp_send(a.u, &to, data, cases[i].len), cases[i].err);
    }
    w.a.no_route = ERR_NO_ROUTE;
    struct endpoint to = at("10.0.0.2", 53);
    assert_int_equal(stack_udp_send(a.u, &to, data, 1), ERR_NO_ROUTE);
    wire_close(&w);
}

static void a_send_leaves_with_the_next_flush(void **state)
{
    (void)state;
    open_both(&(struct wire_config){.delay = MS});
    struct endpoint to = at(b_addr[0], 53);
    assert_int_equal(stack_udp_send(a.u, &to, "x", 1), 0);
    assert_int_equal(w.a.packets, 0);
    stack_flush(w.a.stack, w.now);
    assert_int_equal(w.a.packets, 1);
    wire_close(&w);
}

static void a_closed_port_is_reported(void **state)
{
    (void)state;
    open_both(&(struct wire_config){.delay = MS});
    for (unsigned i = 0; i < 2; i++) {
        struct endpoint to = at(b_addr[i], 54);
        a.err = 0;
        assert_int_equal(stack_udp_send(a.u, &to, "hello", 5), 0);
        wire_pass(&w, 10 * MS);
        assert_int_equal(a.n_failed, i + 1);
        assert_int_equal(a.err, ERR_REFUSED);
        assert_true(endpoint_equal(&a.from, &to));
    }
    stack_udp_close(a.u); /* without a handler for it, nothing happens */
    assert_int_equal(stack_udp_open(w.a.stack, 0, &deaf_to_errors, &a, &a.u), 0);
    struct endpoint to = at(b_addr[0], 54);
    assert_int_equal(stack_udp_send(a.u, &to, "hello", 5), 0);
    wire_pass(&w, 10 * MS);
    assert_int_equal(a.n_failed, 2);
    wire_close(&w);
}

static void a_port_is_used_once(void **state)
{
    (void)state;
    open_both(&(struct wire_config){0});
    struct end other = {0};
    assert_int_equal(stack_udp_open(w.b.stack, 53, &handler, &other, &other.u), ERR_IN_USE);
    assert_int_equal(stack_udp_open(w.a.stack, 53, &handler, &other, &other.u), 0);
    stack_udp_close(b.u);
    assert_int_equal(stack_udp_open(w.b.stack, 53, &handler, &b, &b.u), 0);
    wire_close(&w);
}

static void chosen_ports_differ_and_are_not_neighbours(void **state)
{
    (void)state;
    open_both(&(struct wire_config){.seed = 6});
    static struct end many[200];
    uint16_t last = 0;
    for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
        assert_int_equal(stack_udp_open(w.a.stack, 0, &handler, &many[i], &many[i].u), 0);
        uint16_t port = stack_udp_port(many[i].u);
        assert_true(port >= 16384);
        assert_true(port > last + 1 || port + 1 < last);
        last = port;
    }
    wire_close(&w);
}

static void a_socket_may_close_in_its_own_handler(void **state)
{
    (void)state;
    open_both(&(struct wire_config){.delay = MS});
    struct endpoint to = at(b_addr[1], 53);
    b.close_at_once = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stack_udp_send(a.u, &to, "x", 1), 0);
    }
    wire_pass(&w, 10 * MS);
    assert_int_equal(b.n_received, 1);
    assert_null(b.u);
    wire_close(&w);
}

static void a_socket_hears_all_of_its_addresses(void **state)
{
    (void)state;
    open_both(&(struct wire_config){.a = {"10.0.0.1", "fd00::1"},
                                    .b = {"10.0.0.2", "10.0.5.2", "fd00::2"}});
    static const char *const all[] = {"10.0.0.2", "10.0.5.2", "fd00::2"};
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
        struct endpoint to = at(all[i], 53);
        assert_int_equal(stack_udp_send(a.u, &to, "x", 1), 0);
        wire_pass(&w, 10 * MS);
        assert_int_equal(b.n_received, i + 1);
    }
    wire_close(&w);
}

static void a_flood_within_one_turn_is_bounded(void **state)
{
    (void)state;
    open_both(&(struct wire_config){0});
    uint8_t ip[100];
    size_t len = make_udp(ip, a_addr[0], 9, b_addr[0], 53, "x", 1);
    for (int i = 0; i < 5000; i++) {
        wire_inject(&w.b, ip, len);
    }
    wire_pass(&w, 0);
    assert_int_equal(b.n_received, 1024);
    assert_int_equal(stack_drop_count(w.b.stack, STACK_DROP_MEMORY), 5000 - 1024);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_of_every_size_go_there_and_back),
        cmocka_unit_test(fragments_may_come_in_any_order),
        cmocka_unit_test(a_lost_fragment_loses_the_datagram_and_no_memory),
        cmocka_unit_test(impossible_sends_fail_at_once),
        cmocka_unit_test(a_send_leaves_with_the_next_flush),
        cmocka_unit_test(a_closed_port_is_reported),
        cmocka_unit_test(a_port_is_used_once),
        cmocka_unit_test(chosen_ports_differ_and_are_not_neighbours),
        cmocka_unit_test(a_socket_may_close_in_its_own_handler),
        cmocka_unit_test(a_socket_hears_all_of_its_addresses),
        cmocka_unit_test(a_flood_within_one_turn_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
