/* SPDX-License-Identifier: MIT */
/* No test: prints what uploads make of some paths, in virtual time. The table of
 * docs/performance-notes.md is its output. Built by `ninja stack-paths`.
 *
 *   stack-paths [MBIT RTT_US QUEUE_PERCENT LOSS_IN_1000 JITTER_MS FLOWS SECONDS]
 *
 * Without arguments the paths below. For each: payload of all flows and of the first one, how long
 * packets stood in the queue, and how much was sent more than once. */
#include "base/bytes.h"
#include "stack/conn.h"
#include "stack/gate.h"
#include "unit/stack/peer.h"

#include <stdio.h>

enum { MBIT = 125000 /* bytes a second */, QUEUE_MIN = 30000, FLOWS_MAX = 8, PORT = 80 };

/* rate, round trip, queue as a part of their product, losses, how much a packet may overtake, flows
 * (each begins a second after the one before), and how long. */
struct path {
    unsigned mbit, rtt_us, queue_percent, loss_in_1000, jitter_ms, flows, seconds;
};

static const struct path paths[] = {
    {1000, 100000, 100, 0, 0, 1, 10}, {1000, 20000, 100, 0, 0, 1, 10},
    {1000, 20000, 100, 10, 0, 1, 10}, {1000, 200, 100, 0, 0, 1, 10},
    {100, 300000, 100, 10, 0, 1, 10}, {100, 100000, 400, 0, 0, 1, 10},
    {100, 100000, 100, 0, 0, 1, 10},  {100, 100000, 10, 0, 0, 1, 10},
    {100, 100000, 100, 10, 0, 1, 10}, {100, 100000, 100, 20, 0, 1, 10},
    {100, 100000, 100, 0, 0, 1, 60},  {100, 20000, 100, 0, 0, 1, 10},
    {100, 20000, 10, 0, 0, 1, 10},    {100, 20000, 100, 1, 0, 1, 10},
    {100, 20000, 100, 10, 0, 1, 60},  {100, 20000, 100, 0, 5, 1, 10},
    {100, 1000, 100, 0, 0, 1, 10},    {100, 1000, 100, 10, 0, 1, 10},
    {100, 1000, 100, 0, 5, 1, 10},    {10, 300000, 100, 0, 0, 1, 10},
    {10, 20000, 400, 0, 0, 1, 10},    {100, 100000, 400, 0, 0, 2, 30},
    {100, 20000, 100, 0, 0, 2, 30},   {100, 1000, 100, 0, 0, 2, 30},
};

static struct wire w;
static struct peer client[FLOWS_MAX], server[FLOWS_MAX];
static uint32_t highest[65536]; /* by the sender's port: the end of what it has sent */
static uint64_t sent, resent;   /* bytes */

static bool count(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    const uint8_t *tcp = ip + IP4_HEADER;
    size_t data = len - IP4_HEADER - (size_t)(tcp[12] >> 4) * 4;
    uint32_t *high = &highest[load_be16(tcp)], end_seq = load_be32(tcp + 4) + (uint32_t)data;
    if (tcp[13] & TCP_SYN) {
        *high = end_seq;
    } else if (data > 0) {
        sent += data;
        resent += TCP_SEQ_GT(end_seq, *high) ? 0 : data;
        *high = TCP_SEQ_GT(end_seq, *high) ? end_seq : *high;
    }
    return false;
}

static void begin_flow(unsigned i)
{
    client[i] = (struct peer){.to_send = SIZE_MAX};
    server[i] = (struct peer){.appetite = SIZE_MAX};
    struct endpoint to = at("10.0.0.2", (uint16_t)(PORT + i));
    peer_listen(&w.b, &server[i], to.port);
    assert_int_equal(stack_tcp_connect(w.a.stack, &to, peer_event, &client[i], &client[i].t, w.now),
                     0);
}

static double mbit(uint64_t bytes, unsigned seconds)
{
    return (double)bytes * 8 / seconds / 1e6;
}

static void upload(const struct path *p)
{
    uint64_t rate = (uint64_t)p->mbit * MBIT,
             queue = rate * p->rtt_us / 1000000 * p->queue_percent / 100;
    wire_open(&w, &(struct wire_config){
                      .delay = p->rtt_us * NS_PER_US / 2,
                      .jitter = p->jitter_ms * MS,
                      .loss = p->loss_in_1000,
                      .rate = rate,
                      .queue = queue > QUEUE_MIN ? queue : QUEUE_MIN,
                      .seed = 7,
                  });
    w.a.sniff = count;
    sent = resent = 0;
    uint64_t all = 0, took[FLOWS_MAX] = {0};
    for (unsigned i = 0; i < p->flows; i++) {
        begin_flow(i);
        if (i + 1 < p->flows) {
            wire_pass(&w, NS_PER_S);
        }
    }
    for (unsigned i = 0; i < p->flows; i++) {
        took[i] = server[i].received;
    }
    wire_pass(&w, p->seconds * NS_PER_S);
    for (unsigned i = 0; i < p->flows; i++) {
        all += server[i].received - took[i];
    }
    printf("%5u Mbit/s %6.1f ms, queue %3u %%, loss %3.1f %%, jitter %u ms, %u flows %2u s: "
           "%6.1f Mbit/s, first %6.1f, queue %5.1f ms, at most %5.1f, resent %5.2f %%\n",
           p->mbit, p->rtt_us / 1000.0, p->queue_percent, p->loss_in_1000 / 10.0, p->jitter_ms,
           p->flows, p->seconds, mbit(all, p->seconds),
           mbit(server[0].received - took[0], p->seconds),
           (double)w.a.waited / (double)w.a.passed / 1e6, (double)w.a.waited_most / 1e6,
           100.0 * (double)resent / (double)sent);
    fflush(stdout);
    wire_close(&w);
}

int main(int argc, char **argv)
{
    enum { FIELDS = 7 };
    if (argc == 1 + FIELDS) {
        unsigned f[FIELDS];
        for (int i = 0; i < FIELDS; i++) {
            f[i] = (unsigned)strtoul(argv[i + 1], NULL, 10);
        }
        upload(&(struct path){f[0], f[1], f[2], f[3], f[4], f[5], f[6]});
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        upload(&paths[i]);
    }
    return 0;
}
