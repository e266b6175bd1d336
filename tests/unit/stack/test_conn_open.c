/* SPDX-License-Identifier: MIT */
/* How connections begin, and fail to. */
#include "unit/stack/peer.h"

#include "base/bytes.h"
#include "stack/internal.h"

static const char *const families[] = {"10.0.0.2", "fd00::2"};

static int connect_to(struct wire *w, const char *addr, uint16_t port, struct peer *p)
{
    struct endpoint to = at(addr, port);
    return stack_tcp_connect(w->a.stack, &to, peer_event, p, &p->t, w->now);
}

static void a_port_that_nobody_listens_on_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){.delay = 10 * MS});
        struct peer p = {0};
        assert_int_equal(connect_to(&w, families[i], 81, &p), 0);
        uint64_t begin = w.now.mono;
        assert_true(wire_run(&w, peer_has_failed, &p, NS_PER_S));
        assert_int_equal(p.error, ERR_REFUSED);
        assert_int_equal(w.now.mono - begin, 20 * MS);
        peer_close(&p);
        assert_int_equal(stack_next_deadline(w.b.stack), NEVER);
        wire_close(&w);
    }
}

static uint64_t syn_times[16];
static unsigned n_syns;

static bool swallow(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)ip, (void)len;
    if (n_syns < ARRAY_SIZE(syn_times)) {
        syn_times[n_syns++] = end->wire->now.mono;
    }
    return true;
}

/* RFC 6298: 1 s, then twice as long each time. A dialer gives up after 15 s, and must still be
 * trying then. */
static void a_filtered_port_is_tried_with_backoff_until_it_times_out(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = 10 * MS});
    w.a.sniff = swallow;
    n_syns = 0;
    struct peer p = {0};
    assert_int_equal(connect_to(&w, families[0], 80, &p), 0);
    uint64_t begin = w.now.mono;
    assert_true(wire_run(&w, peer_has_failed, &p, 120 * NS_PER_S));
    assert_int_equal(p.error, ERR_TIMED_OUT);
    assert_int_equal(n_syns, 6);
    for (unsigned i = 1; i < n_syns; i++) {
        uint64_t gap = syn_times[i] - syn_times[i - 1], want = NS_PER_S << (i - 1);
        assert_in_range(gap, want - 200 * MS, want + 200 * MS);
    }
    assert_true(syn_times[4] - begin < 16 * NS_PER_S);
    assert_true(w.now.mono - begin > 20 * NS_PER_S);
    wire_close(&w);
}

static void a_lost_syn_or_answer_is_made_good(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 20; seed++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){.delay = 10 * MS, .loss = 400, .seed = seed});
        struct peer client = {.to_send = 3000, .appetite = SIZE_MAX, .shutdown_after = true};
        struct peer server = {.to_send = 3000, .appetite = SIZE_MAX, .shutdown_after = true};
        assert_int_equal(peer_pair(&w, &client, &server, families[seed % 2]), 0);
        if (wire_run(&w, peer_is_connected, &client, 40 * NS_PER_S)) {
            wire_run(&w, peer_is_done, &client, 900 * NS_PER_S);
            if (client.error == 0) {
                assert_int_equal(client.received, 3000);
            }
        }
        wire_close(&w);
    }
}

static void impossible_destinations_fail_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *addr;
        uint16_t port;
        int err;
    } cases[] = {
        {"10.0.0.2", 0, ERR_INVALID},
        {"0.0.0.0", 80, ERR_INVALID},
        {"::", 80, ERR_INVALID},
        {"224.0.0.1", 80, ERR_INVALID},
        {"ff02::1", 80, ERR_INVALID},
        {"fd00::2", 80, ERR_NO_FAMILY},
        {"10.0.0.1", 80, ERR_NO_ROUTE},
        {"10.0.0.9", 80, 0},
        {"127.0.0.1", 80, ERR_NO_ROUTE},
        {"127.255.0.1", 80, ERR_NO_ROUTE},
        {"255.255.255.255", 80, ERR_INVALID},
    };
    struct wire w;
    wire_open(&w, &(struct wire_config){.a = {"10.0.0.1"}, .b = {"10.0.0.2"}});
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct peer p = {0};
        assert_int_equal(connect_to(&w, cases[i].addr, cases[i].port, &p), cases[i].err);
        assert_true(!p.t == (cases[i].err != 0));
    }
    struct peer p = {0};
    w.a.no_route = ERR_NO_ROUTE;
    assert_int_equal(connect_to(&w, "10.0.0.2", 80, &p), ERR_NO_ROUTE);
    assert_false(stack_has_family(w.a.stack, FAMILY_V6));
    assert_true(stack_has_family(w.a.stack, FAMILY_V4));
    wire_close(&w);
}

