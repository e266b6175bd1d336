/* SPDX-License-Identifier: MIT */
/* What is taken for lost, and when it goes again: a peer whose acknowledgements are made by hand. */
#include "stack/conn.h"
#include "stack/gate.h"
#include "unit/stack/packets.h"
#include "unit/stack/peer.h"

enum { MSS = 1380, RTT_MS = 100, SENT_MAX = 512, ACK = 0x10, SYN_ACK = 0x12 };

static struct wire w;
static struct peer client;
static uint16_t port;   /* ours, that is the client's */
static uint32_t first;  /* sequence number of its first byte */
static uint32_t theirs; /* the next one of ours */
static struct {
    uint32_t offset;
    size_t len;
    bool fin;
} sent[SENT_MAX];
static size_t n_sent; /* that carry data or a FIN */

/* Nothing arrives anywhere. */
static bool record(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    const uint8_t *tcp = ip + IP4_HEADER;
    size_t header = (size_t)(tcp[12] >> 4) * 4, data = len - IP4_HEADER - header;
    if (tcp[13] & TCP_SYN) {
        port = load_be16(tcp);
        first = load_be32(tcp + 4) + 1;
    } else if (data > 0 || tcp[13] & TCP_FIN) {
        assert_true(n_sent < SENT_MAX);
        sent[n_sent].offset = load_be32(tcp + 4) - first;
        sent[n_sent].len = data;
        sent[n_sent++].fin = tcp[13] & TCP_FIN;
    }
    return true;
}

static void answer(uint8_t flags, uint32_t acknowledged, const uint8_t *options, size_t n_options)
{
    uint8_t ip[200], *tcp = ip + IP4_HEADER;
    static const uint8_t room[40];
    size_t len = make_tcp(ip, "10.0.0.2", 80, "10.0.0.1", port, theirs, first + acknowledged, flags,
                          room, n_options);
    tcp[12] = (uint8_t)((TCP_HEADER + n_options) / 4 << 4);
    memcpy(tcp + TCP_HEADER, options, n_options);
    wire_inject(&w.a, ip, len);
}

/* All below `acknowledged`, and blocks of offsets: pairs, ended by 0, 0. */
static void acknowledge(uint32_t acknowledged, const uint32_t *blocks)
{
    uint8_t options[40] = {1, 1, 5, 2};
    size_t n = 4;
    for (; blocks && blocks[1] != 0; blocks += 2, n += 8) {
        store_be32(options + n, first + blocks[0]);
        store_be32(options + n + 4, first + blocks[1]);
        options[3] = (uint8_t)(options[3] + 8);
    }
    answer(ACK, acknowledged, options, n > 4 ? n : 0);
}

#define BLOCKS(...)       \
    (const uint32_t[])    \
    {                     \
        __VA_ARGS__, 0, 0 \
    }

/* Long enough for the next look. */
static void turn(void)
{
    wire_pass(&w, 10 * NS_PER_US);
}

static void begin(bool sack)
{
    static const uint8_t options[] = {2, 4, MSS >> 8, MSS & 0xff, 1, 3, 3, 7, 4, 2, 1, 1};
    wire_open(&w, &(struct wire_config){.delay = MS});
    w.a.sniff = record;
    n_sent = 0;
    theirs = 5000;
    client = (struct peer){.appetite = SIZE_MAX};
    struct endpoint to = at("10.0.0.2", 80);
    assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &client, &client.t, w.now), 0);
    wire_pass(&w, RTT_MS * MS);
    answer(SYN_ACK, 0, options, sack ? sizeof options : sizeof options - 4);
    theirs++;
    turn();
    assert_true(peer_is_connected(&client));
    acknowledge(0, NULL); /* the window, scaled from now on */
    turn();
}

static void send_bytes(size_t n)
{
    client.to_send += n;
    peer_pump(&client);
    turn();
}

static const struct sender *sender(void)
{
    return &client.t->sender;
}

static size_t times_sent(uint32_t offset)
{
    size_t n = 0;
    for (size_t i = 0; i < n_sent; i++) {
        n += sent[i].offset == offset;
    }
    return n;
}

