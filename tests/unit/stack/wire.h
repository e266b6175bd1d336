/* SPDX-License-Identifier: MIT */
/* Two stacks back to back in virtual time: what one puts out arrives at the other after a delay, or
 * not, or twice, or late, as a seed decides. Packets arrive as slices of large receive buffers, as
 * they do from the tunnel. */
#ifndef WGPROXY_TESTS_STACK_WIRE_H
#define WGPROXY_TESTS_STACK_WIRE_H

#include "base/err.h"
#include "stack/stack.h"
#include "stack/stack_tcp.h"
#include "stack/stack_udp.h"
#include "unit/seeded.h"
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#define MS NS_PER_MS

struct wire;

struct wire_end {
    struct wire *wire;
    struct stack *stack;
    struct wire_end *peer;
    struct rxbuf *filling; /* what the next packets arrive in */
    size_t filled;
    int no_route;                         /* what config.route answers */
    enum family no_route_of;              /* NONE: for either family */
    uint64_t packets, bytes;              /* put out */
    uint64_t overflowed;                  /* packets that the bottleneck had no room for */
    uint64_t free_at;                     /* when the bottleneck has passed on all that it has */
    uint64_t passed, waited, waited_most; /* its packets, and how long they stood before it, ns */
    uint64_t largest;                     /* packet put out */
    /* Sees each packet before it leaves; true when it shall get lost. May be NULL. */
    bool (*sniff)(struct wire_end *end, uint8_t *ip, size_t len);
    void *ctx;
};

struct wire_config {
    uint64_t delay;           /* one way, ns */
    uint64_t jitter;          /* up to so much more, which reorders */
    unsigned loss, duplicate; /* in 1,000 */
    uint64_t rate, queue;     /* bytes a second, and how many wait for it; 0: no bottleneck */
    uint16_t mtu;             /* 0: 1420 */
    uint16_t segment_block;   /* of a alone */
    uint64_t seed;
    const char *a[3], *b[3]; /* addresses; none: 10.0.0.1 and fd00::1, 10.0.0.2 and fd00::2 */
};

struct flight;

struct wire {
    struct wire_config config;
    struct wire_end a, b;
    struct now now;
    uint64_t chance;
    struct rng rng;
    struct rxbuf_pool pool;
    struct flight **flights; /* a heap by time of arrival */
    size_t n_flights, max_flights;
    uint64_t n_sent;
    uint64_t wakeups;  /* stack_tick calls */
    bool memory_fails; /* so that a receive buffer may be held for a turn longer */
};

void wire_open(struct wire *w, const struct wire_config *config);
void wire_close(struct wire *w); /* asserts that no receive buffer is left */

/* Let the world run until `done` says so; false when nothing would ever happen again or `limit` ns
 * have passed. */
typedef bool wire_done_fn(void *ctx);
bool wire_run(struct wire *w, wire_done_fn *done, void *ctx, uint64_t limit);
void wire_pass(struct wire *w, uint64_t ns); /* so much time */

/* Let one packet arrive at an end as if it came from nowhere. */
void wire_inject(struct wire_end *end, const void *ip, size_t len);

struct endpoint at(const char *addr, uint16_t port);

#endif