static void closing_while_connecting_gives_the_attempt_up(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = 10 * MS});
    struct peer client = {0}, server = {0};
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    peer_close(&client);
    wire_pass(&w, NS_PER_S);
    assert_int_equal(client.n_events, 0);
    assert_null(server.t); /* its SYN-ACK was answered with an RST */
    assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
    assert_int_equal(stack_next_deadline(w.b.stack), NEVER);
    wire_close(&w);
}

/* ---- ports and sequence numbers ---- */

static uint32_t isns[64];
static uint16_t ports[64];
static unsigned n_seen;

static bool note_syn(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)len;
    bool syn = (ip[20 + 13] & 0x02) != 0; /* and not the RST of one that was given up */
    if (syn && n_seen < ARRAY_SIZE(isns)) {
        ports[n_seen] = load_be16(ip + 20);
        isns[n_seen++] = load_be32(ip + 24);
    }
    return true;
}

static void ports_and_sequence_numbers_are_not_to_be_guessed(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.seed = 9});
    w.a.sniff = note_syn;
    n_seen = 0;
    static struct peer p[64];
    for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
        assert_int_equal(connect_to(&w, families[0], (uint16_t)(80 + i), &p[i]), 0);
        wire_pass(&w, 0);
    }
    assert_int_equal(n_seen, ARRAY_SIZE(p));
    for (size_t i = 1; i < ARRAY_SIZE(p); i++) {
        int32_t isn_step = (int32_t)(isns[i] - isns[i - 1]);
        int port_step = ports[i] - ports[i - 1];
        assert_false(isn_step > -10000 && isn_step < 10000);
        assert_false(port_step >= -1 && port_step <= 1);
        assert_true(ports[i] >= 16384);
    }
    wire_close(&w);
}

static void ports_towards_one_destination_come_round_last(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.seed = 9});
    w.a.sniff = note_syn;
    n_seen = 0;
    static struct peer p[64];
    for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
        assert_int_equal(connect_to(&w, families[0], 80, &p[i]), 0);
        wire_pass(&w, 0);
        if (i > 0) {
            assert_true(ports[i] == ports[i - 1] + 1 || ports[i - 1] == 65535);
        }
        /* a port that was just used is not taken again although it is free */
        stack_tcp_abort(p[i].t);
        p[i].t = NULL;
    }
    wire_close(&w);
}

/* RFC 6528: for one four-tuple the numbers rise, by 4 µs steps. */
static void sequence_numbers_of_one_four_tuple_rise_with_time(void **state)
{
    (void)state;
    uint32_t isn[2];
    for (int i = 0; i < 2; i++) {
        struct wire w; /* the same seed: the same secret, the same port */
        wire_open(&w, &(struct wire_config){.seed = 9});
        w.a.sniff = note_syn;
        n_seen = 0;
        w.now.mono += (uint64_t)i * NS_PER_S;
        struct peer p = {0};
        assert_int_equal(connect_to(&w, families[0], 80, &p), 0);
        wire_pass(&w, 0);
        isn[i] = isns[0];
        wire_close(&w);
    }
    assert_int_equal(isn[1] - isn[0], 250000);
}

static void the_last_free_port_to_a_destination_is_found_and_then_no_more(void **state)
{
    (void)state;
    enum { FIRST = 16384, LEFT = 40000, MANY = 65536 - FIRST };
    struct wire w;
    wire_open(&w, &(struct wire_config){.seed = 1});
    struct stack *s = w.a.stack;
    struct flow *others = calloc(MANY, sizeof *others); /* as if there were so many connections */
    for (unsigned i = 0; i < MANY; i++) {
        others[i].key = (struct flow_key){.local = s->source4,
                                          .remote = at(families[0], 0).addr,
                                          .local_port = (uint16_t)(FIRST + i),
                                          .remote_port = 80};
        if (FIRST + i != LEFT) {
            flowtab_add(&s->flows, &others[i]);
        }
    }
    struct peer p[3] = {0}, refused;
    assert_int_equal(connect_to(&w, families[0], 80, &p[0]), 0);
    assert_int_equal(stack_tcp_local(p[0].t).port, LEFT);
    assert_int_equal(connect_to(&w, families[0], 80, &refused), ERR_LIMIT);
    assert_int_equal(connect_to(&w, families[0], 81, &p[1]), 0);
    assert_int_equal(connect_to(&w, families[1], 80, &p[2]), 0);
    for (unsigned i = 0; i < MANY; i++) {
        if (FIRST + i != LEFT) {
            flowtab_remove(&s->flows, &others[i]);
        }
    }
    free(others);
    wire_close(&w);
}

