/* SPDX-License-Identifier: MIT */
/* Who waits for what, and what ends when nobody waits. */
#include "dns/pending.h"

#include <assert.h>
#include <string.h>

#include "dns/hash.h"

static struct list *bucket_of(struct pending *p, const char *name, enum family family)
{
    return &p->table[hash_name(name, family) % PENDING_BUCKETS];
}

void pending_init(struct pending *p, struct upstream *up)
{
    p->up = up;
    p->n_unwanted = 0;
    for (size_t i = 0; i < PENDING_BUCKETS; i++) {
        list_init(&p->table[i]);
    }
}

void pending_fini(struct pending *p)
{
    for (size_t i = 0; i < PENDING_BUCKETS; i++) {
        while (!list_empty(&p->table[i])) {
            struct question *q = list_item(p->table[i].next, struct question, in_table);
            assert(list_empty(&q->wanted_by));
            pending_conclude(p, q);
            question_free(q);
        }
    }
}

void want_init(struct want *w)
{
    list_init(&w->link);
    w->question = NULL;
}

static struct question *find(struct pending *p, const char *name, enum family family)
{
    struct list *bucket = bucket_of(p, name, family);
    list_foreach(pos, bucket) {
        struct question *q = list_item(pos, struct question, in_table);
        if (q->family == family && strcmp(q->name, name) == 0) {
            return q;
        }
    }
    return NULL;
}

int pending_join(struct pending *p, struct want *w, const char *name, enum family family,
                 struct now now)
{
    struct question *q = find(p, name, family);
    if (q == NULL) {
        int err = question_new(&q, p->up, name, family, now);
        if (err != 0) {
            return err;
        }
        list_push_back(bucket_of(p, name, family), &q->in_table);
    }
    if (q->unwanted) {
        q->unwanted = false;
        p->n_unwanted--;
    }
    w->question = q;
    list_push_back(&q->wanted_by, &w->link);
    return 0;
}

void pending_leave(struct pending *p, struct want *w, bool for_the_cache)
{
    struct question *q = w->question;
    list_remove(&w->link);
    w->question = NULL;
    if (q == NULL || !list_empty(&q->wanted_by)) {
        return;
    }
    if (for_the_cache && p->n_unwanted < PENDING_UNWANTED_MAX) {
        q->unwanted = true;
        p->n_unwanted++;
    } else {
        pending_conclude(p, q);
        question_free(q);
    }
}

void pending_conclude(struct pending *p, struct question *q)
{
    list_remove(&q->in_table);
    if (q->unwanted) {
        q->unwanted = false;
        p->n_unwanted--;
    }
}

struct want *pending_next_want(struct question *q)
{
    struct list *l = list_pop_front(&q->wanted_by);
    if (l == NULL) {
        return NULL;
    }
    struct want *w = list_item(l, struct want, link);
    w->question = NULL;
    return w;
}
