/* SPDX-License-Identifier: MIT */
/* SOCKS5's UDP ASSOCIATE (RFC 1928 sections 4 and 7) for all clients of one door, over one local UDP port.
 *
 *   client -> local port: header and payload -> the association's own socket inside the tunnel -> target
 *   target -> that socket -> header and payload -> the client, from the local port
 *
 * A client's datagrams belong to the association of its IP address; its port is learned from its first datagram, or is
 * what its request named. Of several associations from one address that have no port yet, the oldest takes the first
 * unknown one. A client of a Unix socket has no IP address: its datagrams come over IPv4's loopback, where every account
 * of the machine can send, so it has to name its port, and the association is that port's alone.
 *
 * Any target may answer to an association's port (full cone). Datagrams with FRAG != 0 are dropped and counted, as are
 * those from nobody. Names are looked up as for TCP. An association ends with its TCP connection. */
#ifndef WGPROXY_PROXY_UDP_RELAY_H
#define WGPROXY_PROXY_UDP_RELAY_H

#include "base/dgram.h"
#include "base/log.h"
#include "base/macros.h"
#include "proxy/access.h"
#include "proxy/dial.h"
#include "proxy/local.h"
#include "stack/stack.h"

struct udp_relay;
struct udp_association;

struct udp_relay_config {
    struct stack *stack;
    struct dialer *dialer;       /* looks names up */
    const struct access *access; /* borrowed; NULL: everything is allowed */
    /* ns after which a target of an association is forgotten; 0: 60 s */
    uint64_t idle;
    unsigned max_associations; /* per client address; 0: 64 */
    unsigned max_targets;      /* per association, names being looked up included; 0: 1024 */
    bool trusts_first_port;    /* of loopback, for a client of a Unix socket that names none */
    const struct log *log;
};

/* 0, ERR_NOMEM */
int udp_relay_new(struct udp_relay **out, const struct udp_relay_config *config) MUST_USE;
/* ends every association; does not close the port. NULL is harmless */
void udp_relay_free(struct udp_relay *r);

/* The port's handler, with the relay as its context; then the port itself, and what clients are told of it: an
 * address that is unspecified stands for the one their TCP connection came in at. Where the port stands on every address
 * of this machine, which is then `anywhere` (else NULL), its answers may come from another one: the client is told that. */
extern const struct dgram_handler udp_relay_handler;
void udp_relay_set_port(struct udp_relay *r, struct dgram *port, const struct endpoint *advertised,
                        const struct local *anywhere);

/* A client's request. `client`: the far end of its TCP connection, family NONE for a Unix socket. `hint`: DST.ADDR and
 * DST.PORT of the request, all zero for "not known yet". *bound is for the reply. 0, ERR_PERM (the client of a Unix socket
 * does not name the port on loopback that it sends from), ERR_LIMIT, ERR_NOMEM, or an error of stack_udp_open. */
int udp_association_open(struct udp_relay *r, const struct endpoint *client,
                         const struct endpoint *local, const struct endpoint *hint,
                         const char *user, struct udp_association **out, struct endpoint *bound,
                         struct now now) MUST_USE;
/* now.mono of its last datagram, or of its begin */
uint64_t udp_association_used(const struct udp_association *a);
void udp_association_close(struct udp_association *a);

/* Send what gathered for the clients: once per turn, after the tunnels ran. */
void udp_relay_flush(struct udp_relay *r);

/* NEVER while there is nothing to forget */
uint64_t udp_relay_next_deadline(const struct udp_relay *r);
void udp_relay_tick(struct udp_relay *r, struct now now);

struct udp_relay_counters {
    uint64_t up, down;         /* datagrams carried */
    uint64_t dropped_fragment; /* FRAG != 0 */
    /* from an address without association, or to one whose port is not known */
    uint64_t dropped_stranger;
    uint64_t dropped_invalid; /* a header that is none */
    uint64_t dropped_denied;  /* by the access rules, or no route */
    uint64_t dropped_limit;
};
struct udp_relay_counters udp_relay_counters(const struct udp_relay *r);

#endif
