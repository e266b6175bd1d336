/* SPDX-License-Identifier: MIT */
/* Who wakes whom: an idle stack sleeps, with or without connections, and nothing that waits is
 * forgotten. */
#include "unit/stack/packets.h"
#include "unit/stack/peer.h"

#include "base/bytes.h"
#include "stack/conn.h"

static struct wire w;
static struct peer client, server;

static void open_pair(const struct wire_config *config)
{
    wire_open(&w, config);
    client = (struct peer){.appetite = SIZE_MAX};
    server = (struct peer){.appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
    wire_pass(&w, 200 * MS);
    assert_true(peer_is_connected(&client));
}

static void a_stack_without_connections_never_wakes(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){0});
    assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
    stack_tick(w.a.stack, w.now);
    stack_flush(w.a.stack, w.now);
    assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
    wire_close(&w);
}

static void idle_connections_wake_nobody_and_send_nothing(void **state)
{
    (void)state;
    open_pair(&(struct wire_config){.delay = MS});
    wire_pass(&w, 5 * NS_PER_S);
    uint64_t packets = w.a.packets + w.b.packets;
    w.wakeups = 0;
    wire_pass(&w, 1000 * NS_PER_S);
    assert_int_equal(w.wakeups, 0);
    assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
    assert_int_equal(w.a.packets + w.b.packets, packets);

    client.to_send = 10; /* and are there when needed */
    peer_pump(&client);
    wire_pass(&w, 2 * MS);
    assert_int_equal(server.received, 10);
    wire_close(&w);
}

/* lwIP's timers see those only that wait for something. */
static void a_busy_connection_wakes_no_idle_one(void **state)
{
    (void)state;
    open_pair(&(struct wire_config){.delay = MS});
    struct peer idle[20], servers[20];
    for (uint16_t i = 0; i < 20; i++) {
        idle[i] = servers[i] = (struct peer){.appetite = SIZE_MAX};
        struct endpoint to = at("10.0.0.2", 1000 + i);
        peer_listen(&w.b, &servers[i], to.port);
        assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &idle[i], &idle[i].t, w.now),
                         0);
        wire_pass(&w, 5 * MS);
        assert_true(peer_is_connected(&idle[i]));
    }
    wire_pass(&w, NS_PER_S);
    client.to_send = 10;
    peer_pump(&client);
    stack_flush(w.a.stack, w.now);
    assert_ptr_equal(tcp_active_pcbs, client.t->pcb);
    assert_null(tcp_active_pcbs->next);

    w.config.loss = 1000; /* and it wakes itself */
    idle[7].to_send = 10;
    peer_pump(&idle[7]);
    wire_pass(&w, 300 * MS);
    w.config.loss = 0;
    wire_pass(&w, 5 * NS_PER_S);
    assert_int_equal(stack_tcp_unsent(idle[7].t), 0);
    wire_close(&w);
}

/* lwIP measures round trips in ticks: the ticks slept through must not count as one. */
static void sleep_does_not_spoil_the_clock(void **state)
{
    (void)state;
    open_pair(&(struct wire_config){.delay = 20 * MS});
    for (int i = 0; i < 20; i++) {
        wire_pass(&w, 1700 * MS);
        client.to_send++;
        peer_pump(&client);
    }
    wire_pass(&w, NS_PER_S);
    assert_int_equal(server.received, 20);
    uint64_t packets = w.a.packets;
    w.config.loss = 1000;
    client.to_send++;
    peer_pump(&client);
    uint64_t begin = w.now.mono;
    while (w.a.packets < packets + 2 && w.now.mono < begin + 10 * NS_PER_S) {
        wire_pass(&w, 10 * MS);
    }
    assert_in_range(w.now.mono - begin, 200 * MS, 600 * MS); /* the RTO of a path of 40 ms */
    wire_close(&w);
}

static void a_delayed_acknowledgement_comes_within_a_tick(void **state)
{
    (void)state;
    open_pair(&(struct wire_config){.delay = MS});
    client.to_send = 10; /* one segment alone is acknowledged late */
    peer_pump(&client);
    wire_pass(&w, 10 * MS);
    assert_int_equal(stack_tcp_unsent(client.t), 10);
    wire_pass(&w, 60 * MS);
    assert_int_equal(stack_tcp_unsent(client.t), 0);
    wire_close(&w);
}

