/* SPDX-License-Identifier: MIT */
/* UDP forwards. To the tunnel: datagrams to a local port go to one target inside, each sender with a socket of its own
 * there. From the tunnel: datagrams to a port of ours inside go to one target on this machine or its network, each
 * sender with a local socket of its own. Flows end when idle. */
#ifndef WGPROXY_PROXY_UDP_FORWARD_H
#define WGPROXY_PROXY_UDP_FORWARD_H

#include "base/dgram.h"
#include "base/log.h"
#include "base/macros.h"
#include "proxy/access.h"
#include "proxy/dial.h"
#include "proxy/local.h"
#include "proxy/target.h"
#include "stack/stack.h"

struct udp_forward;

struct udp_forward_config {
    struct stack *stack;
    struct dialer *dialer;     /* looks the target's name up inside, again when it expires */
    const struct local *local; /* udp_forward_new_reverse only: the machine's side */
    struct target target;
    /* borrowed: may the target be reached? NULL: yes. Not asked of a reverse one */
    const struct access *access;
    uint64_t idle;      /* ns; 0: 60 s; NEVER: flows stay until the cap */
    unsigned max_flows; /* 0: 1024; beyond it the longest idle one makes room */
    const struct log *log;
};

/* To the tunnel; then the local port, opened with udp_forward_handler and the forward as context. 0, ERR_NOMEM,
 * ERR_DENIED where the rules say so of the target as it is written; of the addresses of a name they are asked later. */
int udp_forward_new(struct udp_forward **out, const struct udp_forward_config *config) MUST_USE;
extern const struct dgram_handler udp_forward_handler;
void udp_forward_set_port(struct udp_forward *f, struct dgram *port);

/* From the tunnel, on `port` of our addresses inside. 0, ERR_NOMEM, ERR_IN_USE, ERR_INVALID (port 0). */
int udp_forward_new_reverse(struct udp_forward **out, const struct udp_forward_config *config,
                            uint16_t port) MUST_USE;

/* does not close the local port that was set. NULL is harmless */
void udp_forward_free(struct udp_forward *f);

void udp_forward_flush(struct udp_forward *f); /* once per turn, after the tunnels ran */
uint64_t udp_forward_next_deadline(const struct udp_forward *f);
void udp_forward_tick(struct udp_forward *f, struct now now);
unsigned udp_forward_flows(const struct udp_forward *f);

#endif
