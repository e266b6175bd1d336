/* SPDX-License-Identifier: MIT */
/* Queues of bytes that do not move: see chunkq.h. */
#include "stack/chunkq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct chunk {
    struct list link;
    uint32_t size;   /* of data */
    uint32_t head;   /* data before it was dropped */
    uint32_t cursor; /* data before it was taken; never before head */
    uint32_t tail;   /* data before it is committed */
    uint8_t data[];
};

/* Less free space than this at the end of a chunk is not worth a read of its own. */
enum { PIECE_MIN = 1024 };

void chunk_pool_init(struct chunk_pool *pool, unsigned idle_max)
{
    *pool = (struct chunk_pool){.idle_max = idle_max};
    list_init(&pool->idle);
}

static void *large_new(void)
{
    void *pages =
        mmap(NULL, CHUNK_LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

static void give_back(struct chunk_pool *pool, unsigned n)
{
    for (; n > 0; n--) {
        struct list *coldest = pool->idle.prev;
        list_remove(coldest);
        munmap(list_item(coldest, struct chunk, link), CHUNK_LARGE);
        pool->n_idle--;
    }
}

void chunk_pool_fini(struct chunk_pool *pool)
{
    assert(pool->bytes == 0);
    give_back(pool, pool->n_idle);
}

bool chunk_pool_settle(struct chunk_pool *pool)
{
    give_back(pool, pool->idle_low);
    pool->idle_low = pool->n_idle;
    return pool->n_idle > 0;
}

static struct chunk *idle_chunk(struct chunk_pool *pool)
{
    struct chunk *c = list_item(list_pop_front(&pool->idle), struct chunk, link);
    pool->n_idle--;
    pool->idle_low = pool->n_idle < pool->idle_low ? pool->n_idle : pool->idle_low;
    return c;
}

static struct chunk *chunk_new(struct chunk_pool *pool, size_t memory)
{
    struct chunk *c = memory != CHUNK_LARGE ? malloc(memory)
                      : pool->n_idle > 0    ? idle_chunk(pool)
                                            : large_new();
    if (!c) {
        return NULL;
    }
    *c = (struct chunk){.size = (uint32_t)(memory - sizeof *c)};
    list_init(&c->link);
    pool->bytes += memory;
    pool->n_small += memory == CHUNK_SMALL;
    return c;
}

static void chunk_free(struct chunk_pool *pool, struct chunk *c)
{
    size_t memory = c->size + sizeof *c;
    pool->bytes -= memory;
    list_remove(&c->link);
    if (memory != CHUNK_LARGE) {
        pool->n_small--;
        free(c);
        return;
    }
    list_push_back(pool->idle.next, &c->link); /* in front: used last, and warm */
    pool->n_idle++;
    if (pool->n_idle > pool->idle_max) {
        give_back(pool, 1);
    }
}

static struct chunk *first(const struct chunkq *q)
{
    return list_empty(&q->chunks) ? NULL : list_item(q->chunks.next, struct chunk, link);
}

static struct chunk *last(const struct chunkq *q)
{
    return list_empty(&q->chunks) ? NULL : list_item(q->chunks.prev, struct chunk, link);
}

static struct chunk *after(const struct chunkq *q, const struct chunk *c)
{
    return c->link.next == &q->chunks ? NULL : list_item(c->link.next, struct chunk, link);
}

void chunkq_init(struct chunkq *q, struct chunk_pool *pool)
{
    *q = (struct chunkq){.pool = pool};
    list_init(&q->chunks);
}

void chunkq_fini(struct chunkq *q)
{
    for (struct chunk *c; (c = first(q));) {
        chunk_free(q->pool, c);
    }
    chunkq_init(q, q->pool);
}

static struct chunk *grow(struct chunkq *q)
{
    struct chunk *c = chunk_new(q->pool, q->streaming ? CHUNK_LARGE : CHUNK_SMALL);
    if (c) {
        list_push_back(&q->chunks, &c->link);
        if (!q->cursor) {
            q->cursor = c;
        }
    }
    return c;
}

uint8_t *chunkq_reserve(struct chunkq *q, size_t limit, size_t *len)
{
    assert(limit > 0);
    struct chunk *c = last(q);
    size_t space = c ? c->size - c->tail : 0;
    if (space < PIECE_MIN && space < limit) {
        struct chunk *fresh = grow(q);
        if (fresh) {
            c = fresh;
        } else if (space == 0) {
            return NULL;
        }
    }
    space = c->size - c->tail;
    *len = space < limit ? space : limit;
    q->offered = (uint32_t)*len;
    return c->data + c->tail;
}

void chunkq_commit(struct chunkq *q, size_t n)
{
    assert(n <= q->offered);
    q->streaming = n == q->offered;
    q->offered = 0;
    if (n > 0) {
        last(q)->tail += (uint32_t)n;
        q->len += (uint32_t)n;
    } else {
        chunkq_trim(q);
    }
}

bool chunkq_append(struct chunkq *q, const void *data, size_t len)
{
    size_t before = q->len, done = 0;
    while (done < len) {
        size_t piece;
        uint8_t *to = chunkq_reserve(q, len - done, &piece);
        if (!to) {
            break;
        }
        memcpy(to, (const uint8_t *)data + done, piece);
        chunkq_commit(q, piece);
        done += piece;
    }
    if (done == len) {
        return true;
    }
    while (q->len > before) { /* take back what was appended, chunk by chunk from the end */
        struct chunk *c = last(q);
        size_t mine = q->len - before, held = c->tail - c->head;
        size_t n = mine < held ? mine : held;
        c->tail -= (uint32_t)n;
        q->len -= (uint32_t)n;
        chunkq_trim(q);
    }
    return false;
}

/* The cursor may stand at the end of a chunk that has a successor; then its bytes are there. */
static struct chunk *cursor_chunk(const struct chunkq *q)
{
    struct chunk *c = q->cursor;
    while (c && c->cursor == c->tail && after(q, c)) {
        c = after(q, c);
    }
    return c;
}

const uint8_t *chunkq_next(const struct chunkq *q, size_t *len)
{
    struct chunk *c = cursor_chunk(q);
    *len = c ? c->tail - c->cursor : 0;
    return *len > 0 ? c->data + c->cursor : NULL;
}

void chunkq_take(struct chunkq *q, size_t n)
{
    struct chunk *c = q->cursor = cursor_chunk(q);
    assert(c && n <= c->tail - c->cursor);
    c->cursor += (uint32_t)n;
    q->taken += (uint32_t)n;
}

int chunkq_peek(const struct chunkq *q, struct iovec *iov, int max)
{
    int n = 0;
    list_foreach(l, &q->chunks) {
        struct chunk *c = list_item(l, struct chunk, link);
        if (n == max) {
            break;
        }
        if (c->tail > c->head) {
            iov[n++] = (struct iovec){c->data + c->head, c->tail - c->head};
        }
    }
    return n;
}

/* A chunk goes when its bytes have gone, but for one that is reserved right now. */
static bool is_spent(const struct chunkq *q, const struct chunk *c)
{
    return c->head == c->tail && !(c == last(q) && q->offered > 0);
}

void chunkq_drop(struct chunkq *q, size_t n)
{
    assert(n <= q->len);
    q->len -= (uint32_t)n;
    q->taken -= n < q->taken ? (uint32_t)n : q->taken;
    for (struct chunk *c = first(q), *next; c && (n > 0 || is_spent(q, c)); c = next) {
        next = after(q, c);
        size_t held = c->tail - c->head, gone = n < held ? n : held;
        c->head += (uint32_t)gone;
        c->cursor = c->cursor < c->head ? c->head : c->cursor;
        n -= gone;
        if (is_spent(q, c)) {
            if (q->cursor == c) {
                q->cursor = next;
            }
            chunk_free(q->pool, c);
        }
    }
    if (q->len == 0) {
        q->streaming = q->streaming && q->offered > 0;
    }
}

void chunkq_trim(struct chunkq *q)
{
    q->offered = 0;
    struct chunk *c = last(q);
    if (c && c->head == c->tail) {
        bool had_cursor = q->cursor == c;
        chunk_free(q->pool, c);
        if (had_cursor) {
            q->cursor = last(q); /* all of it is taken */
        }
    }
}
