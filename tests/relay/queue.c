/* SPDX-License-Identifier: MIT */
/* A binary heap of slots. */
#include "queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t due, number;
    unsigned slot;
    size_t len;
};

struct queue {
    size_t n;
    uint64_t pushed;
    struct entry heap[QUEUE_DATAGRAMS];
    unsigned free_slots[QUEUE_DATAGRAMS]; /* the first QUEUE_DATAGRAMS - n: last in, first out */
    uint8_t slots[QUEUE_DATAGRAMS][QUEUE_BYTES];
};

struct queue *queue_new(void)
{
    struct queue *q = malloc(sizeof *q); /* not cleared: untouched slots cost nothing */
    if (q == NULL) {
        return NULL;
    }
    q->n = 0;
    q->pushed = 0;
    for (unsigned i = 0; i < QUEUE_DATAGRAMS; i++) {
        q->free_slots[i] = QUEUE_DATAGRAMS - 1 - i;
    }
    return q;
}

void queue_free(struct queue *q)
{
    free(q);
}

static bool is_before(const struct entry *a, const struct entry *b)
{
    return a->due != b->due ? a->due < b->due : a->number < b->number;
}

static void rise(struct queue *q, size_t at)
{
    struct entry e = q->heap[at];
    for (; at > 0 && is_before(&e, &q->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        q->heap[at] = q->heap[(at - 1) / 2];
    }
    q->heap[at] = e;
}

static void sink(struct queue *q)
{
    struct entry e = q->heap[0];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < q->n; at = child) {
        if (child + 1 < q->n && is_before(&q->heap[child + 1], &q->heap[child])) {
            child++;
        }
        if (!is_before(&q->heap[child], &e)) {
            break;
        }
        q->heap[at] = q->heap[child];
    }
    q->heap[at] = e;
}

bool queue_push(struct queue *q, uint64_t due, const uint8_t *data, size_t len)
{
    if (q->n == QUEUE_DATAGRAMS || len > QUEUE_BYTES) {
        return false;
    }
    unsigned slot = q->free_slots[QUEUE_DATAGRAMS - 1 - q->n];
    memcpy(q->slots[slot], data, len);
    q->heap[q->n] = (struct entry){.due = due, .number = q->pushed++, .slot = slot, .len = len};
    rise(q, q->n++);
    return true;
}

uint64_t queue_next_due(const struct queue *q)
{
    return q->n > 0 ? q->heap[0].due : QUEUE_NEVER;
}

const uint8_t *queue_pop(struct queue *q, size_t *len)
{
    assert(q->n > 0);
    struct entry first = q->heap[0];
    q->heap[0] = q->heap[--q->n];
    if (q->n > 0) {
        sink(q);
    }
    q->free_slots[QUEUE_DATAGRAMS - 1 - q->n] = first.slot;
    *len = first.len;
    return q->slots[first.slot];
}
