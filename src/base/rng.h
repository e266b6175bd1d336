/* SPDX-License-Identifier: MIT */
/* Chance as an argument: cryptographic randomness from the world, or a seeded stream in tests. */
#ifndef WGPROXY_BASE_RNG_H
#define WGPROXY_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    void (*fill)(void *ctx, void *out, size_t len); /* never fails */
    void *ctx;
};

static inline void rng_fill(const struct rng *rng, void *out, size_t len)
{
    rng->fill(rng->ctx, out, len);
}

static inline uint32_t rng_u32(const struct rng *rng)
{
    uint32_t v;
    rng_fill(rng, &v, sizeof v);
    return v;
}

/* Uniform in [0, bound); bound > 0. */
uint32_t rng_below(const struct rng *rng, uint32_t bound);

#endif