static void three_segments_beyond_it_make_one_lost(void **state)
{
    (void)state;
    begin(true);
    send_bytes(5 * MSS);
    assert_int_equal(n_sent, 5);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(0, BLOCKS(MSS, 4 * MSS));
    turn();
    assert_int_equal(n_sent, 6);
    assert_int_equal(sent[5].offset, 0);
    assert_int_equal(sender()->state, SENDER_RECOVERY);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(5 * MSS, NULL);
    turn();
    assert_int_equal(n_sent, 6);
    assert_int_equal(sender()->state, SENDER_NORMAL);
    assert_true(sender()->congestion.window >= 9 * MSS); /* one lost says little of the path */
    wire_close(&w);
}

/* It may merely be late: RFC 8985 gives it a quarter of a round trip. */
static void one_segment_beyond_it_does_not_yet(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        begin(true);
        send_bytes(2 * MSS);
        wire_pass(&w, RTT_MS * MS);
        acknowledge(0, BLOCKS(MSS, 2 * MSS));
        wire_pass(&w, RTT_MS / 4 * MS - MS);
        assert_int_equal(n_sent, 2);
        if (late) {
            acknowledge(2 * MSS, NULL);
        }
        wire_pass(&w, 2 * MS);
        assert_int_equal(n_sent, late ? 2 : 3);
        wire_close(&w);
    }
}

static void holes_of_a_whole_flight_go_at_once_and_each_once(void **state)
{
    (void)state;
    begin(true);
    for (uint32_t i = 0; i < 4; i++) { /* open the window */
        send_bytes(10 * MSS << i);
        wire_pass(&w, RTT_MS * MS);
        acknowledge((uint32_t)client.sent, NULL);
        turn();
    }
    uint32_t base = (uint32_t)client.sent, before = (uint32_t)n_sent;
    send_bytes(80 * MSS);
    wire_pass(&w, RTT_MS * MS); /* it takes its time to leave */
    assert_int_equal(n_sent, before + 80);
    for (uint32_t i = 1; i < 80; i += 2) { /* 40 blocks in one turn: more than the set holds */
        acknowledge(base, BLOCKS(base + i * MSS, base + (i + 1) * MSS));
    }
    turn();
    for (int i = 0; i < 40; i++) { /* as what is resent arrives, the rest may go */
        for (size_t j = before + 80; j < n_sent; j++) {
            acknowledge(base, BLOCKS(sent[j].offset, sent[j].offset + MSS));
        }
        wire_pass(&w, MS);
    }
    for (uint32_t i = 0; i < 80; i++) {
        assert_int_equal(times_sent(base + i * MSS), i % 2 ? 1 : 2);
    }
    assert_int_equal(client.t->pcb->nrtx, 0);
    wire_close(&w);
}

static void what_is_lost_twice_goes_a_third_time(void **state)
{
    (void)state;
    begin(true);
    send_bytes(6 * MSS);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(0, BLOCKS(MSS, 4 * MSS));
    turn();
    assert_int_equal(times_sent(0), 2);
    send_bytes(4 * MSS); /* sent after it */
    wire_pass(&w, RTT_MS * MS);
    acknowledge(0, BLOCKS(MSS, 8 * MSS));
    wire_pass(&w, 50 * MS);
    assert_int_equal(times_sent(0), 3);
    assert_int_equal(client.t->pcb->nrtx, 0);
    wire_close(&w);
}

/* Told of a duplicate, the sender takes back what it did, and waits longer from then on. */
static void a_duplicate_undoes_the_reduction(void **state)
{
    (void)state;
    begin(true);
    send_bytes(5 * MSS);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(0, BLOCKS(MSS, 4 * MSS));
    turn();
    assert_int_equal(times_sent(0), 2);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(5 * MSS, BLOCKS(0, MSS));
    turn();
    assert_int_equal(sender()->state, SENDER_NORMAL);
    assert_true(sender()->congestion.window >= 10 * MSS);
    assert_int_equal(sender()->congestion.bounds.flight, UINT32_MAX);
    assert_int_equal(sender()->reordering_steps, 2);
    wire_close(&w);
}

