/* SPDX-License-Identifier: MIT */
/* A fixed amount of work for the stack alone, so that its instructions can be counted:
 *
 *   bench-stack-trace in|out SEGMENTS [BUSY [IDLE]]
 *
 * connects BUSY + IDLE flows (1 and 0 unless said) to a far end that is written here by hand, and
 * moves full segments over the busy ones in turn: `in` through stack_input, a handler that takes
 * all, and the flush, 64 segments a turn; `out` from reserve and commit to packets, one
 * acknowledgement for every two. Prints what it did. Run twice with different amounts, the
 * difference is the segments' own. */
#include "base/bytes.h"
#include "base/err.h"
#include "stack/gate.h"
#include "stack/stack_tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MTU = 1420, IP_HEADER = 20, MSS = MTU - IP_HEADER - TCP_HEADER };
enum { TURN = 64, SLOT = 1424, BUFFER = TURN * SLOT };
enum { SYN = 2, ACK = 16 };

#define TURN_NS (100 * NS_PER_US)

struct far {
    struct stack_tcp *t;
    uint16_t port;     /* of the near end */
    uint32_t next;     /* what it sends next */
    uint32_t edge;     /* and up to where it may */
    uint32_t got;      /* what it has of the near end's */
    uint32_t acked;    /* and has acknowledged */
    unsigned segments; /* since then */
    uint8_t scale;     /* of the near end's window */
};

static struct {
    struct stack *stack;
    struct far *far, *connecting, *by_port[65536];
    unsigned n;
    struct now now;
    struct rxbuf_pool pool;
    struct rxbuf *buf;
    size_t used;
    uint64_t chance, packets_out, bytes_out, bytes_in;
} world;

static void die(const char *what)
{
    fprintf(stderr, "bench-stack-trace: %s\n", what);
    exit(1);
}

static void fill(void *ctx, void *out, size_t len)
{
    uint64_t *x = ctx;
    for (uint8_t *p = out; len-- > 0; p++) {
        *x = *x * 6364136223846793005u + 1442695040888963407u;
        *p = (uint8_t)(*x >> 56);
    }
}

static int route(void *ctx, const struct addr *dst)
{
    (void)ctx, (void)dst;
    return 0;
}

/* RFC 7323 2.2: the option is 3, 3, shift; before it stands the MSS, of four bytes. */
static uint8_t options_scale(const uint8_t *tcp)
{
    const uint8_t *end = tcp + (tcp[12] >> 4) * 4;
    for (const uint8_t *o = tcp + TCP_HEADER; o + 2 < end; o += o[0] == 1 ? 1 : o[1]) {
        if (o[0] == 3) {
            return o[2];
        }
    }
    return 0;
}

static void output(void *ctx, const struct iovec *slices, int n, size_t len)
{
    (void)ctx, (void)n;
    world.packets_out++;
    const uint8_t *tcp = (const uint8_t *)slices[0].iov_base + IP_HEADER;
    size_t data = len - IP_HEADER - (size_t)(tcp[12] >> 4) * 4;
    uint16_t port = load_be16(tcp);
    struct far *f = world.by_port[port];
    if (tcp[13] & SYN) {
        f = world.by_port[port] = world.connecting;
        f->port = port;
        f->got = f->acked = load_be32(tcp + 4) + 1;
        f->scale = options_scale(tcp);
        return;
    }
    f->edge = load_be32(tcp + 8) + ((uint32_t)load_be16(tcp + 14) << f->scale);
    if (data > 0) {
        f->got = load_be32(tcp + 4) + (uint32_t)data;
        f->segments++;
        world.bytes_out += data;
    }
}

/* The next packet of a far end; whatever its data. */
static void send(struct far *f, uint8_t flags, const uint8_t *options, size_t n_options,
                 size_t data)
{
    size_t len = IP_HEADER + TCP_HEADER + n_options + data;
    if (world.used + SLOT > BUFFER) {
        rxbuf_unref(world.buf);
        world.buf = rxbuf_new(&world.pool);
        world.used = 0;
    }
    uint8_t *ip = world.buf->data + world.used, *tcp = ip + IP_HEADER;
    world.used += SLOT;
    memset(ip, 0, IP_HEADER + TCP_HEADER);
    ip[0] = 0x45;
    store_be16(ip + 2, (uint16_t)len);
    ip[8] = 64;
    ip[9] = PROTO_TCP;
    memcpy(ip + 12, (uint8_t[]){10, 0, 0, 2, 10, 0, 0, 1}, 8);
    store_be16(tcp, 80);
    store_be16(tcp + 2, f->port);
    store_be32(tcp + 4, f->next);
    store_be32(tcp + 8, f->got);
    tcp[12] = (uint8_t)((TCP_HEADER + n_options) / 4 << 4);
    tcp[13] = flags;
    store_be16(tcp + 14, 0xffff);
    memcpy(tcp + TCP_HEADER, options, n_options);
    f->acked = f->got;
    f->segments = 0;
    f->next += (uint32_t)data + ((flags & SYN) != 0);
    stack_input(world.stack, world.buf, ip, len, world.now);
}

