/* SPDX-License-Identifier: MIT */
/* Large packets of the other side that vanish on their way to us, without a word to it (RFC 2923 2.1). */
#ifndef WGPROXY_STACK_BLACK_HOLE_H
#define WGPROXY_STACK_BLACK_HOLE_H

#include <stddef.h>
#include <stdint.h>

struct stack;
struct stack_tcp;

/* Any link carries so much that carries IPv6 (RFC 8200 5): what is larger may vanish. */
enum { BLACK_HOLE_PASSES = 1280 };

/* A packet larger than that has arrived. */
void black_hole_large_arrived(struct stack *s);

/* A SYN leaves. How many bytes more than other connections its own may ask for in a segment, to see whether they arrive:
 * mostly 0. */
uint16_t black_hole_doubt(struct stack *s, uint16_t local_port, uint16_t remote_port);

/* The peer has what we sent, and may answer it. */
void black_hole_asked(struct stack_tcp *t);

/* In order came a segment of `len` bytes; 0: FIN. */
void black_hole_answered(struct stack_tcp *t, size_t len);

/* Time has passed. */
void black_hole_watch(struct stack_tcp *t);

#endif
