/* SPDX-License-Identifier: MIT */
/* A hash table with chains over an array of entries, which also stand in a list by last use. A
 * bucket that nobody touched for a second is full again, so its entry says nothing: the oldest one
 * is reused when a new source needs a place, and no sweeper is needed. */
#include "wg/ratelimiter.h"

#include "base/bytes.h"
#include "wg/suite.h"

#include <stdlib.h>

#define COST (NS_PER_S / RATELIMITER_PER_SECOND)
#define TOKENS_MAX (COST * RATELIMITER_BURST)
#define FORGET_AFTER NS_PER_S

enum { NONE = 0 }; /* entry 0 is the list's head and never a source */

struct ratelimiter_entry {
    uint64_t network; /* IPv4 address or the upper half of an IPv6 one */
    uint64_t last;    /* now.mono */
    uint64_t tokens;  /* ns */
    unsigned chain;
    unsigned older, newer;
    unsigned bucket;
    uint8_t family;
};

static uint64_t network_of(const struct addr *a)
{
    return a->family == FAMILY_V4 ? load_be32(a->bytes) : load_be64(a->bytes);
}

static unsigned bucket_of(const struct ratelimiter *r, uint8_t family, uint64_t network)
{
    uint8_t key[9];
    key[0] = family;
    store_le64(key + 1, network);
    return (unsigned)(suite_siphash(r->hash_key, key, sizeof key) % RATELIMITER_ENTRIES);
}

static bool make_table(struct ratelimiter *r)
{
    if (r->entries != NULL) {
        return true;
    }
    r->entries = calloc(RATELIMITER_ENTRIES + 1, sizeof *r->entries);
    r->buckets = calloc(RATELIMITER_ENTRIES, sizeof *r->buckets);
    if (r->entries == NULL || r->buckets == NULL) {
        ratelimiter_fini(r);
        return false;
    }
    return true;
}

static void unlink_use(struct ratelimiter *r, unsigned i)
{
    struct ratelimiter_entry *e = &r->entries[i];
    *(e->older != NONE ? &r->entries[e->older].newer : &r->oldest) = e->newer;
    *(e->newer != NONE ? &r->entries[e->newer].older : &r->newest) = e->older;
}

static void link_newest(struct ratelimiter *r, unsigned i)
{
    struct ratelimiter_entry *e = &r->entries[i];
    e->older = r->newest;
    e->newer = NONE;
    *(r->newest != NONE ? &r->entries[r->newest].newer : &r->oldest) = i;
    r->newest = i;
}

static void unlink_bucket(struct ratelimiter *r, unsigned i)
{
    unsigned *p = &r->buckets[r->entries[i].bucket];
    while (*p != i) {
        p = &r->entries[*p].chain;
    }
    *p = r->entries[i].chain;
}

/* A free place: an untouched one, or that of a source long silent. */
static unsigned claim(struct ratelimiter *r, struct now now)
{
    if (r->used < RATELIMITER_ENTRIES) {
        return ++r->used;
    }
    unsigned i = r->oldest;
    if (now.mono < r->entries[i].last + FORGET_AFTER) {
        return NONE;
    }
    unlink_use(r, i);
    unlink_bucket(r, i);
    return i;
}

static bool take_token(struct ratelimiter_entry *e, struct now now)
{
    uint64_t tokens = e->tokens + (now.mono - e->last);
    e->last = now.mono;
    e->tokens = tokens > TOKENS_MAX ? TOKENS_MAX : tokens;
    if (e->tokens < COST) {
        return false;
    }
    e->tokens -= COST;
    return true;
}

static bool add_source(struct ratelimiter *r, const struct addr *source, unsigned bucket,
                       struct now now)
{
    unsigned i = claim(r, now);
    if (i == NONE) {
        return false;
    }
    r->entries[i] = (struct ratelimiter_entry){
        .network = network_of(source),
        .family = source->family,
        .last = now.mono,
        .tokens = TOKENS_MAX - COST,
        .bucket = bucket,
        .chain = r->buckets[bucket],
    };
    r->buckets[bucket] = i;
    link_newest(r, i);
    return true;
}

void ratelimiter_init(struct ratelimiter *r, const struct rng *rng)
{
    *r = (struct ratelimiter){0};
    rng_fill(rng, r->hash_key, sizeof r->hash_key);
}

void ratelimiter_fini(struct ratelimiter *r)
{
    free(r->entries);
    free(r->buckets);
    r->entries = NULL;
    r->buckets = NULL;
    r->used = r->oldest = r->newest = NONE;
}

bool ratelimiter_allow(struct ratelimiter *r, const struct addr *source, struct now now)
{
    if (!make_table(r)) {
        return false;
    }
    uint64_t network = network_of(source);
    unsigned bucket = bucket_of(r, source->family, network);
    for (unsigned i = r->buckets[bucket]; i != NONE; i = r->entries[i].chain) {
        struct ratelimiter_entry *e = &r->entries[i];
        if (e->network == network && e->family == source->family) {
            unlink_use(r, i);
            link_newest(r, i);
            return take_token(e, now);
        }
    }
    return add_source(r, source, bucket, now);
}
