/* SPDX-License-Identifier: MIT */
/* UDP sockets inside the tunnel (RFC 768 through lwIP). */
#ifndef WGPROXY_STACK_STACK_UDP_H
#define WGPROXY_STACK_STACK_UDP_H

#include "stack/stack.h"

struct stack_udp;

struct stack_udp_handler {
    /* One datagram, whole; valid during the call. Runs from stack_dispatch. */
    void (*received)(void *ctx, struct stack_udp *u, const struct endpoint *from,
                     const uint8_t *data, size_t len, struct now now);
    /* An ICMP error for something this socket sent: ERR_REFUSED (port unreachable) or
     * ERR_UNREACHABLE. May be NULL. */
    void (*failed)(void *ctx, struct stack_udp *u, const struct endpoint *to, int err,
                   struct now now);
};

/* Open on `port` of every address of ours; 0 picks an unpredictable free one. 0, ERR_IN_USE,
 * ERR_LIMIT, ERR_NOMEM. */
int stack_udp_open(struct stack *stack, uint16_t port, const struct stack_udp_handler *handler,
                   void *ctx, struct stack_udp **out) MUST_USE;

/* Send one datagram (up to 65507 bytes, 65487 over IPv6, fragmented where it must be). 0,
 * ERR_NO_ROUTE, ERR_NO_FAMILY, ERR_INVALID (as in stack_tcp_connect), ERR_LIMIT (too large),
 * ERR_NOMEM. It leaves with the next flush. */
int stack_udp_send(struct stack_udp *u, const struct endpoint *to, const void *data,
                   size_t len) MUST_USE;
uint16_t stack_udp_port(const struct stack_udp *u);
void stack_udp_close(struct stack_udp *u); /* allowed inside its own handler */

#endif
