/* SPDX-License-Identifier: MIT */
/* Unbiased numbers below a bound. */
#include "base/rng.h"

#include <assert.h>

uint32_t rng_below(const struct rng *rng, uint32_t bound)
{
    assert(bound > 0);
    /* Values at or above the largest multiple of `bound` would favour the small results. */
    uint32_t excess = (uint32_t)(0u - bound) % bound;
    uint32_t v;
    do {
        v = rng_u32(rng);
    } while (v > UINT32_MAX - excess);
    return v % bound;
}
