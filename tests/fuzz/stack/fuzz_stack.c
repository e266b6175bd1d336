/* SPDX-License-Identifier: MIT */
/* A hostile peer at the gate: the input is a script of its packets, of our user's acts and of time
 * passing. One connection that we made and one that we accepted are established first, so that the
 * script reaches the state machine behind the gate; segments are given relative to where those
 * stand, so that they land near the edges. */
#include "base/bytes.h"
#include "stack/gate.h"
#include "stack/stack.h"
#include "stack/stack_tcp.h"
#include "stack/stack_udp.h"
#include "unit/stack/sound.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONNS = 2, PACKET_MAX = 2000, SEGMENT_MAX = 65000 };

/* How we look from outside, learnt from our packets, and what the user does. */
struct conn {
    struct stack_tcp *t;
    uint16_t ours, theirs;   /* ports */
    uint32_t next, expected; /* our next sequence number; theirs that we expect */
    bool reads, echoes;
};

static const uint8_t no_options[1];

static struct stack *stack;
static struct now now;
static struct conn conns[CONNS];
static uint8_t last[PACKET_MAX]; /* the last packet that we sent */
static size_t last_len;
static uint64_t chance;

static void fill(void *ctx, void *out, size_t len)
{
    (void)ctx;
    for (uint8_t *p = out; len > 0; len--) {
        chance = chance * UINT64_C(6364136223846793005) + 1;
        *p++ = (uint8_t)(chance >> 56);
    }
}

static void learn(const uint8_t *ip, size_t len)
{
    const uint8_t *tcp = ip + IP4_HEADER;
    if (ip[0] != 0x45 || ip[9] != PROTO_TCP || len < IP4_HEADER + TCP_HEADER) {
        return;
    }
    for (int i = 0; i < CONNS; i++) {
        struct conn *c = &conns[i];
        if (load_be16(tcp + 2) == c->theirs && (c->ours == 0 || load_be16(tcp) == c->ours)) {
            c->ours = load_be16(tcp);
            c->next = load_be32(tcp + 4) +
                      (uint32_t)(len - IP4_HEADER - (size_t)(tcp[12] >> 4) * 4) +
                      (tcp[13] & 3 ? 1 : 0);
            c->expected = tcp[13] & 0x10 ? load_be32(tcp + 8) : c->expected;
        }
    }
}

static void output(void *ctx, const struct iovec *slices, int n, size_t len)
{
    (void)ctx;
    assert(len <= 1420);
    last_len = 0;
    for (int i = 0; i < n; i++) {
        memcpy(last + last_len, slices[i].iov_base, slices[i].iov_len);
        last_len += slices[i].iov_len;
    }
    assert(last_len == len);
    learn(last, last_len);
}

static int route(void *ctx, const struct addr *dst)
{
    (void)ctx, (void)dst;
    return 0;
}

static void heard(void *ctx, struct stack_tcp *t, unsigned events, struct now at)
{
    (void)at;
    struct conn *c = ctx;
    if (events & STACK_TCP_FAILED) {
        assert(stack_tcp_error(t) < 0);
        stack_tcp_close(t);
        c->t = NULL;
        return;
    }
    struct iovec iov[4];
    for (int k; c->reads && (k = stack_tcp_peek(t, iov, 4)) > 0;) {
        for (int i = 0; i < k; i++) {
            if (c->echoes) {
                stack_tcp_write(t, iov[i].iov_base, iov[i].iov_len);
            }
            stack_tcp_consume(t, iov[i].iov_len);
        }
    }
}

static void accepted(void *ctx, struct stack_tcp *t, struct now at)
{
    (void)ctx, (void)at;
    if (conns[1].t) {
        stack_tcp_abort(t);
        return;
    }
    conns[1].t = t;
    stack_tcp_set_handler(t, heard, &conns[1]);
}

static void received(void *ctx, struct stack_udp *u, const struct endpoint *from,
                     const uint8_t *data, size_t len, struct now at)
{
    (void)ctx, (void)at;
    (void)!stack_udp_send(u, from, data, len);
}

static void failed(void *ctx, struct stack_udp *u, const struct endpoint *to, int err,
                   struct now at)
{
    (void)ctx, (void)u, (void)to, (void)err, (void)at;
}

static void turn(void)
{
    if (stack_next_deadline(stack) <= now.mono) {
        stack_tick(stack, now);
    }
    while (stack_dispatch(stack, now)) {
    }
    stack_flush(stack, now);
    sound_check(stack);
}

/* An exact copy, so that a sanitizer sees each byte beyond. */
static void inject(const uint8_t *ip, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(exact, ip, len);
    stack_input(stack, NULL, exact, len, now);
    free(exact);
}

