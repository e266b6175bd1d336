/* SPDX-License-Identifier: MIT */
/* Other cores in one thread: does the parts of a piece of work one after the other, in sizes, an order and
 * under numbers that a seed decides. What comes out must not depend on them. */
#ifndef WGPROXY_TESTS_UNIT_SHUFFLER_H
#define WGPROXY_TESTS_UNIT_SHUFFLER_H

#include "base/parallel.h"
#include "unit/seeded.h"

#include <assert.h>
#include <stdint.h>

enum { SHUFFLER_PARTS = 1024 };

struct shuffler {
    uint64_t seed;
    unsigned runs, parts;
    struct parallel parallel;
};

static inline void shuffler_run(void *ctx, parallel_fn *work, void *arg, size_t n)
{
    struct shuffler *s = ctx;
    struct rng rng = seeded_rng(&s->seed);
    size_t from[SHUFFLER_PARTS + 1], order[SHUFFLER_PARTS], parts = 0;
    for (size_t at = 0; at < n; at += 1 + rng_below(&rng, 9)) {
        assert(parts < SHUFFLER_PARTS);
        from[parts++] = at;
    }
    from[parts] = n;
    for (size_t i = 0; i < parts; i++) {
        size_t k = rng_below(&rng, (uint32_t)i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    for (size_t i = 0; i < parts; i++) {
        work(arg, rng_below(&rng, s->parallel.workers + 1), from[order[i]], from[order[i] + 1]);
    }
    s->runs++;
    s->parts += (unsigned)parts;
}

static inline void shuffler_init(struct shuffler *s, unsigned workers, size_t least)
{
    *s = (struct shuffler){.seed = 3};
    s->parallel =
        (struct parallel){.run = shuffler_run, .ctx = s, .workers = workers, .least = least};
}

#endif
