/* SPDX-License-Identifier: MIT */
/* What an upload makes of a path: links of a given speed, length and queue, in virtual time. */
#include "stack/conn.h"
#include "stack/gate.h"
#include "unit/stack/peer.h"

enum { MIB = 1024 * 1024, MBIT = 125000 /* bytes a second */ };

static struct wire w;
static struct peer client, server;
static unsigned data_packets, drop_from, drop_to; /* of the client: which of them are lost */

static bool lose_some(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)ip;
    if (len <= IP4_HEADER + 32) {
        return false;
    }
    data_packets++;
    return data_packets >= drop_from && data_packets <= drop_to;
}

static void open_path(const struct wire_config *config, size_t to_send)
{
    data_packets = drop_from = drop_to = 0;
    wire_open(&w, config);
    w.a.sniff = lose_some;
    client = (struct peer){.to_send = to_send, .shutdown_after = true};
    server = (struct peer){.appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
}

static bool all_is_there(void *ctx)
{
    return ((struct peer *)ctx)->eof;
}

/* ms until all is there. */
static uint64_t finish(void)
{
    uint64_t begin = w.now.mono;
    assert_true(wire_run(&w, all_is_there, &server, 600 * NS_PER_S));
    assert_int_equal(server.received, client.to_send);
    return (w.now.mono - begin) / MS;
}

/* Percent of the link that bytes of payload took in `seconds`, headers counted. */
static unsigned share(uint64_t rate, unsigned seconds)
{
    return (unsigned)(server.received * 1420 / 1380 * 100 / (rate * seconds));
}

static void a_long_fat_path_is_filled(void **state)
{
    (void)state;
    uint64_t rate = 500 * MBIT;
    open_path(&(struct wire_config){.delay = 50 * MS, .rate = rate, .queue = rate / 10},
              1000 * MIB);
    wire_pass(&w, 5 * NS_PER_S);
    assert_true(share(rate, 5) >= 75); /* the first second is slow start */
    assert_int_equal(client.t->pcb->nrtx, 0);
    wire_close(&w);
}

/* A quarter of what the path holds: slow start ends in losses, and hundreds are mended at once. */
static void a_short_queue_costs_no_timeout(void **state)
{
    (void)state;
    uint64_t rate = 100 * MBIT;
    open_path(&(struct wire_config){.delay = 20 * MS, .rate = rate, .queue = rate / 100},
              1000 * MIB);
    uint64_t begin = w.now.mono;
    while (w.now.mono - begin < 10 * NS_PER_S) {
        wire_pass(&w, 10 * MS);
        assert_int_equal(client.t->pcb->nrtx, 0);
    }
    assert_true(w.a.overflowed > 0);
    assert_true(share(rate, 10) >= 80);
    wire_close(&w);
}

static void a_slow_line_is_filled(void **state)
{
    (void)state;
    uint64_t rate = 2 * MBIT;
    open_path(&(struct wire_config){.delay = 15 * MS, .rate = rate, .queue = 30000}, 1000 * MIB);
    wire_pass(&w, 30 * NS_PER_S);
    assert_true(share(rate, 30) >= 95);
    wire_close(&w);
}

/* Whatever is lost, each of it goes once more, and no timeout is needed. (The time that a loss costs is
 * mostly that the window is smaller afterwards.) */
static void a_loss_costs_one_packet_and_no_timeout(void **state)
{
    (void)state;
    static const unsigned runs[][2] = {{0, 0}, {1, 1}, {5, 5}, {20, 29}, {100, 130}, {500, 500}};
    for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
        open_path(&(struct wire_config){.delay = 10 * MS}, 1000 * 1380);
        drop_from = runs[i][0];
        drop_to = runs[i][1];
        assert_in_range(finish(), 120, 900);
        unsigned lost = drop_to > 0 ? drop_to - drop_from + 1 : 0;
        assert_in_range(data_packets, 1000 + lost, 1000 + lost + 1);
        assert_int_equal(client.t->pcb->nrtx, 0);
        wire_close(&w);
    }
}

/* The last segments have nothing behind them that would tell. */
static void a_lost_tail_is_found_without_a_timeout(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4;
         n++) { /* 100 ms away a lone one's probe comes as late as a timeout */
        open_path(&(struct wire_config){.delay = (n == 1 ? 10 : 50) * MS}, 10 * 1380);
        drop_from = 11 - n;
        drop_to = 10;
        assert_in_range(finish(), 100, 800);
        assert_int_equal(client.t->pcb->nrtx, 0);
        wire_close(&w);
    }
}