/* It was on its way: nobody answers faster than the shortest round trip. */
static void an_answer_that_is_too_fast_undoes_a_timeout(void **state)
{
    (void)state;
    begin(true);
    send_bytes(5 * MSS);
    while (client.t->pcb->nrtx == 0) {
        wire_pass(&w, MS);
    }
    assert_int_equal(sender()->congestion.window, MSS);
    wire_pass(&w, 5 * MS);
    for (size_t i = 0; i < 5; i++) {
        acknowledge((uint32_t)(i + 1) * MSS, NULL);
        turn();
    }
    assert_int_equal(sender()->state, SENDER_NORMAL);
    assert_true(sender()->congestion.window >= 10 * MSS);
    wire_close(&w);
}

/* The block ends where the FIN stands, and says nothing of it. */
static void a_fin_alone_is_not_in_the_block_before_it(void **state)
{
    (void)state;
    begin(true);
    send_bytes(MSS + 100);
    stack_tcp_shutdown(client.t);
    turn();
    assert_int_equal(n_sent, 3);
    assert_true(sent[2].fin);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(0, BLOCKS(MSS, MSS + 100));
    wire_pass(&w, RTT_MS * MS);
    acknowledge(MSS + 100, NULL);
    wire_pass(&w, 5 * NS_PER_S);
    assert_true(times_sent(MSS + 100) > 1);
    wire_close(&w);
}

/* RFC 2018 8: what was reported may be dropped again. */
static void a_receiver_that_forgets_gets_it_again(void **state)
{
    (void)state;
    begin(true);
    send_bytes(5 * MSS);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(0, BLOCKS(MSS, 5 * MSS));
    wire_pass(&w, RTT_MS * MS);
    acknowledge(MSS, NULL);
    for (uint32_t i = 1; i < 5; i++) {
        assert_int_equal(times_sent(i * MSS), 1);
    }
    wire_pass(&w, 3 * NS_PER_S);
    assert_true(times_sent(MSS) > 1);
    for (uint32_t i = 2; i <= 5; i++) {
        acknowledge(i * MSS, NULL);
        wire_pass(&w, NS_PER_S);
        assert_true(i == 5 || times_sent(i * MSS) > 1);
    }
    assert_int_equal(stack_tcp_unsent(client.t), 0);
    wire_close(&w);
}

/* RFC 6582: three duplicate acknowledgements, and in recovery each step forward. */
static void without_sack_duplicates_have_to_do(void **state)
{
    (void)state;
    begin(false);
    send_bytes(8 * MSS);
    wire_pass(&w, RTT_MS * MS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(n_sent, 8);
        acknowledge(0, NULL);
        turn();
    }
    assert_int_equal(n_sent, 9);
    assert_int_equal(sent[8].offset, 0);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(4 * MSS, NULL);
    turn();
    assert_int_equal(n_sent, 10);
    assert_int_equal(sent[9].offset, 4 * MSS);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(8 * MSS, NULL);
    turn();
    assert_int_equal(n_sent, 10);
    assert_int_equal(sender()->state, SENDER_NORMAL);
    wire_close(&w);
}

/* Blocks of what was never sent, or is acknowledged, or upside down. */
static void lies_change_nothing(void **state)
{
    (void)state;
    begin(true);
    send_bytes(5 * MSS);
    wire_pass(&w, RTT_MS * MS);
    acknowledge(0, BLOCKS(5 * MSS, 9 * MSS));
    acknowledge(0, BLOCKS(3 * MSS, MSS, 4 * MSS, 4 * MSS));
    acknowledge(0, BLOCKS(MSS, 50 * MSS));
    turn();
    assert_int_equal(n_sent, 5);
    assert_int_equal(sender()->sacked, 0);
    acknowledge(5 * MSS, NULL);
    turn();
    assert_int_equal(stack_tcp_unsent(client.t), 0);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_segments_beyond_it_make_one_lost),
        cmocka_unit_test(one_segment_beyond_it_does_not_yet),
        cmocka_unit_test(holes_of_a_whole_flight_go_at_once_and_each_once),
        cmocka_unit_test(what_is_lost_twice_goes_a_third_time),
        cmocka_unit_test(a_duplicate_undoes_the_reduction),
        cmocka_unit_test(an_answer_that_is_too_fast_undoes_a_timeout),
        cmocka_unit_test(a_fin_alone_is_not_in_the_block_before_it),
        cmocka_unit_test(a_receiver_that_forgets_gets_it_again),
        cmocka_unit_test(without_sack_duplicates_have_to_do),
        cmocka_unit_test(lies_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
