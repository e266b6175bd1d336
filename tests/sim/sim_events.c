/* SPDX-License-Identifier: MIT */
/* A binary heap in an array. */
#include "sim_events.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/now.h"
#include "unit/test.h"

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->number < b->number;
}

static void rise(struct sim_events *q, size_t i, struct sim_event e)
{
    for (size_t up; i > 0 && before(&e, &q->heap[up = (i - 1) / 2]); i = up) {
        q->heap[i] = q->heap[up];
    }
    q->heap[i] = e;
}

static void sink(struct sim_events *q, size_t i, struct sim_event e)
{
    for (size_t down; (down = 2 * i + 1) < q->n; i = down) {
        down += down + 1 < q->n && before(&q->heap[down + 1], &q->heap[down]);
        if (!before(&q->heap[down], &e)) {
            break;
        }
        q->heap[i] = q->heap[down];
    }
    q->heap[i] = e;
}

void sim_events_fini(struct sim_events *q)
{
    for (size_t i = 0; i < q->n; i++) {
        free(q->heap[i].arg);
    }
    free(q->heap);
}

void sim_events_push(struct sim_events *q, uint64_t at, sim_event_fn *fn, void *arg,
                     const void *owner)
{
    if (q->n == q->size) {
        q->size = q->size != 0 ? q->size * 2 : 64;
        q->heap = realloc(q->heap, q->size * sizeof *q->heap);
    }
    struct sim_event e = {.at = at, .number = q->created++, .fn = fn, .arg = arg, .owner = owner};
    rise(q, q->n++, e);
}

uint64_t sim_events_next(const struct sim_events *q)
{
    return q->n > 0 ? q->heap[0].at : NEVER;
}

struct sim_event sim_events_pop(struct sim_events *q)
{
    assert_true(q->n > 0);
    struct sim_event first = q->heap[0];
    struct sim_event last = q->heap[--q->n];
    if (q->n > 0) {
        sink(q, 0, last);
    }
    return first;
}

void sim_events_cancel(struct sim_events *q, const void *owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->n; i++) {
        if (q->heap[i].owner == owner) {
            free(q->heap[i].arg);
        } else {
            q->heap[kept++] = q->heap[i];
        }
    }
    q->n = kept;
    for (size_t i = q->n / 2; i-- > 0;) {
        sink(q, i, q->heap[i]);
    }
}