static void reordering_is_no_loss(void **state)
{
    (void)state;
    uint64_t rate = 100 * MBIT;
    open_path(
        &(struct wire_config){
            .delay = 10 * MS, .jitter = 5 * MS, .rate = rate, .queue = rate / 50, .seed = 3},
        1000 * MIB);
    wire_pass(&w, 10 * NS_PER_S);
    assert_true(share(rate, 10) >= 60);
    assert_true(data_packets * 1380ull <= server.received * 102 / 100 + 16 * MIB);
    wire_close(&w);
}

/* One in a hundred, 1 ms away: a wireless network. */
static void losses_near_by_cost_little(void **state)
{
    (void)state;
    uint64_t rate = 100 * MBIT;
    open_path(
        &(struct wire_config){
            .delay = 500 * NS_PER_US, .loss = 10, .rate = rate, .queue = 30000, .seed = 4},
        1000 * MIB);
    wire_pass(&w, 10 * NS_PER_S);
    assert_true(share(rate, 10) >= 80);
    wire_close(&w);
}

/* RFC 3042 and RFC 8985: what an echo of a few bytes loses is found by a probe. */
static void a_lost_line_of_a_talk_is_found_soon(void **state)
{
    (void)state;
    open_path(&(struct wire_config){.delay = 10 * MS}, 1000);
    client.shutdown_after = false;
    wire_pass(&w, 500 * MS);
    drop_from = drop_to = data_packets + 1;
    client.to_send += 100;
    peer_pump(&client);
    wire_pass(&w, 150 * MS);
    assert_int_equal(client.t->pcb->nrtx, 0);
    assert_int_equal(server.received, 1100);
    wire_close(&w);
}

/* Two uploads share a link, and the later one is not starved. */
static void a_late_comer_gets_its_share(void **state)
{
    (void)state;
    uint64_t rate = 50 * MBIT;
    open_path(&(struct wire_config){.delay = 10 * MS, .rate = rate, .queue = rate / 50},
              1000 * MIB);
    wire_pass(&w, 5 * NS_PER_S);
    struct peer late = {.to_send = 1000 * MIB}, other = {.appetite = SIZE_MAX};
    struct endpoint to = at("10.0.0.2", 81);
    peer_listen(&w.b, &other, 81);
    assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &late, &late.t, w.now), 0);
    wire_pass(&w, 10 * NS_PER_S);
    size_t before = other.received, before_first = server.received;
    wire_pass(&w, 20 * NS_PER_S);
    size_t got = other.received - before, first_got = server.received - before_first;
    assert_true(got * 4 > first_got && first_got * 4 > got);
    assert_true((got + first_got) * 10 > rate * 20 * 9);
    wire_close(&w);
}

static uint64_t burst_at, burst, longest_burst; /* bytes that left at one time */

static bool measure_bursts(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)ip;
    burst = end->wire->now.mono == burst_at ? burst + len : len;
    burst_at = end->wire->now.mono;
    longest_burst = burst > longest_burst ? burst : longest_burst;
    return false;
}

/* A millisecond of the path at once, and a quarter more where it probes. */
static void what_leaves_is_spread_over_the_round_trip(void **state)
{
    (void)state;
    uint64_t rate = 100 * MBIT;
    open_path(&(struct wire_config){.delay = 50 * MS, .rate = rate, .queue = rate}, 1000 * MIB);
    wire_pass(&w, 3 * NS_PER_S);
    w.a.sniff = measure_bursts;
    longest_burst = 0;
    wire_pass(&w, 10 * NS_PER_S);
    assert_in_range(longest_burst, 2 * 1420, rate / 1000 * 3);
    wire_close(&w);
}

/* Half of what arrives in slow start stands in the queue, and soon none of it. */
static void a_long_queue_stays_empty(void **state)
{
    (void)state;
    uint64_t rate = 100 * MBIT;
    open_path(&(struct wire_config){.delay = 10 * MS, .rate = rate, .queue = rate}, 1000 * MIB);
    wire_pass(&w, 3 * NS_PER_S);
    uint64_t passed = w.a.passed, waited = w.a.waited;
    wire_pass(&w, 10 * NS_PER_S);
    assert_in_range((w.a.waited - waited) / (w.a.passed - passed), 0, 5 * MS);
    assert_true(share(rate, 13) >= 90);
    wire_close(&w);
}

static void random_losses_on_a_long_path_cost_little(void **state)
{
    (void)state;
    uint64_t rate = 100 * MBIT;
    open_path(
        &(struct wire_config){
            .delay = 50 * MS, .loss = 10, .rate = rate, .queue = rate / 10, .seed = 5},
        1000 * MIB);
    wire_pass(&w, 10 * NS_PER_S);
    assert_true(share(rate, 10) >= 60);
    wire_close(&w);
}

