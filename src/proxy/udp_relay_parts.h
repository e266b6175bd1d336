/* SPDX-License-Identifier: MIT */
/* What the two files of the UDP relay share:
 *   udp_relay.c     whose a datagram is, and the ways between both ports
 *   udp_targets.c   where it goes inside: names that are looked up, and addresses */
#ifndef WGPROXY_PROXY_UDP_RELAY_PARTS_H
#define WGPROXY_PROXY_UDP_RELAY_PARTS_H

#include "base/list.h"
#include "proxy/udp_queue.h"
#include "proxy/udp_relay.h"
#include "stack/stack_udp.h"

struct udp_relay {
    struct udp_relay_config config;
    struct dgram *port;
    struct endpoint advertised;
    const struct local *anywhere; /* NULL: the port stands on one address */
    struct outbox outbox;
    struct list associations; /* the oldest first */
    unsigned n_targets;
    size_t queued_bytes; /* of all targets */
    uint64_t next_sweep; /* of targets; NEVER without any */
    struct udp_relay_counters counters;
};

/* A name that datagrams were sent to. */
struct udp_target {
    struct list link;
    struct udp_association *owner;
    struct dial_lookup *lookup; /* while it runs */
    struct addr addr;           /* family NONE until it was found */
    uint16_t port;              /* that was sent to last */
    uint64_t asked, used;
    struct udp_queue queued;
    char name[];
};

struct udp_association {
    struct list link;
    struct udp_relay *relay;
    struct stack_udp *inside;
    uint64_t used;
    struct addr owner;      /* whose connection it is; family NONE: that of a Unix socket */
    struct endpoint client; /* family NONE: any program of this machine; port 0: not known yet */
    bool heard;             /* from where `client` says */
    char *user;             /* NULL: nobody */
    struct list targets;
    unsigned n_targets;
};

/* To an address, if the rules allow it; what is not sent is counted. */
void udp_send_inside(struct udp_association *a, const struct target *to, const uint8_t *data,
                     size_t len);
/* To a name, at once or when it has been found. */
void udp_send_to_name(struct udp_association *a, const struct target *to, const uint8_t *data,
                      size_t len, struct now now);
/* Forget a name, and those that have not been sent to for long. */
void udp_target_free(struct udp_target *t);
void udp_targets_sweep(struct udp_association *a, struct now now);

#endif
