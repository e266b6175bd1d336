/* SPDX-License-Identifier: MIT */
/* Large reference-counted receive buffers. One holds many datagrams; the inner packets that lwIP keeps
 * for a while are slices of it, each with a reference. The pool keeps freed buffers for reuse, so that
 * the packet path allocates nothing once warm. One thread only. */
#ifndef WGPROXY_BASE_RXBUF_H
#define WGPROXY_BASE_RXBUF_H

#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

struct rxbuf_pool {
    struct list idle;
    size_t size;       /* bytes of data in each buffer */
    unsigned idle_max; /* how many idle ones are kept */
    unsigned n_idle;
    unsigned n_live; /* referenced now; for tests and metrics */
};

struct rxbuf {
    struct rxbuf_pool *pool;
    struct list link;
    unsigned refs;
    _Alignas(16) uint8_t data[]; /* pool->size bytes */
};

void rxbuf_pool_init(struct rxbuf_pool *pool, size_t size, unsigned idle_max);

/* Frees the idle buffers. Every buffer must have come back (asserted). */
void rxbuf_pool_fini(struct rxbuf_pool *pool);

/* One buffer with one reference, or NULL without memory. */
struct rxbuf *rxbuf_new(struct rxbuf_pool *pool);

static inline struct rxbuf *rxbuf_ref(struct rxbuf *b)
{
    b->refs++;
    return b;
}

void rxbuf_unref(struct rxbuf *b); /* NULL is harmless */

#endif
