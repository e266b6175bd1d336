/* SPDX-License-Identifier: MIT */
#include "stack/rtt.h"

#include "base/now.h"

enum {
    TIMEOUT_FIRST = 1000000,   /* RFC 6298 2.1 */
    LEAST_FOR = 300 * 1000000, /* a path may become longer: RFC 8985 6.2 step 1 asks for a window */
};

void rtt_sample(struct rtt *r, uint32_t us, uint32_t now_us)
{
    us = us > 0 ? us : 1;
    if (r->smoothed == 0) {
        r->smoothed = us;
        r->variation = us / 2;
    } else {
        uint32_t off = us > r->smoothed ? us - r->smoothed : r->smoothed - us;
        r->variation = (uint32_t)((3 * (uint64_t)r->variation + off) / 4);
        r->smoothed = (uint32_t)((7 * (uint64_t)r->smoothed + us) / 8);
        r->smoothed = r->smoothed > 0 ? r->smoothed : 1;
    }
    if (r->least == 0 || us <= r->least || now_us - r->least_at > LEAST_FOR) {
        r->least = us;
        r->least_at = now_us;
    }
}

uint32_t rtt_timeout(const struct rtt *r, uint32_t floor_us)
{
    if (r->smoothed == 0) {
        return TIMEOUT_FIRST;
    }
    uint64_t us = r->smoothed + 4 * (uint64_t)r->variation;
    return us < floor_us ? floor_us : us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}
