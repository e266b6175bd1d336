/* SPDX-License-Identifier: MIT */
/* Echo requests through the tunnel (RFC 792, RFC 4443 4.1), to see who answers and how large a
 * packet may be. */
#ifndef WGPROXY_STACK_STACK_PING_H
#define WGPROXY_STACK_STACK_PING_H

#include "stack/stack.h"

struct stack_ping;

struct stack_ping_handler {
    /* An answer to one of this socket's requests, with the length of the IP packet that it makes.
     * Runs from stack_dispatch. */
    void (*replied)(void *ctx, struct stack_ping *p, const struct addr *from, uint16_t seq,
                    size_t len, struct now now);
    /* An ICMP error for one of them: ERR_UNREACHABLE, ERR_REFUSED, or ERR_LIMIT where the packet is
     * larger than the path takes. May be NULL. */
    void (*failed)(void *ctx, struct stack_ping *p, const struct addr *to, uint16_t seq, int err,
                   struct now now);
};

/* Requests carry an unpredictable identifier, and answers without it are not seen. 0, ERR_LIMIT,
 * ERR_NOMEM. It has no timers: an answer that does not come is nothing that happens. */
int stack_ping_open(struct stack *stack, const struct stack_ping_handler *handler, void *ctx,
                    struct stack_ping **out) MUST_USE;

/* Headers of IP and ICMP: the least length of a request. */
size_t stack_ping_headers(enum family family);

/* Send a request that is an IP packet of `len` bytes, never to be fragmented on the way: from
 * stack_ping_headers up to the MTU, ERR_LIMIT otherwise. 0, ERR_NO_ROUTE, ERR_NO_FAMILY,
 * ERR_INVALID (as in stack_tcp_connect), ERR_NOMEM. It leaves with the next flush. */
int stack_ping_send(struct stack_ping *p, const struct addr *to, uint16_t seq, size_t len) MUST_USE;
void stack_ping_close(struct stack_ping *p); /* allowed inside its own handler */

#endif