/* ---- listening ---- */

static void a_port_has_one_listener(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer p = {0};
    peer_listen(&w.b, &p, 80);
    struct stack_tcp_listener *l;
    assert_int_equal(stack_tcp_listen(w.b.stack, 80, peer_accept, &p, &l), ERR_IN_USE);
    assert_int_equal(stack_tcp_listen(w.a.stack, 80, peer_accept, &p, &l),
                     0);                                     /* another stack's port */
    assert_int_equal(stack_next_deadline(w.b.stack), NEVER); /* a listener waits for no time */
    stack_tcp_listener_close(p.listener);
    peer_listen(&w.b, &p, 80);
    wire_close(&w);
}

static void a_closed_listener_refuses_and_forgets_the_half_open(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = 10 * MS});
    struct peer client = {0}, server = {0};
    assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
    wire_pass(&w, 15 * MS); /* the SYN has arrived, its answer not yet */
    stack_tcp_listener_close(server.listener);
    wire_pass(&w, NS_PER_S);
    assert_true(peer_has_failed(&client));
    assert_null(server.t);
    assert_int_equal(stack_next_deadline(w.b.stack), NEVER);
    wire_close(&w);
}

static unsigned n_accepted;

static void count_and_abort(void *ctx, struct stack_tcp *t, struct now now)
{
    (void)ctx, (void)now;
    n_accepted++;
    stack_tcp_abort(t);
}

static bool only_syns_leave(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)len;
    return ip[33] != 0x02;
}

static void a_flood_of_syns_ends_at_the_limit(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct stack_tcp_listener *l;
    assert_int_equal(stack_tcp_listen(w.b.stack, 80, count_and_abort, NULL, &l), 0);
    w.a.sniff = only_syns_leave;
    static struct peer p[2000];
    for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
        assert_int_equal(connect_to(&w, families[0], 80, &p[i]), 0);
    }
    wire_pass(&w, 10 * MS);
    assert_int_equal(w.b.packets, 1024); /* SYN-ACKs */
    assert_int_equal(n_accepted, 0);
    wire_close(&w);
}

/* Others still get in. */
static void a_flood_of_syns_keeps_nobody_out_for_long(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct stack_tcp_listener *l;
    n_accepted = 0;
    assert_int_equal(stack_tcp_listen(w.b.stack, 80, count_and_abort, NULL, &l), 0);
    w.a.sniff = only_syns_leave;
    static struct peer p[1024], late, honest;
    for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
        assert_int_equal(connect_to(&w, families[0], 80, &p[i]), 0);
    }
    wire_pass(&w, 500 * MS);
    uint64_t answers = w.b.packets;
    assert_int_equal(connect_to(&w, families[0], 80, &late), 0); /* the others may be far away */
    wire_pass(&w, 100 * MS);
    assert_int_equal(w.b.packets, answers);
    wire_pass(&w, 700 * MS);
    w.a.sniff = NULL;
    assert_int_equal(connect_to(&w, families[0], 80, &honest), 0);
    wire_pass(&w, 10 * MS);
    assert_int_equal(n_accepted, 1);
    wire_close(&w);
}

static void reset_the_client(void *ctx, struct stack_tcp *t, struct now now)
{
    count_and_abort(ctx, t, now);
}

static void a_listener_may_abort_what_it_is_shown(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct stack_tcp_listener *l;
    assert_int_equal(stack_tcp_listen(w.b.stack, 80, reset_the_client, NULL, &l), 0);
    struct peer p = {0};
    n_accepted = 0;
    assert_int_equal(connect_to(&w, families[1], 80, &p), 0);
    assert_true(wire_run(&w, peer_has_failed, &p, NS_PER_S));
    assert_int_equal(p.error, ERR_RESET);
    assert_int_equal(n_accepted, 1);
    wire_close(&w);
}