/* The first packet to port 81 gets lost. */
static bool lose_first_syn(struct wire_end *end, uint8_t *ip, size_t len)
{
    bool *lost = end->ctx;
    if (len < 40 || load_be16(ip + 22) != 81 || *lost) {
        return false;
    }
    *lost = true;
    return true;
}

/* Small segments arrive all the time, so that there is always an acknowledgement to be delayed;
 * the SYN of another connection is repeated after a second all the same. */
static void traffic_does_not_keep_others_from_their_time(void **state)
{
    (void)state;
    struct peer late = {0}, far = {0};
    bool lost = false;
    struct endpoint to = at("10.0.0.2", 81);
    open_pair(&(struct wire_config){.delay = MS});
    peer_listen(&w.b, &far, 81);
    w.a.sniff = lose_first_syn;
    w.a.ctx = &lost;
    assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &late, &late.t, w.now), 0);
    for (int i = 0; i < 150; i++) {
        server.to_send += 100;
        peer_pump(&server);
        wire_pass(&w, 10 * MS);
    }
    assert_true(lost);
    assert_true(peer_is_connected(&late));
    assert_int_equal(client.received, server.to_send);
    wire_close(&w);
}

/* When a SYN to port 82 left, in ns; none of them arrives. */
static uint64_t syns[8];
static unsigned n_syns;

static bool note_syn(struct wire_end *end, uint8_t *ip, size_t len)
{
    if (len < 40 || load_be16(ip + 22) != 82) {
        return false;
    }
    if (n_syns < 8) {
        syns[n_syns++] = end->wire->now.mono;
    }
    return true;
}

/* Each of many connections has heard the beginning of an answer, and is looked at when no more came
 * for three seconds: the time of the others does not go faster by that. */
static void those_who_wait_for_more_do_not_hurry_others(void **state)
{
    (void)state;
    static struct peer asking[100], silent[100];
    struct peer late = {0};
    struct endpoint to = at("10.0.0.2", 82);
    n_syns = 0;
    wire_open(&w, &(struct wire_config){.delay = MS});
    for (unsigned i = 0; i < 100; i++) {
        asking[i] = (struct peer){.appetite = SIZE_MAX};
        silent[i] = (struct peer){.to_send = 10};
        struct endpoint server_at = at("10.0.0.2", (uint16_t)(100 + i));
        peer_listen(&w.b, &silent[i], server_at.port);
        assert_int_equal(
            stack_tcp_connect(w.a.stack, &server_at, peer_event, &asking[i], &asking[i].t, w.now),
            0);
        wire_pass(&w, 10 * MS);
    }
    wire_pass(&w, 1950 * MS);
    w.a.sniff = note_syn;
    assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &late, &late.t, w.now), 0);
    wire_pass(&w, 4 * NS_PER_S);
    assert_int_equal(n_syns, 3);
    assert_in_range(syns[1] - syns[0], 900 * MS, 1200 * MS);
    assert_in_range(syns[2] - syns[1], 1900 * MS, 2300 * MS);
    wire_close(&w);
}

static void both_are_over(void)
{
    client.shutdown_after = server.shutdown_after = true;
    peer_pump(&client);
    peer_pump(&server);
    assert_true(wire_run(&w, peer_is_done, &client, NS_PER_S));
    assert_true(wire_run(&w, peer_is_done, &server, NS_PER_S));
    peer_close(&client);
    peer_close(&server);
}

static bool announce_no_window(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)len;
    ip[34] = ip[35] = 0;
    return false;
}

/* The peer takes the byte that probes its window, and opens none: lwIP would go on probing with
 * nothing to send. */
static void a_probe_that_is_taken_ends_the_probing(void **state)
{
    (void)state;
    open_pair(&(struct wire_config){.delay = MS});
    w.b.sniff = announce_no_window;
    server.to_send = 1; /* to bring the news */
    peer_pump(&server);
    wire_pass(&w, 100 * MS);
    client.to_send = 1;
    peer_pump(&client);
    wire_pass(&w, 30 * NS_PER_S);
    assert_int_equal(server.received, 1);
    assert_int_equal(stack_tcp_unsent(client.t), 0);
    w.b.sniff = NULL;
    wire_pass(&w, 30 * NS_PER_S);
    assert_false(peer_has_failed(&client));
    wire_close(&w);
}

