/* SPDX-License-Identifier: MIT */
/* UDP sockets as the rest of the module sees them. */
#ifndef WGPROXY_STACK_SOCKETS_H
#define WGPROXY_STACK_SOCKETS_H

#include "stack/internal.h"

/* Hand what came to its handlers; true when there was any. */
bool sockets_dispatch(struct stack *stack, struct now now);

/* A datagram that `port` of ours sent to `to` did not arrive. */
void sockets_undelivered(struct stack *stack, uint16_t port, const struct endpoint *to, int err);

void sockets_free(struct stack *stack); /* all that are open */

#endif