static void a_listener_without_a_port_finds_a_free_one_and_tells_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){.delay = MS});
        struct peer server = {0}, client = {0};
        peer_listen(&w.b, &server, 0);
        struct addr there;
        assert_true(addr_parse(&there, families[i]));
        struct endpoint at = stack_tcp_listener_local(server.listener, there.family);
        assert_true(addr_equal(&at.addr, &there));
        assert_true(at.port >= 16384);
        assert_int_equal(connect_to(&w, families[i], at.port, &client), 0);
        assert_true(wire_run(&w, peer_is_connected, &client, NS_PER_S));

        struct stack_tcp_listener *other;
        assert_int_equal(stack_tcp_listen(w.b.stack, 0, peer_accept, &server, &other), 0);
        assert_int_not_equal(stack_tcp_listener_local(other, FAMILY_V4).port, at.port);
        wire_close(&w);
    }
}

struct one_shot {
    struct stack_tcp_listener *listener;
    struct stack_tcp *t;
};

static void take_one(void *ctx, struct stack_tcp *t, struct now now)
{
    (void)now;
    struct one_shot *o = ctx;
    assert_null(o->t);
    o->t = t;
    static struct peer nobody;
    stack_tcp_set_handler(t, peer_event, &nobody);
    stack_tcp_listener_close(o->listener);
}

static void a_listener_may_be_closed_by_the_first_that_comes(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct one_shot o = {.t = NULL};
    assert_int_equal(stack_tcp_listen(w.b.stack, 80, take_one, &o, &o.listener), 0);
    struct peer first = {0}, second = {0};
    assert_int_equal(connect_to(&w, families[0], 80, &first), 0);
    assert_int_equal(connect_to(&w, families[0], 80, &second), 0);
    assert_true(wire_run(&w, peer_has_failed, &second, NS_PER_S));
    assert_true(peer_is_connected(&first));
    assert_int_equal(first.error, 0);
    stack_tcp_abort(o.t);
    wire_close(&w);
}

/* ---- many ---- */

static bool is_over(void *ctx)
{
    return peer_is_done(ctx) || peer_has_failed(ctx);
}

static void many_connections_one_after_the_other_find_ports(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = 50 * NS_PER_US});
    struct peer client, server = {0};
    peer_listen(&w.b, &server, 80);
    for (int i = 0; i < 20000; i++) {
        client = (struct peer){.to_send = 10, .appetite = SIZE_MAX, .shutdown_after = true};
        struct stack_tcp_listener *l = server.listener;
        server = (struct peer){
            .to_send = 10, .appetite = SIZE_MAX, .shutdown_after = true, .listener = l};
        assert_int_equal(connect_to(&w, families[i % 2], 80, &client), 0);
        assert_true(wire_run(&w, is_over, &client, NS_PER_S));
        assert_int_equal(client.error, 0);
        assert_int_equal(client.received, 10);
        peer_close(&client);
        peer_close(&server);
    }
    wire_pass(&w, 60 * NS_PER_S);
    assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_that_nobody_listens_on_refuses),
        cmocka_unit_test(a_filtered_port_is_tried_with_backoff_until_it_times_out),
        cmocka_unit_test(a_lost_syn_or_answer_is_made_good),
        cmocka_unit_test(impossible_destinations_fail_at_once),
        cmocka_unit_test(closing_while_connecting_gives_the_attempt_up),
        cmocka_unit_test(ports_and_sequence_numbers_are_not_to_be_guessed),
        cmocka_unit_test(ports_towards_one_destination_come_round_last),
        cmocka_unit_test(sequence_numbers_of_one_four_tuple_rise_with_time),
        cmocka_unit_test(the_last_free_port_to_a_destination_is_found_and_then_no_more),
        cmocka_unit_test(a_port_has_one_listener),
        cmocka_unit_test(a_closed_listener_refuses_and_forgets_the_half_open),
        cmocka_unit_test(a_flood_of_syns_ends_at_the_limit),
        cmocka_unit_test(a_flood_of_syns_keeps_nobody_out_for_long),
        cmocka_unit_test(a_listener_may_abort_what_it_is_shown),
        cmocka_unit_test(a_listener_without_a_port_finds_a_free_one_and_tells_it),
        cmocka_unit_test(a_listener_may_be_closed_by_the_first_that_comes),
        cmocka_unit_test(many_connections_one_after_the_other_find_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