static void on_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)ctx, (void)now;
    if (events & STACK_TCP_FAILED) {
        die("a flow failed");
    }
    struct iovec iov[TURN];
    for (int n; (n = stack_tcp_peek(t, iov, TURN)) > 0;) {
        size_t len = 0;
        for (int i = 0; i < n; i++) {
            len += iov[i].iov_len;
        }
        stack_tcp_consume(t, len);
        world.bytes_in += len;
    }
}

static void end_turn(void)
{
    if (stack_next_deadline(world.stack) <= world.now.mono) {
        stack_tick(world.stack, world.now);
    }
    while (stack_dispatch(world.stack, world.now)) {
    }
    stack_flush(world.stack, world.now);
    world.now.mono += TURN_NS;
}

static void connect_flow(unsigned i)
{
    static const uint8_t options[] = {2, 4, MSS >> 8, MSS & 0xff, 1, 3, 3, 8, 1, 1, 4, 2};
    struct endpoint to = {.port = 80};
    if (!addr_parse(&to.addr, "10.0.0.2")) {
        die("address");
    }
    struct far *f = world.connecting = &world.far[i];
    if (stack_tcp_connect(world.stack, &to, on_event, NULL, &f->t, world.now)) {
        die("connect");
    }
    end_turn();
    send(f, SYN | ACK, options, sizeof options, 0);
    end_turn();
}

static void run_in(uint64_t segments, unsigned busy)
{
    for (uint64_t i = 0; i < segments; i++) {
        struct far *f = &world.far[i % busy];
        while (f->edge - f->next < MSS) {
            end_turn();
        }
        send(f, ACK, NULL, 0, MSS);
        if (i % TURN == TURN - 1) {
            end_turn();
        }
    }
    end_turn();
}

static void acknowledge(struct far *f)
{
    if (f->segments >= 2 || (f->segments > 0 && stack_tcp_unsent(f->t) < 2 * MSS)) {
        send(f, ACK, NULL, 0, 0);
    }
}

static void write_some(struct stack_tcp *t, uint64_t *left)
{
    size_t space;
    if (*left > 0 && stack_tcp_reserve(t, &space)) {
        size_t n = space < *left ? space : *left;
        stack_tcp_commit(t, n); /* whatever is there */
        *left -= n;
    }
}

static void run_out(uint64_t segments, unsigned busy)
{
    uint64_t left = segments * MSS;
    for (uint64_t turn = 0; world.bytes_out < segments * MSS; turn++) {
        for (unsigned i = 0; i < TURN / 2; i++) {
            acknowledge(&world.far[(turn * TURN / 2 + i) % busy]);
        }
        for (unsigned i = 0; i < 2; i++) {
            write_some(world.far[(turn * 2 + i) % busy].t, &left);
        }
        end_turn();
    }
}

int main(int argc, char **argv)
{
    uint64_t segments = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    unsigned busy = argc > 3 ? (unsigned)atoi(argv[3]) : 1,
             idle = argc > 4 ? (unsigned)atoi(argv[4]) : 0;
    if (segments == 0 || busy == 0 || (strcmp(argv[1], "in") != 0 && strcmp(argv[1], "out") != 0)) {
        die("usage: bench-stack-trace in|out SEGMENTS [BUSY [IDLE]]");
    }
    struct prefix ours;
    world.now.mono = NS_PER_S;
    world.n = busy + idle;
    world.far = calloc(world.n, sizeof *world.far);
    rxbuf_pool_init(&world.pool, BUFFER, 16);
    world.buf = rxbuf_new(&world.pool);
    const struct stack_config config = {
        .addresses = &ours,
        .n_addresses = 1,
        .mtu = MTU,
        .output = output,
        .route = route,
        .rng = {.fill = fill, .ctx = &world.chance},
    };
    if (!world.far || !world.buf || !prefix_parse(&ours, "10.0.0.1") ||
        stack_new(&world.stack, &config, world.now)) {
        die("setup");
    }
    for (unsigned i = 0; i < world.n; i++) {
        connect_flow(i);
    }
    uint64_t before = world.packets_out;
    (argv[1][0] == 'i' ? run_in : run_out)(segments, busy);
    printf("in %llu bytes, out %llu bytes in %llu packets\n", (unsigned long long)world.bytes_in,
           (unsigned long long)world.bytes_out, (unsigned long long)(world.packets_out - before));
    stack_free(world.stack);
    rxbuf_unref(world.buf);
    rxbuf_pool_fini(&world.pool);
    free(world.far);
    return 0;
}
