/* SPDX-License-Identifier: MIT */
/* The loop's end of name resolution. */
#ifndef WGPROXY_IO_RESOLVE_H
#define WGPROXY_IO_RESOLVE_H

struct resolver;

/* Cancels every lookup and leaves the threads that still hang to themselves. NULL is harmless.
 * Before the loop closes its handles. */
void resolve_threads_free(struct resolver *r);

#endif
