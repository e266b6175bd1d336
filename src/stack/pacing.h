/* SPDX-License-Identifier: MIT */
/* How much of what may be in flight may leave now. A flow earns bytes at its rate and pays for what it
 * sends; what it has earned leaves a millisecond's worth at a time, or what shares a system call. */
#ifndef WGPROXY_STACK_PACING_H
#define WGPROXY_STACK_PACING_H

#include "stack/conn.h"

/* Sets sender.credit to the bytes that may leave now. */
void pacing_earn(struct stack_tcp *t);

/* `sent` bytes of the credit were used. sender.paced_due becomes the time to come back, when `more` could
 * leave but for the pace; else NEVER: there is something else to wait for. */
void pacing_pay(struct stack_tcp *t, uint32_t sent, bool more);

#endif
