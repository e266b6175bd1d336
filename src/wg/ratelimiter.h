/* SPDX-License-Identifier: MIT */
/* How many handshakes a source may start while we are under load (paper 5.3): a token bucket for
 * each IPv4 address and each IPv6 /64, in a table of fixed size. */
#ifndef WGPROXY_WG_RATELIMITER_H
#define WGPROXY_WG_RATELIMITER_H

#include "base/addr.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/rng.h"

#include <stdbool.h>

#define RATELIMITER_PER_SECOND 20
#define RATELIMITER_BURST 5
#define RATELIMITER_ENTRIES 65536

struct ratelimiter_entry;

struct ratelimiter {
    struct ratelimiter_entry *entries; /* made when the first is needed */
    unsigned *buckets;
    unsigned used;           /* entries taken from the array so far */
    unsigned oldest, newest; /* by last use */
    uint8_t hash_key[16];
};

void ratelimiter_init(struct ratelimiter *r, const struct rng *rng);
void ratelimiter_fini(struct ratelimiter *r);

/* Takes a token of the source's bucket. False when there is none, when the table is full of
 * sources seen within the last second, or without memory. */
bool ratelimiter_allow(struct ratelimiter *r, const struct addr *source, struct now now) MUST_USE;

#endif
