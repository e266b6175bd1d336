/* SPDX-License-Identifier: MIT */
/* A hash table of bounded size over a list in order of use. */
#include "dns/cache.h"

#include <stdlib.h>
#include <string.h>

#include "dns/hash.h"

static struct list *bucket_of(struct cache *c, const char *name, enum family family)
{
    return &c->buckets[hash_name(name, family) % CACHE_BUCKETS];
}

void cache_init(struct cache *c, size_t max_entries)
{
    for (size_t i = 0; i < CACHE_BUCKETS; i++) {
        list_init(&c->buckets[i]);
    }
    list_init(&c->by_use);
    c->n = 0;
    c->max = max_entries;
}

static void forget(struct cache *c, struct cache_entry *e)
{
    list_remove(&e->in_bucket);
    list_remove(&e->in_use_order);
    c->n--;
    free(e);
}

void cache_fini(struct cache *c)
{
    while (!list_empty(&c->by_use)) {
        forget(c, list_item(c->by_use.next, struct cache_entry, in_use_order));
    }
}

static struct cache_entry *find(struct cache *c, const char *name, enum family family)
{
    struct list *bucket = bucket_of(c, name, family);
    list_foreach(pos, bucket) {
        struct cache_entry *e = list_item(pos, struct cache_entry, in_bucket);
        if (e->family == family && strcmp(e->name, name) == 0) {
            return e;
        }
    }
    return NULL;
}

const struct cache_entry *cache_lookup(struct cache *c, const char *name, enum family family,
                                       struct now now)
{
    struct cache_entry *e = find(c, name, family);
    if (e == NULL) {
        return NULL;
    }
    if (now.mono >= e->expires) {
        forget(c, e);
        return NULL;
    }
    list_remove(&e->in_use_order);
    list_push_back(&c->by_use, &e->in_use_order);
    return e;
}

static struct cache_entry *entry_new(const char *name, const struct addr *addrs, size_t n)
{
    size_t name_size = strlen(name) + 1;
    struct cache_entry *e = malloc(sizeof *e + name_size + n * sizeof *addrs);
    if (e == NULL) {
        return NULL;
    }
    memcpy(e->name, name, name_size);
    e->addrs = (struct addr *)(e->name + name_size);
    if (n > 0) {
        memcpy(e->addrs, addrs, n * sizeof *addrs);
    }
    e->n = n;
    return e;
}

void cache_store(struct cache *c, const char *name, enum family family, int err,
                 const struct addr *addrs, size_t n, uint32_t ttl, struct now now)
{
    struct cache_entry *old = find(c, name, family);
    if (old != NULL) {
        forget(c, old);
    }
    uint32_t ttl_max = err == 0 ? CACHE_TTL_MAX : CACHE_NEGATIVE_TTL_MAX;
    struct cache_entry *e = ttl == 0 || c->max == 0 ? NULL : entry_new(name, addrs, n);
    if (e == NULL) {
        return;
    }
    if (c->n == c->max) {
        forget(c, list_item(c->by_use.next, struct cache_entry, in_use_order));
    }
    e->expires = now.mono + (ttl < ttl_max ? ttl : ttl_max) * NS_PER_S;
    e->family = family;
    e->err = err;
    list_push_back(bucket_of(c, name, family), &e->in_bucket);
    list_push_back(&c->by_use, &e->in_use_order);
    c->n++;
}
