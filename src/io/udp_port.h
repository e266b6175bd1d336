/* SPDX-License-Identifier: MIT */
/* What opening, receiving and sending of a UDP port share. */
#ifndef WGPROXY_IO_UDP_PORT_H
#define WGPROXY_IO_UDP_PORT_H

#include "io/loop.h"

struct udp_port;

struct udp_socket {
    struct udp_port *port;
    uv_poll_t poll;
    int fd; /* -1: the machine does not have the family */
};

enum { UDP_V4, UDP_V6, UDP_FAMILIES };

struct udp_port {
    struct dgram dgram;
    struct io_loop *loop;
    struct udp_socket sockets[UDP_FAMILIES];
    uint16_t number;
    bool closed;
    unsigned handles; /* of libuv, not yet let go */
    struct dgram_counters counters;

    bool tunnel;       /* a tunnel's own, rather than one for programs of this network */
    bool plain;        /* GSO and GRO are not wanted */
    bool many_small;   /* the last call was filled with messages of one slot each */
    bool alone;        /* a run was refused, and not for its datagrams' length */
    uint16_t run_most; /* datagrams longer than this leave alone: the path is too narrow for them */

    /* The latest send that failed at once, to be reported from the loop. */
    struct soon report;
    struct endpoint failed_to;
    int failed_err;
};

/* udp_sockets.c: on `port`, or on any that both families have free when it is 0. A family that
 * the machine does not have is -1. Errors as io_udp_open. */
int udp_sockets_open(uint16_t port, int fds[UDP_FAMILIES]) MUST_USE;

/* One socket on exactly this address, without a tunnel's options; the other family is -1. */
int udp_sockets_bind(const struct endpoint *at, int fds[UDP_FAMILIES]) MUST_USE;

/* Let the system cut what is too large for the path; before, it is refused with EMSGSIZE. */
void udp_sockets_allow_fragments(struct udp_port *p);

/* How large the buffers are is told once, where the system gave less than was asked for. */
void udp_sockets_tell_buffers(struct udp_port *p);

/* Datagrams that the system dropped for want of room in the sockets' buffers. */
uint64_t udp_sockets_dropped(const struct udp_port *p);

/* udp_receive.c: one receiver serves all ports of a loop. */
int udp_receiver_new(struct udp_receiver **out) MUST_USE; /* 0, ERR_NOMEM */
void udp_receiver_free(struct udp_receiver *r);           /* NULL is harmless */
/* Hand what has arrived to the port's handler in batches; a bounded number, the rest stays for
 * the next wake-up. */
void udp_port_receive(struct udp_receiver *r, struct udp_port *p, int fd, struct now now);

/* udp_errors.c: hand the ICMP errors that have arrived to the port's handler. */
void udp_port_receive_errors(struct udp_port *p, int fd, struct now now);

/* udp_send.c */
void udp_port_send(struct dgram *d, const struct outbox *ob);

#endif
