/* SPDX-License-Identifier: MIT */
/* Answers kept for as long as their TTL allows: addresses, and that there are none (RFC 2308).
 * Bounded: the least recently used entry makes room. Expiry is lazy, so that a cache never wakes
 * anybody. */
#ifndef WGPROXY_DNS_CACHE_H
#define WGPROXY_DNS_CACHE_H

#include "base/addr.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/now.h"

#include <stddef.h>
#include <stdint.h>

#define CACHE_TTL_MAX 86400       /* s: a day, whatever the server says */
#define CACHE_NEGATIVE_TTL_MAX 60 /* s: who just created a name does not want to wait for it */

#define CACHE_BUCKETS 256

struct cache {
    struct list buckets[CACHE_BUCKETS];
    struct list by_use; /* the one used last at the end */
    size_t n, max;
};

struct cache_entry {
    struct list in_bucket, in_use_order;
    uint64_t expires;
    enum family family;
    int err; /* 0, ERR_NO_NAME or ERR_NO_DATA */
    size_t n;
    struct addr *addrs; /* n of them, in the entry's own memory */
    char name[];
};

void cache_init(struct cache *c, size_t max_entries);
void cache_fini(struct cache *c);

/* What is known of `name`'s addresses of `family`; NULL when nothing is, or no longer. Valid until
 * the next call. */
const struct cache_entry *cache_lookup(struct cache *c, const char *name, enum family family,
                                       struct now now);

/* Keep an answer for `ttl` seconds, in place of what was known. Nothing is kept for 0, and nothing
 * without memory: a cache may always forget. `name` is canonical. */
void cache_store(struct cache *c, const char *name, enum family family, int err,
                 const struct addr *addrs, size_t n, uint32_t ttl, struct now now);

#endif
