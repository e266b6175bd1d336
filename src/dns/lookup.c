/* SPDX-License-Identifier: MIT */
/* Two families make one result. */
#include "dns/lookup.h"

#include <string.h>

#include "base/err.h"

void half_settle(struct half *half, int err, const struct addr *addrs, size_t n)
{
    half->settled = true;
    half->err = err;
    half->n = n;
    if (n > 0) {
        memcpy(half->addrs, addrs, n * sizeof *addrs);
    }
}

bool lookup_is_settled(const struct resolver_query *l)
{
    return l->halves[HALF_V6].settled && l->halves[HALF_V4].settled;
}

bool lookup_has_addresses(const struct resolver_query *l)
{
    return l->halves[HALF_V6].n > 0 || l->halves[HALF_V4].n > 0;
}

int lookup_verdict(const struct resolver_query *l)
{
    int err = ERR_NO_DATA;
    for (size_t i = 0; i < N_HALVES; i++) {
        const struct half *half = &l->halves[i];
        if (half->wanted && (err == ERR_NO_DATA || half->err == ERR_NO_NAME)) {
            err = half->err;
        }
    }
    return err;
}

size_t lookup_interleave(const struct resolver_query *l, struct addr out[DNS_ADDRESSES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < DNS_ADDRESSES_MAX; i++) {
        for (size_t h = 0; h < N_HALVES; h++) {
            if (i < l->halves[h].n && n < DNS_ADDRESSES_MAX) {
                out[n++] = l->halves[h].addrs[i];
            }
        }
    }
    return n;
}