/* 2 MSL of 5 s: RFC 9293 3.4.2 leaves the choice to the implementation. */
static void time_wait_ends_after_ten_seconds(void **state)
{
    (void)state;
    open_pair(&(struct wire_config){.delay = MS});
    both_are_over();
    wire_pass(&w, 8 * NS_PER_S);
    assert_true(stack_next_deadline(w.a.stack) != NEVER);
    wire_pass(&w, 4 * NS_PER_S);
    assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
    assert_int_equal(stack_next_deadline(w.b.stack), NEVER);
    wire_close(&w);
}

/* A connection of a's that a has ended first; from where the server at `port` would go on. */
static struct flow_key one_in_time_wait(uint16_t port, uint32_t *seq)
{
    struct peer from = {.appetite = SIZE_MAX}, to = {.appetite = SIZE_MAX};
    struct endpoint there = at("10.0.0.2", port);
    peer_listen(&w.b, &to, port);
    assert_int_equal(stack_tcp_connect(w.a.stack, &there, peer_event, &from, &from.t, w.now), 0);
    wire_pass(&w, 10 * MS);
    from.shutdown_after = to.shutdown_after = true;
    peer_pump(&from);
    wire_pass(&w, 10 * MS);
    peer_pump(&to);
    wire_pass(&w, 10 * MS);
    assert_int_equal(from.t->pcb->state, TIME_WAIT);
    struct flow_key key = from.t->flow.key;
    *seq = from.t->pcb->rcv_nxt;
    peer_close(&from);
    peer_close(&to);
    return key;
}

/* RFC 9293 3.10.7.4, eighth: the FIN that is sent again restarts the time. Who comes later must not
 * go sooner either. */
static void only_a_fin_that_is_sent_again_prolongs_time_wait(void **state)
{
    (void)state;
    static const struct {
        uint8_t flags;
        uint32_t before; /* what the connection has received up to */
        size_t len;
        unsigned left[3]; /* in TIME_WAIT after 11, 14 and 16 s; another one came at 3 s */
    } table[] = {
        {TCP_ACK, 0, 0, {1, 0, 0}},           {TCP_ACK, 0, 1, {1, 0, 0}},
        {TCP_ACK, 1, 0, {1, 0, 0}},           {TCP_RST, 0, 0, {1, 0, 0}}, /* RFC 1337 */
        {TCP_FIN | TCP_ACK, 1, 0, {2, 1, 0}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        wire_open(&w, &(struct wire_config){.delay = MS});
        uint32_t seq, ignored;
        struct flow_key key = one_in_time_wait(80, &seq);
        wire_pass(&w, 3 * NS_PER_S);
        one_in_time_wait(81, &ignored);
        wire_pass(&w, 2 * NS_PER_S);
        uint8_t ip[100];
        size_t len = make_tcp(ip, "10.0.0.2", 80, "10.0.0.1", key.local_port, seq - table[i].before,
                              0, table[i].flags, "x", table[i].len);
        wire_inject(&w.a, ip, len);
        assert_int_equal(w.a.stack->n_time_wait, 2);
        uint64_t pass = 6 * NS_PER_S;
        for (size_t k = 0; k < 3; k++) {
            wire_pass(&w, pass);
            assert_int_equal(w.a.stack->n_time_wait, table[i].left[k]);
            pass = k == 0 ? 3 * NS_PER_S : 2 * NS_PER_S;
        }
        wire_close(&w);
    }
}

/* The side that closes last has its bytes and its FIN under way, and lwIP would let them go with the
 * connection 10 s after the close. */
static void the_last_bytes_survive_half_a_minute_of_loss(void **state)
{
    (void)state;
    open_pair(&(struct wire_config){.delay = MS});
    client.shutdown_after = true;
    peer_pump(&client);
    wire_pass(&w, 100 * MS);
    assert_true(server.eof);
    w.config.loss = 1000;
    server.to_send = 5000;
    peer_pump(&server);
    peer_close(&server);
    wire_pass(&w, 30 * NS_PER_S);
    w.config.loss = 0;
    wire_pass(&w, 30 * NS_PER_S);
    assert_int_equal(client.received, 5000);
    assert_true(client.eof);
    wire_close(&w);
}

/* A stack whose program slept for hours does one tick, and its connection lives. */
static void a_long_sleep_harms_no_connection(void **state)
{
    (void)state;
    open_pair(&(struct wire_config){.delay = MS});
    w.now.mono += 3 * 3600 * NS_PER_S;
    client.to_send = 1000;
    peer_pump(&client);
    wire_pass(&w, 100 * MS);
    assert_int_equal(server.received, 1000);
    assert_false(peer_has_failed(&client));
    wire_close(&w);
}

/* More than there are ports, thousands a second, to one server: TIME_WAIT keeps no port from
 * coming round again. */
static void connections_to_one_server_do_not_run_out_of_ports(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){.delay = 10 * NS_PER_US});
    server = (struct peer){0};
    peer_listen(&w.b, &server, 80);
    struct stack_tcp_listener *l = server.listener;
    struct endpoint to = at("10.0.0.2", 80);
    for (int i = 0; i < 60000; i++) {
        client = (struct peer){.appetite = SIZE_MAX, .shutdown_after = true};
        server = (struct peer){.appetite = SIZE_MAX, .shutdown_after = true, .listener = l};
        assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &client, &client.t, w.now),
                         0);
        assert_true(wire_run(&w, peer_is_done, &client, NS_PER_S));
        wire_run(&w, peer_is_done, &server, NS_PER_S);
        peer_close(&client);
        peer_close(&server);
        assert_true(w.a.stack->n_time_wait <= 4096);
    }
    assert_true(w.now.mono < 1009 * NS_PER_S); /* none of them has ended by itself */
    assert_in_range(w.a.stack->flows.n, 1, 4096);
    assert_in_range(w.b.stack->flows.n, 0, 4096);
    wire_close(&w);
}

