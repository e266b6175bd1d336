/* SPDX-License-Identifier: MIT */
/* Large packets of the other side that vanish on their way to us, without a word to it (RFC 2923 2.1). */
#ifndef WGPROXY_STACK_BLACK_HOLE_H
#define WGPROXY_STACK_BLACK_HOLE_H

#include <stddef.h>

struct stack;
struct stack_tcp;

/* Any link carries so much that carries IPv6 (RFC 8200 5): what is larger may vanish. */
enum { BLACK_HOLE_PASSES = 1280 };

/* A packet larger than that has arrived. */
void black_hole_large_arrived(struct stack *s);

/* The peer has what we sent, and may answer it. */
void black_hole_asked(struct stack_tcp *t);

/* In order came a segment of `len` bytes; 0: FIN. */
void black_hole_answered(struct stack_tcp *t, size_t len);

/* Time has passed. */
void black_hole_watch(struct stack_tcp *t);

#endif
