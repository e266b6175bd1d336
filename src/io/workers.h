/* SPDX-License-Identifier: MIT */
/* Helper threads that share one piece of work at a time with the thread of the loop, and sleep
 * without a timer in between. */
#ifndef WGPROXY_IO_WORKERS_H
#define WGPROXY_IO_WORKERS_H

#include "base/macros.h"
#include "base/parallel.h"

struct io_workers;

/* Cores that this process may run on, at least 1. */
unsigned io_cores(void);

/* How many helpers pay on a machine of so many cores (docs/performance-aead.md): none where the kernel's
 * half of the work and our peers need both, and no more than there is work for. */
unsigned io_workers_usual(unsigned cores);

/* `n` threads, none of which takes signals. 0, ERR_NOMEM, or ERR_LIMIT: the system gives none. */
int io_workers_new(struct io_workers **out, unsigned n) MUST_USE;

/* They end; nothing is under way. NULL is harmless. */
void io_workers_free(struct io_workers *w);

/* As struct parallel has it, for one caller at a time; it gives the caller's number 0, and the threads
 * 1 to n. Only what a thread has begun is waited for: one that has not woken up yet costs nobody time. */
void io_workers_run(struct io_workers *w, parallel_fn *work, void *arg, size_t items);

#endif
