/* SPDX-License-Identifier: MIT */
/* Chains in a power of two of buckets. Indices are our own random numbers, so their low bits are
 * the hash. */
#include "wg/index.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

static struct index_entry **bucket(const struct index_table *t, uint32_t index)
{
    return &t->buckets[index & t->mask];
}

static void link_entry(struct index_table *t, struct index_entry *e)
{
    struct index_entry **head = bucket(t, e->index);
    e->next = *head;
    *head = e;
    e->listed = true;
}

void index_table_init(struct index_table *t)
{
    *t = (struct index_table){0};
}

void index_table_fini(struct index_table *t)
{
    free(t->buckets);
    index_table_init(t);
}

int index_table_reserve(struct index_table *t, size_t entries)
{
    size_t old_size = t->buckets == NULL ? 0 : (size_t)t->mask + 1;
    size_t size = old_size == 0 ? 16 : old_size;
    while (size < entries) {
        size *= 2;
    }
    if (size == old_size) {
        return 0;
    }
    struct index_table bigger = {calloc(size, sizeof(struct index_entry *)), (uint32_t)(size - 1)};
    if (bigger.buckets == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < old_size; i++) {
        for (struct index_entry *e = t->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            link_entry(&bigger, e);
        }
    }
    free(t->buckets);
    *t = bigger;
    return 0;
}

void index_entry_init(struct index_entry *e, enum index_kind kind, struct wg_peer *peer)
{
    *e = (struct index_entry){.kind = kind, .peer = peer};
}

uint32_t index_insert(struct index_table *t, const struct rng *rng, struct index_entry *e)
{
    index_remove(t, e);
    do {
        e->index = rng_u32(rng);
    } while (index_lookup(t, e->index) != NULL);
    link_entry(t, e);
    return e->index;
}

void index_move(struct index_table *t, struct index_entry *to, struct index_entry *from)
{
    assert(from->listed && !to->listed);
    index_remove(t, from);
    to->index = from->index;
    link_entry(t, to);
}

void index_remove(struct index_table *t, struct index_entry *e)
{
    if (!e->listed) {
        return;
    }
    struct index_entry **p = bucket(t, e->index);
    while (*p != e) {
        p = &(*p)->next;
    }
    *p = e->next;
    e->listed = false;
}

struct index_entry *index_lookup(const struct index_table *t, uint32_t index)
{
    struct index_entry *e = *bucket(t, index);
    while (e != NULL && e->index != index) {
        e = e->next;
    }
    return e;
}
