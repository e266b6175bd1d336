/* SPDX-License-Identifier: MIT */
/* What the two files of the sender share:
 *   sender.c          what lwIP tells of segments, acknowledgements and timeouts
 *   sender_output.c   what is to be done, once a turn */
#ifndef WGPROXY_STACK_SENDER_PARTS_H
#define WGPROXY_STACK_SENDER_PARTS_H

#include "stack/sender.h"

struct tcp_pcb;

/* A segment takes 6 ns or 12 to look at: about a tenth of the time is spent on it at most. */
enum { LOOK_NS_PER_SEGMENT = 100 };

/* Bytes between the oldest in flight and the first that was never sent. A FIN is none, as in a
 * segment's length. */
uint32_t sender_in_flight(const struct tcp_pcb *pcb);

/* Of these, what is on the path: RFC 6675's pipe. */
uint32_t sender_on_path(const struct stack_tcp *t);

/* Something is missing, or may be. */
bool sender_is_troubled(const struct stack_tcp *t);

/* As far as window and credit go. Always one at least, when nothing else is on the path. */
void sender_resend_lost(struct stack_tcp *t);

/* Of the round trip, if there is one. Karn's rule: what stood behind something that was sent again may have
 * arrived long ago. */
void sender_take_sample(struct stack_tcp *t);

#endif
