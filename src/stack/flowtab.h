/* SPDX-License-Identifier: MIT */
/* Every TCP connection of a stack by its four-tuple, until lwIP has freed it, TIME_WAIT included:
 * tells in constant time whether a local port is free towards a destination, and whom an ICMP error
 * is about. */
#ifndef WGPROXY_STACK_FLOWTAB_H
#define WGPROXY_STACK_FLOWTAB_H

#include "base/addr.h"
#include "base/list.h"
#include "base/macros.h"
#include "stack/siphash.h"

struct flow_key {
    struct addr local, remote;
    uint16_t local_port, remote_port;
};

struct flow { /* a member of what is to be found */
    struct list link;
    struct flow_key key;
};

struct flowtab {
    struct list *buckets;
    size_t n_buckets; /* a power of two */
    size_t n;
    struct flow *last; /* found last: packets come in trains */
    uint8_t secret[SIPHASH_KEY];
};

int flowtab_init(struct flowtab *t, const uint8_t secret[SIPHASH_KEY]) MUST_USE; /* 0, ERR_NOMEM */
void flowtab_fini(struct flowtab *t); /* it must be empty (asserted) */

/* The key must not be there yet. Cannot fail: without memory to grow, lookups get slower. */
void flowtab_add(struct flowtab *t, struct flow *f);
void flowtab_remove(struct flowtab *t, struct flow *f);
struct flow *flowtab_lookup(struct flowtab *t, const struct flow_key *key);

#endif
