/* SPDX-License-Identifier: MIT */
/* The outside datagram port as an interface: a UDP socket (io/udp_port) or a port of the simulator.
 * Both directions are batches. */
#ifndef WGPROXY_BASE_DGRAM_H
#define WGPROXY_BASE_DGRAM_H

#include "base/addr.h"
#include "base/now.h"
#include "base/outbox.h"
#include "base/rxbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One datagram that arrived: a slice of `buf`, writable (it is decrypted in place), 4-byte aligned where the sender's
 * sizes allow. Whoever keeps the slice beyond the call takes a reference to `buf`. */
struct dgram_rx {
    struct rxbuf *buf;
    uint8_t *data;
    size_t len;
    struct endpoint from;
    uint8_t tos; /* outer DSCP and ECN bits; 0 where the system does not tell */
};

struct dgram_handler {
    /* A batch, in order of arrival. The handler may open, close and send on any port but not close this one. */
    void (*received)(void *ctx, struct dgram_rx *batch, size_t n, struct now now);

    /* The system reported that a datagram could not be delivered: ERR_REFUSED (ICMP port unreachable),
     * ERR_UNREACHABLE, ERR_PERM, ERR_LIMIT (too large for the path). Never fatal; `to` may be family NONE. */
    void (*undelivered)(void *ctx, const struct endpoint *to, int err, struct now now);
};

/* What became of a port's datagrams since it was opened, and how they are moved. */
struct dgram_counters {
    uint64_t received, receive_calls; /* calls of the system that brought any */
    uint64_t receive_dropped;  /* messages that the system had no room for, or we no memory */
    uint64_t sent, send_calls; /* calls of the system that took any */
    uint64_t send_dropped;     /* the socket's buffer or the device's queue was full */
    uint64_t undelivered;      /* reported to the handler, or about to be */
    bool gso, gro; /* several leave as one message that the system cuts, or arrive as one */
};

struct dgram;

struct dgram_ops {
    /* Send every message of the outbox, in order. What the system does not take is dropped and counted, as
     * the network would. The outbox is not changed; the caller clears it. */
    void (*send)(struct dgram *d, const struct outbox *ob);
    uint16_t (*local_port)(const struct dgram *d);
    /* From now on datagrams that are too large for the path may be cut into fragments, rather than be undelivered with
     * ERR_LIMIT. */
    void (*allow_fragments)(struct dgram *d);
    /* From now on every datagram is a message of its own to the system: it neither cuts nor gathers them (GSO, GRO).
     * NULL where it never does. */
    void (*no_offload)(struct dgram *d);
    /* NULL where nothing is counted. */
    struct dgram_counters (*counters)(const struct dgram *d);
    void (*close)(struct dgram *d); /* frees it; the handler is not called again */
};

struct dgram {
    const struct dgram_ops *ops;
    const struct dgram_handler *handler;
    void *ctx; /* for the handler */
};

#endif
