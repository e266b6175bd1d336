/* SPDX-License-Identifier: MIT */
/* Echo requests as the rest of the module sees them. */
#ifndef WGPROXY_STACK_PINGS_H
#define WGPROXY_STACK_PINGS_H

#include "stack/internal.h"
#include "stack/stack_ping.h"

/* An echo reply that passed the gate. False when nobody asked for it. */
bool pings_replied(struct stack *stack, const struct packet *p);

/* A request with this identifier, sent to `to`, did not arrive. */
void pings_undelivered(struct stack *stack, const struct addr *to, uint16_t id, uint16_t seq,
                       int err);

/* Hand what came to its handlers; true when there was any. */
bool pings_dispatch(struct stack *stack, struct now now);

void pings_free(struct stack *stack); /* all that are open */

#endif
