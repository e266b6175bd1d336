/* SPDX-License-Identifier: MIT */
/* The hash of connections: see flowtab.h. */
#include "stack/flowtab.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct flow_key) == 2 * sizeof(struct addr) + 4,
              "compared as bytes, so no holes");

enum { BUCKETS_MIN = 64 };

static struct list *buckets_new(size_t n)
{
    struct list *b = malloc(n * sizeof *b);
    for (size_t i = 0; b && i < n; i++) {
        list_init(&b[i]);
    }
    return b;
}

int flowtab_init(struct flowtab *t, const uint8_t secret[SIPHASH_KEY])
{
    *t = (struct flowtab){.buckets = buckets_new(BUCKETS_MIN), .n_buckets = BUCKETS_MIN};
    memcpy(t->secret, secret, SIPHASH_KEY);
    return t->buckets ? 0 : ERR_NOMEM;
}

void flowtab_fini(struct flowtab *t)
{
    assert(t->n == 0);
    free(t->buckets);
    *t = (struct flowtab){0};
}

/* Without the zeros behind IPv4 addresses: a hash of 12 bytes takes half as long as one of 38. */
static struct list *bucket(const struct flowtab *t, const struct flow_key *key)
{
    size_t n = addr_len(&key->remote);
    uint8_t packed[sizeof *key];
    memcpy(packed, key->local.bytes, n);
    memcpy(packed + n, key->remote.bytes, n);
    memcpy(packed + 2 * n, &key->local_port, 2);
    memcpy(packed + 2 * n + 2, &key->remote_port, 2);
    return &t->buckets[siphash(t->secret, packed, 2 * n + 4) & (t->n_buckets - 1)];
}

static void grow(struct flowtab *t)
{
    struct flowtab wide = *t;
    wide.n_buckets *= 2;
    wide.buckets = buckets_new(wide.n_buckets);
    if (!wide.buckets) {
        return;
    }
    for (size_t i = 0; i < t->n_buckets; i++) {
        for (struct list *l; (l = list_pop_front(&t->buckets[i]));) {
            list_push_back(bucket(&wide, &list_item(l, struct flow, link)->key), l);
        }
    }
    free(t->buckets);
    *t = wide;
}

void flowtab_add(struct flowtab *t, struct flow *f)
{
    assert(!flowtab_lookup(t, &f->key));
    if (t->n >= t->n_buckets) {
        grow(t);
    }
    list_init(&f->link);
    list_push_back(bucket(t, &f->key), &f->link);
    t->n++;
}

void flowtab_remove(struct flowtab *t, struct flow *f)
{
    assert(list_linked(&f->link));
    list_remove(&f->link);
    t->n--;
    if (t->last == f) {
        t->last = NULL;
    }
}

struct flow *flowtab_lookup(struct flowtab *t, const struct flow_key *key)
{
    if (t->last && memcmp(&t->last->key, key, sizeof *key) == 0) {
        return t->last;
    }
    const struct list *b = bucket(t, key);
    list_foreach(l, b) {
        struct flow *f = list_item(l, struct flow, link);
        if (memcmp(&f->key, key, sizeof *key) == 0) {
            return t->last = f;
        }
    }
    return NULL;
}
