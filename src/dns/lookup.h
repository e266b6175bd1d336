/* SPDX-License-Identifier: MIT */
/* One caller's wish: the two families of one name, what came of each, and what that means together.
 * Nothing here asks anybody; resolver.c connects lookups with questions. */
#ifndef WGPROXY_DNS_LOOKUP_H
#define WGPROXY_DNS_LOOKUP_H

#include "base/addr.h"
#include "base/list.h"
#include "dns/name.h"
#include "dns/pending.h"
#include "dns/resolver.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Results are tried in this order, in turns (RFC 8305 4). */
enum half_index { HALF_V6, HALF_V4, N_HALVES };

struct half {
    struct want want; /* for a question, while not settled */
    struct resolver_query *lookup;
    enum family family;
    bool wanted;  /* the tunnel has this family */
    bool settled; /* err, n and addrs say what came of it */
    int err;
    size_t n;
    struct addr addrs[DNS_ADDRESSES_MAX];
};

/*   asking    at least one half is not settled and none has addresses
 *   delayed   one half has addresses, the other is waited for until `deadline` (RFC 8305 3)
 *   ready     err is final; done() is called by the next tick */
struct resolver_query {
    struct resolver *resolver;
    struct list in_all;
    struct list in_state; /* the resolver's list of delayed or ready ones; on none while asking */
    uint64_t deadline;
    resolver_done_fn *done;
    void *ctx;
    char name[NAME_SIZE];
    bool absolute;
    size_t candidate; /* where name_search_next() stands */
    int err;          /* of the candidates so far; final when ready */
    struct half halves[N_HALVES];
};

void half_settle(struct half *half, int err, const struct addr *addrs, size_t n);

bool lookup_is_settled(const struct resolver_query *l);    /* both halves */
bool lookup_has_addresses(const struct resolver_query *l); /* at least one */

/* What two settled halves without addresses mean: NXDOMAIN is about the name whatever the family, a
 * failure leaves open whether there is an address, and only two times nothing is nothing. */
int lookup_verdict(const struct resolver_query *l);

/* Both families' addresses in turns, IPv6 first, at most DNS_ADDRESSES_MAX. Returns how many. */
size_t lookup_interleave(const struct resolver_query *l, struct addr out[DNS_ADDRESSES_MAX]);

#endif