/* Each waits for its own time to send; all of them are looked for in one search, not too often. */
static void many_uploads_share_their_wake_ups(void **state)
{
    (void)state;
    enum { FLOWS = 1000 };
    static struct peer clients[FLOWS], servers[FLOWS];
    wire_open(&w, &(struct wire_config){.delay = 50 * MS, .rate = 100 * MBIT, .queue = 10 * MIB});
    for (unsigned i = 0; i < FLOWS; i++) {
        clients[i] = (struct peer){.to_send = SIZE_MAX};
        servers[i] = (struct peer){.appetite = SIZE_MAX};
        struct endpoint to = at("10.0.0.2", (uint16_t)(80 + i));
        peer_listen(&w.b, &servers[i], to.port);
        assert_int_equal(
            stack_tcp_connect(w.a.stack, &to, peer_event, &clients[i], &clients[i].t, w.now), 0);
        wire_pass(&w, MS);
    }
    wire_pass(&w, NS_PER_S);
    uint64_t wakeups = w.wakeups, bytes = w.a.bytes;
    wire_pass(&w, NS_PER_S);
    assert_true(w.a.bytes - bytes > 90 * MBIT);
    assert_in_range(w.wakeups - wakeups, 50, 600);
    wire_close(&w);
}

/* Pacing does not wake anybody for what the peer has no room for. */
static void a_closed_window_is_left_in_peace(void **state)
{
    (void)state;
    open_path(&(struct wire_config){.delay = 50 * MS}, 10 * MIB);
    server.appetite = 0;
    wire_pass(&w, 10 * NS_PER_S);
    assert_int_equal(client.t->pcb->snd_wnd, 0);
    uint64_t wakeups = w.wakeups;
    wire_pass(&w, 10 * NS_PER_S);
    assert_in_range(w.wakeups - wakeups, 0, 220); /* lwIP's slow timer, at both ends */
    wire_close(&w);
}

static bool without_sack(struct wire_end *end, uint8_t *ip, size_t len)
{
    uint8_t *tcp = ip + IP4_HEADER;
    if (tcp[13] & TCP_SYN) {
        for (size_t i = IP4_HEADER + TCP_HEADER; i + 1 < len; i++) {
            if (ip[i] == 4 && ip[i + 1] == 2) {
                ip[i] = ip[i + 1] = 1;
            }
        }
    }
    return end == &w.a && lose_some(end, ip, len);
}

static void a_peer_without_sack_is_served_as_well(void **state)
{
    (void)state;
    data_packets = 0;
    drop_from = 60, drop_to = 63;
    wire_open(&w, &(struct wire_config){.delay = 10 * MS});
    w.a.sniff = w.b.sniff = without_sack;
    client = (struct peer){.to_send = 500 * 1380, .shutdown_after = true};
    server = (struct peer){.appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
    assert_in_range(finish(), 120, 900);
    assert_int_equal(client.t->pcb->nrtx, 0);
    wire_close(&w);
}

/* Nothing waits for a timer once all is acknowledged. */
static void silence_afterwards_has_no_deadline(void **state)
{
    (void)state;
    open_path(&(struct wire_config){.delay = 10 * MS, .loss = 20, .seed = 9}, MIB);
    client.shutdown_after = false;
    wire_pass(&w, 60 * NS_PER_S);
    assert_int_equal(server.received, MIB);
    assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_fat_path_is_filled),
        cmocka_unit_test(a_short_queue_costs_no_timeout),
        cmocka_unit_test(a_slow_line_is_filled),
        cmocka_unit_test(a_loss_costs_one_packet_and_no_timeout),
        cmocka_unit_test(a_lost_tail_is_found_without_a_timeout),
        cmocka_unit_test(reordering_is_no_loss),
        cmocka_unit_test(losses_near_by_cost_little),
        cmocka_unit_test(a_lost_line_of_a_talk_is_found_soon),
        cmocka_unit_test(a_late_comer_gets_its_share),
        cmocka_unit_test(what_leaves_is_spread_over_the_round_trip),
        cmocka_unit_test(a_long_queue_stays_empty),
        cmocka_unit_test(random_losses_on_a_long_path_cost_little),
        cmocka_unit_test(a_closed_window_is_left_in_peace),
        cmocka_unit_test(many_uploads_share_their_wake_ups),
        cmocka_unit_test(a_peer_without_sack_is_served_as_well),
        cmocka_unit_test(silence_afterwards_has_no_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
