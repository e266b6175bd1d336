/* SPDX-License-Identifier: MIT */
/* The pool of receive buffers. */
#include "base/rxbuf.h"

#include <assert.h>
#include <stdlib.h>

void rxbuf_pool_init(struct rxbuf_pool *pool, size_t size, unsigned idle_max)
{
    *pool = (struct rxbuf_pool){.size = size, .idle_max = idle_max};
    list_init(&pool->idle);
}

void rxbuf_pool_fini(struct rxbuf_pool *pool)
{
    assert(pool->n_live == 0);
    for (struct list *l; (l = list_pop_front(&pool->idle)) != NULL;) {
        free(list_item(l, struct rxbuf, link));
    }
    pool->n_idle = 0;
}

struct rxbuf *rxbuf_new(struct rxbuf_pool *pool)
{
    struct rxbuf *b;
    struct list *l = list_pop_front(&pool->idle);
    if (l != NULL) {
        b = list_item(l, struct rxbuf, link);
        pool->n_idle--;
    } else {
        b = malloc(sizeof *b + pool->size);
        if (b == NULL) {
            return NULL;
        }
        b->pool = pool;
        list_init(&b->link);
    }
    b->refs = 1;
    pool->n_live++;
    return b;
}

void rxbuf_unref(struct rxbuf *b)
{
    if (b == NULL) {
        return;
    }
    assert(b->refs > 0);
    if (--b->refs > 0) {
        return;
    }
    struct rxbuf_pool *pool = b->pool;
    pool->n_live--;
    if (pool->n_idle < pool->idle_max) {
        pool->n_idle++;
        list_push_back(pool->idle.next, &b->link); /* first out again: it is warm in the cache */
    } else {
        free(b);
    }
}
