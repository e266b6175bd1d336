/* SPDX-License-Identifier: MIT */
/* Time as an argument. The world reads its clocks once per loop turn and passes the result down by
 * value, always as the last argument; nobody stores a struct now. */
#ifndef WGPROXY_BASE_NOW_H
#define WGPROXY_BASE_NOW_H

#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* A deadline that never comes. */
#define NEVER UINT64_MAX

struct now {
    uint64_t mono; /* ns on a clock that never steps back and counts time asleep (CLOCK_BOOTTIME) */
    uint64_t wall; /* ns since 1970-01-01 UTC; may step in either direction */
};

static inline uint64_t deadline_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

#endif
