/* SPDX-License-Identifier: MIT */
/* Other cores, for work that falls into independent parts: who has some, and who asks for them, need
 * not know each other. */
#ifndef WGPROXY_BASE_PARALLEL_H
#define WGPROXY_BASE_PARALLEL_H

#include <stddef.h>

/* Do the items [from, to). Calls that run at the same time have different `worker` numbers; 0 is the
 * thread that called `run`. Everything else that `arg` leads to is the caller's to keep apart. */
typedef void parallel_fn(void *arg, unsigned worker, size_t from, size_t to);

struct parallel {
    /* Do the items [0, n), each once, in parts of any size, order and worker number up to `workers`.
     * Returns when all are done, and what they wrote may be read. */
    void (*run)(void *ctx, parallel_fn *work, void *arg, size_t n);
    void *ctx;
    unsigned workers; /* beside the caller */
    size_t least;     /* bytes to work on from which it is worth asking */
};

#endif