static size_t header(uint8_t *ip, uint8_t proto, size_t payload)
{
    memset(ip, 0, IP4_HEADER);
    ip[0] = 0x45;
    store_be16(ip + 2, (uint16_t)(IP4_HEADER + payload));
    ip[8] = 64;
    ip[9] = proto;
    memcpy(ip + 12, (const uint8_t[]){10, 0, 0, 2, 10, 0, 0, 1}, 8);
    return IP4_HEADER + payload;
}

static void segment(const struct conn *c, uint8_t flags, uint32_t seq, uint32_t ack,
                    uint16_t window, const uint8_t *options, size_t n_options, size_t payload)
{
    static uint8_t ip[65536];
    uint8_t *tcp = ip + IP4_HEADER;
    memset(ip, 0, IP4_HEADER + TCP_HEADER);
    n_options = n_options / 4 * 4;
    store_be16(tcp, c->theirs);
    store_be16(tcp + 2, c->ours);
    store_be32(tcp + 4, seq);
    store_be32(tcp + 8, ack);
    tcp[12] = (uint8_t)((TCP_HEADER + n_options) / 4 << 4);
    tcp[13] = flags;
    store_be16(tcp + 14, window);
    memcpy(tcp + TCP_HEADER, options, n_options);
    inject(ip, header(ip, PROTO_TCP, TCP_HEADER + n_options + payload));
}

/* ---- the script ---- */

struct script {
    const uint8_t *at;
    size_t left;
};

static uint8_t byte(struct script *s)
{
    if (s->left == 0) {
        return 0;
    }
    s->left--;
    return *s->at++;
}

static uint16_t word(struct script *s)
{
    uint16_t high = byte(s);
    return (uint16_t)(high << 8 | byte(s));
}

static const uint8_t *bytes(struct script *s, size_t *n)
{
    *n = *n < s->left ? *n : s->left;
    const uint8_t *p = s->at;
    s->at += *n;
    s->left -= *n;
    return p;
}

static void handshakes(struct script *s)
{
    static const uint8_t options[] = {2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 1, 1};
    size_t n = byte(s) % 4 * 4;
    struct endpoint to = {.addr = {.family = FAMILY_V4, .bytes = {10, 0, 0, 2}}, .port = 443};
    conns[0] = (struct conn){.theirs = 443, .reads = true};
    conns[1] = (struct conn){.theirs = 5000, .ours = 80, .reads = true, .echoes = true};
    (void)!stack_tcp_connect(stack, &to, heard, &conns[0], &conns[0].t, now);
    turn();
    segment(&conns[0], 0x12, 1000, conns[0].next, 65535, options, n, 0);
    turn();
    segment(&conns[1], 0x02, 2000, 0, 65535, options, n, 0);
    turn();
    segment(&conns[1], 0x10, 2001, conns[1].next, 65535, options, 0, 0);
    turn();
}

static void act(struct script *s)
{
    static const uint8_t zeros[20000];
    struct conn *c = &conns[byte(s) % CONNS];
    uint8_t what = byte(s);
    c->reads = what & 0x80;
    c->echoes = what & 0x40;
    if (!c->t) {
        return;
    }
    switch (what % 8) {
    case 0:
        stack_tcp_shutdown(c->t);
        break;
    case 1:
        stack_tcp_close(c->t);
        c->t = NULL;
        break;
    case 2:
        stack_tcp_abort(c->t);
        c->t = NULL;
        break;
    case 3: {
        struct iovec iov;
        if (stack_tcp_peek(c->t, &iov, 1) == 1) {
            stack_tcp_consume(c->t, 1 + (iov.iov_len - 1) * byte(s) / 255);
        }
        break;
    }
    default:
        stack_tcp_write(c->t, zeros, word(s) % sizeof zeros);
        break;
    }
}

static void complain(struct script *s)
{
    uint8_t ip[PACKET_MAX], *icmp = ip + IP4_HEADER;
    size_t quoted = byte(s) % 200;
    quoted = quoted < last_len ? quoted : last_len;
    memcpy(icmp + ICMP_HEADER, last, quoted);
    memset(icmp, 0, ICMP_HEADER);
    icmp[0] = byte(s) % 2 ? 3 : 11;
    icmp[1] = byte(s) % 16;
    store_be16(icmp + 6, word(s));
    if (quoted > 0) {
        icmp[ICMP_HEADER + byte(s) % quoted] ^= byte(s);
    }
    inject(ip, header(ip, PROTO_ICMP, ICMP_HEADER + quoted));
}

static void datagram(struct script *s)
{
    uint8_t ip[PACKET_MAX] = {0}, *udp = ip + IP4_HEADER;
    size_t len = UDP_HEADER + word(s) % 1400;
    store_be16(udp, 9);
    store_be16(udp + 2, byte(s) % 4 ? 53 : 54);
    store_be16(udp + 4, (uint16_t)(byte(s) % 4 ? len : word(s)));
    size_t whole = header(ip, PROTO_UDP, len);
    if (byte(s) % 2) { /* as a fragment */
        store_be16(ip + 4, byte(s) % 4);
        store_be16(ip + 6, word(s));
    }
    inject(ip, whole);
}

