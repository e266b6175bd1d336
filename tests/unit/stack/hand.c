/* SPDX-License-Identifier: MIT */
#include "unit/stack/hand.h"

#include "stack/gate.h"

enum { ACK = 0x10, SYN_ACK = 0x12, FIRST = 5001 };

struct hand hand;

/* Nothing arrives anywhere. */
static bool record(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    if (ip[9] != PROTO_TCP) {
        return true;
    }
    const uint8_t *tcp = ip + IP4_HEADER;
    size_t header = (size_t)(tcp[12] >> 4) * 4, data = len - IP4_HEADER - header;
    if (tcp[13] & TCP_SYN) {
        hand.port = load_be16(tcp);
        hand.first = load_be32(tcp + 4) + 1;
    } else if (data > 0 || tcp[13] & TCP_FIN) {
        if (hand.n_sent < HAND_SENT_MAX) {
            hand.sent[hand.n_sent].offset = load_be32(tcp + 4) - hand.first;
            hand.sent[hand.n_sent].len = data;
            hand.sent[hand.n_sent].fin = tcp[13] & TCP_FIN;
        }
        hand.n_sent++;
    }
    return true;
}

void hand_answer(uint8_t flags, uint32_t acknowledged, const uint8_t *options, size_t n_options)
{
    uint8_t ip[200], *tcp = ip + IP4_HEADER;
    static const uint8_t room[40];
    size_t len = make_tcp(ip, "10.0.0.2", 80, "10.0.0.1", hand.port, hand.theirs,
                          hand.first + acknowledged, flags, room, n_options);
    tcp[12] = (uint8_t)((TCP_HEADER + n_options) / 4 << 4);
    store_be16(tcp + 14, hand.window);
    memcpy(tcp + TCP_HEADER, options, n_options);
    wire_inject(&hand.w.a, ip, len);
}

void hand_data(uint8_t flags, uint32_t ahead, size_t len)
{
    static uint8_t data[65536], ip[65536];
    for (size_t i = 0; i < len; i++) {
        data[i] = peer_byte(0, hand.theirs - FIRST + ahead + i);
    }
    wire_inject(&hand.w.a, ip,
                make_tcp(ip, "10.0.0.2", 80, "10.0.0.1", hand.port, hand.theirs + ahead, hand.first,
                         flags, data, len));
}

void hand_acknowledge(uint32_t acknowledged, const uint32_t *blocks)
{
    uint8_t options[40] = {1, 1, 5, 2};
    size_t n = 4;
    for (; blocks && blocks[1] != 0; blocks += 2, n += 8) {
        store_be32(options + n, hand.first + blocks[0]);
        store_be32(options + n + 4, hand.first + blocks[1]);
        options[3] = (uint8_t)(options[3] + 8);
    }
    hand_answer(ACK, acknowledged, options, n > 4 ? n : 0);
}

void hand_too_big(uint32_t offset, uint16_t mtu)
{
    uint8_t quoted[IP4_HEADER + TCP_HEADER], ip[200];
    make_tcp(quoted, "10.0.0.1", hand.port, "10.0.0.2", 80, hand.first + offset, 0, ACK, "", 0);
    size_t len = make_icmp(ip, "192.0.2.1", "10.0.0.1", 3, 4, mtu, quoted, sizeof quoted);
    wire_inject(&hand.w.a, ip, len);
}

void hand_turn(void)
{
    wire_pass(&hand.w, 10 * NS_PER_US);
}

void hand_begin(bool sack, uint16_t syn_window, uint16_t mss)
{
    uint8_t options[] = {2, 4, (uint8_t)(mss >> 8), (uint8_t)mss, 1, 3, 3, 7, 4, 2, 1, 1};
    hand = (struct hand){.theirs = FIRST - 1, .window = syn_window, .client.appetite = SIZE_MAX};
    wire_open(&hand.w, &(struct wire_config){.delay = MS});
    hand.w.a.sniff = record;
    struct endpoint to = at("10.0.0.2", 80);
    int err = stack_tcp_connect(hand.w.a.stack, &to, peer_event, &hand.client, &hand.client.t,
                                hand.w.now);
    assert_int_equal(err, 0);
    wire_pass(&hand.w, HAND_RTT_MS * MS);
    hand_answer(SYN_ACK, 0, options, sack ? sizeof options : sizeof options - 4);
    hand.theirs++;
    hand_turn();
    assert_true(peer_is_connected(&hand.client));
}

void hand_end(void)
{
    wire_close(&hand.w);
}

void hand_send(size_t n)
{
    hand.client.to_send += n;
    peer_pump(&hand.client);
    hand_turn();
}

size_t hand_times_sent(uint32_t offset)
{
    size_t n = 0;
    for (size_t i = 0; i < hand.n_sent && i < HAND_SENT_MAX; i++) {
        n += hand.sent[i].offset == offset;
    }
    return n;
}
