/* SPDX-License-Identifier: MIT */
/* Seeded chance for tests: splitmix64 behind a struct rng, the same numbers for the same seed. */
#ifndef WGPROXY_TESTS_UNIT_SEEDED_H
#define WGPROXY_TESTS_UNIT_SEEDED_H

#include "base/rng.h"

static inline uint64_t seeded_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline void seeded_fill(void *ctx, void *out, size_t len)
{
    uint8_t *p = out;
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)seeded_next(ctx);
    }
}

/* `state` is the seed and must live as long as the rng. */
static inline struct rng seeded_rng(uint64_t *state)
{
    return (struct rng){.fill = seeded_fill, .ctx = state};
}

#endif
