/* SPDX-License-Identifier: MIT */
/* The TCP/IP stack inside the tunnel: one struct stack is one lwIP interface with its own
 * addresses. Several live in one process; lwIP itself is one static instance underneath (one thread
 * only, asserted). Inner packets come in through stack_input and leave through the output function;
 * streams and datagram sockets are in stack_tcp.h and stack_udp.h.
 *
 * No re-entry: lwIP's callbacks only take notes. Handlers of streams and sockets run from
 * stack_dispatch alone. */
#ifndef WGPROXY_STACK_STACK_H
#define WGPROXY_STACK_STACK_H

#include "base/addr.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/rng.h"
#include "base/rxbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct stack;

struct stack_config {
    const struct prefix *addresses; /* ours inside the tunnel; the prefix length does not matter */
    size_t n_addresses;     /* at least 1; of several in one family the first is the source */
    uint16_t mtu;           /* 576..65535; with an IPv6 address at least 1280 */
    uint16_t segment_block; /* full TCP segments, in both directions, are packets of a multiple of
                             * so many bytes, 0..64; 0: as large as fits */

    /* Take one whole IP packet of `len` bytes, gathered from `n` slices valid during the call.
     * Called from stack_flush, stack_tick and stack_input alone: what a handler makes leaves with
     * the next flush. Must not call back into the stack (asserted). */
    void (*output)(void *ctx, const struct iovec *slices, int n, size_t len);

    /* May packets go to this destination? 0 or an error such as ERR_NO_ROUTE, which connect and
     * send then return. */
    int (*route)(void *ctx, const struct addr *dst);
    void *ctx;

    struct rng rng;
    const struct log *log; /* borrowed; may be NULL */
};

/* 0, ERR_NOMEM, ERR_INVALID (no address, MTU out of range). `now` starts the stack's clock. */
int stack_new(struct stack **out, const struct stack_config *config, struct now now) MUST_USE;

/* Ends the interface. Streams and sockets that are still open are aborted without calling their
 * handlers. */
void stack_free(struct stack *stack);

/* Why an inner packet did not reach lwIP. */
#define STACK_DROP_TABLE(X)                                             \
    X(STACK_DROP_SHORT, "shorter than its header says")                 \
    X(STACK_DROP_VERSION, "neither IPv4 nor IPv6")                      \
    X(STACK_DROP_OPTIONS, "IPv4 options or IPv6 extension headers")     \
    X(STACK_DROP_DESTINATION, "not addressed to us")                    \
    X(STACK_DROP_SOURCE, "unspecified, multicast, loopback or our own") \
    X(STACK_DROP_PROTOCOL, "not TCP, UDP, ICMP echo or an ICMP error")  \
    X(STACK_DROP_FRAGMENT, "fragment out of bounds")                    \
    X(STACK_DROP_MEMORY, "no memory")

#define STACK_DROP_ENUM(name, words) name,
enum stack_drop { STACK_DROP_TABLE(STACK_DROP_ENUM) STACK_DROP_N };
#undef STACK_DROP_ENUM

/* One inner packet, a writable slice of `buf`; the stack takes a reference of its own for as long
 * as it needs it. The gate drops and counts what lwIP should never see. `buf` may be NULL: the
 * packet is then copied. */
void stack_input(struct stack *stack, struct rxbuf *buf, uint8_t *ip, size_t len, struct now now);

/* Run the handlers of every stream and socket of this stack that has news. True when any ran: they
 * may have made more. */
bool stack_dispatch(struct stack *stack, struct now now);

/* Give lwIP the chance to emit what became sendable, then copy received bytes that nobody took out
 * of the receive buffers, so that no slow reader pins one. Call at the end of a turn, after
 * dispatch. */
void stack_flush(struct stack *stack, struct now now);

/* When stack_tick must run next; NEVER when no connection, fragment or socket waits for time. */
uint64_t stack_next_deadline(const struct stack *stack);
void stack_tick(struct stack *stack, struct now now);

/* The way was interrupted, perhaps, and is open again: what was sent again in vain goes once more with the next tick,
 * instead of when its time has come. */
void stack_retry(struct stack *stack, struct now now);

/* The path below is narrower: from now on no packet is larger than `mtu` (at least 576, with an IPv6 address 1280: a
 * smaller one is taken as that), and connections send again what is on its way in packets that are larger. The segments
 * of TCP, those of the other side too for connections that begin later, fit into `mtu` even where it is below 1280. */
void stack_lower_mtu(struct stack *stack, uint16_t mtu, struct now now);

/* Does the tunnel have an address of this family? */
bool stack_has_family(const struct stack *stack, enum family family);

/* 0 where packets may be sent to that host, else why not: ERR_INVALID for what is no host, ERR_NO_FAMILY, or ERR_NO_ROUTE
 * for ourselves and where config.route says so. */
int stack_check_host(const struct stack *stack, const struct addr *to);

uint64_t stack_drop_count(const struct stack *stack, enum stack_drop why);
const char *stack_drop_text(enum stack_drop why);

#endif
