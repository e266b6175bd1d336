/* SPDX-License-Identifier: MIT */
/* Which segments in flight have arrived, and which never will. See sender.h. */
#ifndef WGPROXY_STACK_LOSSES_H
#define WGPROXY_STACK_LOSSES_H

#include "stack/conn.h"

#include <lwip/priv/tcp_priv.h>

/* The stack's clock as in tcp_seg.sent_at: us, wraps, never 0, which means that it was not sent. */
uint32_t losses_clock(const struct stack_tcp *t);

/* Nothing that is sent from now on has arrived: what was known of others says nothing about it. */
void losses_begin(struct stack_tcp *t);

/* A segment arrived, whose fate is not SACKED yet. */
void losses_delivered(struct stack_tcp *t, struct tcp_seg *seg, uint32_t end);

/* Nothing is in flight that counts. */
void losses_count_none(struct sender *s);

/* A segment leaves the queue, acknowledged: its bytes count no more. */
void losses_forget(struct sender *s, const struct tcp_seg *seg);

/* The receiver had a segment twice. */
void losses_duplicate(struct stack_tcp *t);

/* The blocks that have come in reach the segments; the set of them is empty afterwards. How many
 * segments were looked at. */
size_t losses_mark(struct stack_tcp *t);

struct verdict {
    size_t n_segments; /* that were looked at */
    uint32_t lost;     /* bytes, found out just now */
    uint32_t wait;     /* us until time itself may say that more is lost; 0: it will not */
};

/* Walk the queue: settle the fates by what has come in, and count. */
struct verdict losses_look(struct stack_tcp *t);

/* All that is in flight, of which there is something, and has not arrived is lost. */
void losses_all(struct stack_tcp *t);

/* It was a mistake: what was taken for lost and has not been sent again is on its way. */
void losses_pardon(struct stack_tcp *t);

#endif