/* Those in TIME_WAIT are the last that hold memory of a busy time: it goes back when they do. */
static void memory_of_a_peak_goes_back_after_time_wait(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){.delay = 10 * NS_PER_US});
    server = (struct peer){0};
    peer_listen(&w.b, &server, 80);
    struct stack_tcp_listener *l = server.listener;
    struct endpoint to = at("10.0.0.2", 80);
    for (int i = 0; i < 2000; i++) {
        client = (struct peer){.appetite = SIZE_MAX, .shutdown_after = true};
        server = (struct peer){.appetite = SIZE_MAX, .shutdown_after = true, .listener = l};
        assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &client, &client.t, w.now),
                         0);
        assert_true(wire_run(&w, peer_is_done, &client, NS_PER_S));
        wire_run(&w, peer_is_done, &server, NS_PER_S);
        peer_close(&client);
        peer_close(&server);
    }
    assert_in_range(w.a.stack->n_time_wait + w.b.stack->n_time_wait, 1500, 4096);
    wire_pass(&w, 9 * NS_PER_S);
    struct stack *held = w.a.stack->n_time_wait > 0 ? w.a.stack : w.b.stack;
    assert_true(held->most_in_heap > 1000 * 1024);
    wire_pass(&w, 21 * NS_PER_S);
    assert_int_equal(held->n_time_wait, 0);
    assert_true(held->most_in_heap < 512 * 1024); /* it was trimmed since */
    assert_true(stack_next_deadline(held) == NEVER);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_without_connections_never_wakes),
        cmocka_unit_test(idle_connections_wake_nobody_and_send_nothing),
        cmocka_unit_test(a_busy_connection_wakes_no_idle_one),
        cmocka_unit_test(sleep_does_not_spoil_the_clock),
        cmocka_unit_test(a_delayed_acknowledgement_comes_within_a_tick),
        cmocka_unit_test(traffic_does_not_keep_others_from_their_time),
        cmocka_unit_test(those_who_wait_for_more_do_not_hurry_others),
        cmocka_unit_test(a_probe_that_is_taken_ends_the_probing),
        cmocka_unit_test(time_wait_ends_after_ten_seconds),
        cmocka_unit_test(only_a_fin_that_is_sent_again_prolongs_time_wait),
        cmocka_unit_test(the_last_bytes_survive_half_a_minute_of_loss),
        cmocka_unit_test(a_long_sleep_harms_no_connection),
        cmocka_unit_test(memory_of_a_peak_goes_back_after_time_wait),
        cmocka_unit_test(connections_to_one_server_do_not_run_out_of_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
