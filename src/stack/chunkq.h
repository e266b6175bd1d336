/* SPDX-License-Identifier: MIT */
/* A queue of bytes in chunks of memory that never move, so that others may point into it: the send
 * queue of a stream, into which lwIP's segments point until they are acknowledged, and its queue of
 * unread bytes.
 *
 *   dropped | taken: someone points here | committed | reserved
 *           ^ front                      ^ cursor    ^ end
 *
 * A queue that is empty holds no chunk. Chunks are small while little flows and large while much
 * does. */
#ifndef WGPROXY_STACK_CHUNKQ_H
#define WGPROXY_STACK_CHUNKQ_H

#include "base/list.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { CHUNK_SMALL = 4096, CHUNK_LARGE = 65536 }; /* bytes of memory, the header included */

/* Large chunks that wait for their next use; shared by the queues of one stack. These are pages of
 * their own, not of the heap, which would keep them after a peak. */
struct chunk_pool {
    struct list idle;
    unsigned n_idle, idle_max;
    unsigned idle_low; /* the smallest n_idle since chunk_pool_settle */
    size_t bytes;      /* in chunks that are in use now, for limits and tests */
    size_t n_small;    /* chunks in use that lie in the heap */
};

void chunk_pool_init(struct chunk_pool *pool, unsigned idle_max);
void chunk_pool_fini(struct chunk_pool *pool); /* every queue must have been finished (asserted) */

/* Give back the idle chunks that nobody has needed since the last call; true when some are left
 * that the next call may give. */
bool chunk_pool_settle(struct chunk_pool *pool);

struct chunk;

struct chunkq {
    struct chunk_pool *pool;
    struct list chunks;
    struct chunk *cursor; /* the chunk with the next byte to take; NULL when there is no chunk */
    uint32_t len;         /* committed and not yet dropped: below 2^32, its users have limits */
    uint32_t taken;       /* how many of them are before the cursor */
    uint32_t offered;     /* bytes of the last reserve; 0 when it was committed */
    bool streaming;       /* the last piece was filled to its end: the next chunk may be large */
};

void chunkq_init(struct chunkq *q, struct chunk_pool *pool);
void chunkq_fini(struct chunkq *q);

/* A piece of at most `limit` (> 0) bytes to write to; NULL without memory. The reserve before it is
 * void. */
uint8_t *chunkq_reserve(struct chunkq *q, size_t limit, size_t *len) MUST_USE;
void chunkq_commit(struct chunkq *q, size_t n); /* n <= *len of the reserve before it */

/* Copy and commit; false without memory, with nothing changed. */
bool chunkq_append(struct chunkq *q, const void *data, size_t len) MUST_USE;

/* The next contiguous bytes at the cursor; NULL when all are taken. */
const uint8_t *chunkq_next(const struct chunkq *q, size_t *len);
void chunkq_take(struct chunkq *q, size_t n); /* n <= *len of chunkq_next */

/* Slices over the first bytes of the queue, taken or not. */
int chunkq_peek(const struct chunkq *q, struct iovec *iov, int max);

/* The first n bytes (n <= len) are no longer needed; those that were not taken count as taken. */
void chunkq_drop(struct chunkq *q, size_t n);

/* Give back a reserve that was never committed. */
void chunkq_trim(struct chunkq *q);

#endif