/* An acknowledgement of some of what we sent, and blocks beyond it. */
static void acknowledge(struct script *s, const struct conn *c)
{
    uint8_t options[36] = {1, 1, 5, 2};
    size_t n = 4;
    for (unsigned blocks = byte(s) % 5; blocks > 0; blocks--, n += 8) {
        uint32_t left = c->next - byte(s) * 100u;
        store_be32(options + n, left);
        store_be32(options + n + 4, left + byte(s) * 100u);
        options[3] = (uint8_t)(options[3] + 8);
    }
    uint32_t ack = c->next - word(s) % 16384; /* in the middle of a segment, too */
    segment(c, 0x10, c->expected, ack, word(s), options, n > 4 ? n : 0, 0);
}

/* A router after the other, each narrower by a few bytes. */
static void narrow(struct script *s, const struct conn *c)
{
    uint8_t ip[PACKET_MAX] = {0}, *icmp = ip + IP4_HEADER, *quote = icmp + ICMP_HEADER;
    uint16_t mtu = word(s) % 1500, step = byte(s) % 8;
    uint32_t seq = c->next - 1 - word(s) % 16384;
    header(quote, PROTO_TCP, TCP_HEADER);
    memcpy(quote + 12, (const uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
    store_be16(quote + IP4_HEADER, c->ours);
    store_be16(quote + IP4_HEADER + 2, c->theirs);
    store_be32(quote + IP4_HEADER + 4, seq);
    for (unsigned n = byte(s) % 64 + 1; n > 0 && mtu > step; n--, mtu = (uint16_t)(mtu - step)) {
        icmp[0] = 3, icmp[1] = 4;
        store_be16(icmp + 6, mtu);
        inject(ip, header(ip, PROTO_ICMP, ICMP_HEADER + IP4_HEADER + TCP_HEADER));
    }
}

/* 0xf0 and above acknowledge; below, the steps are counted by 8, and a few bits say more. */
enum { ACKNOWLEDGE = 0xf0, LARGE = 0x10, SAME_TURN = 0x20, NARROW = 0x40 };

static void one_step(struct script *s)
{
    struct conn *c = &conns[byte(s) % CONNS];
    size_t n;
    uint8_t what = byte(s);
    if (what >= ACKNOWLEDGE) {
        acknowledge(s, c);
        if (byte(s) % 2) {
            turn();
        }
        return;
    }
    switch (what % 8) {
    case 0:
        n = byte(s);
        const uint8_t *raw = bytes(s, &n);
        inject(raw, n);
        break;
    case 1: {
        uint8_t flags = byte(s);
        uint32_t seq = c->expected + (uint32_t)((int16_t)word(s) * 3),
                 ack = c->next + (uint32_t)(int16_t)word(s);
        uint16_t window = word(s);
        size_t payload = word(s) % (what & LARGE ? SEGMENT_MAX : 1300);
        n = byte(s) % 41;
        const uint8_t *options = bytes(s, &n);
        segment(c, flags, seq, ack, window, options, n, payload);
        break;
    }
    case 2: /* well-behaved data, perhaps behind a hole */
        n = word(s);
        segment(c, n & 1 ? 0x18 : 0x19, c->expected + byte(s) * (what & LARGE ? 300u : 100u),
                c->next, word(s), no_options, 0, n % (what & LARGE ? SEGMENT_MAX : 1300));
        break;
    case 3:
        now.mono += UINT64_C(1000) << byte(s) % 26;
        break;
    case 4:
        act(s);
        break;
    case 5:
        if (what & NARROW) {
            narrow(s, c);
        } else {
            complain(s);
        }
        break;
    case 6:
        datagram(s);
        break;
    default:
        segment(c, 0x10, c->expected, c->next, word(s), no_options, 0,
                0); /* acknowledges everything */
        break;
    }
    if (!(what & SAME_TURN)) {
        turn();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct prefix addresses[] = {{{FAMILY_V4, {10, 0, 0, 1}}, 32},
                                              {{FAMILY_V6, {0xfd, [15] = 1}}, 128}};
    static const struct stack_udp_handler sockets = {received, failed};
    struct stack_config config = {
        .addresses = addresses,
        .n_addresses = 2,
        .mtu = 1420,
        .output = output,
        .route = route,
        .rng = {.fill = fill},
    };
    struct stack_tcp_listener *listener;
    struct stack_udp *socket;
    struct script s = {data, size};
    chance = 1;
    last_len = 0;
    now = (struct now){.mono = NS_PER_S};
    if (stack_new(&stack, &config, now) || stack_tcp_listen(stack, 80, accepted, NULL, &listener) ||
        stack_udp_open(stack, 53, &sockets, NULL, &socket)) {
        abort();
    }
    handshakes(&s);
    while (s.left > 0) {
        one_step(&s);
    }
    now.mono += 100 * NS_PER_S;
    turn();
    stack_free(stack);
    return 0;
}
