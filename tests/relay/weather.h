/* SPDX-License-Identifier: MIT */
/* What happens to a datagram on its way: lost, doubled, late, overtaken, or queued behind others
 * on a slow line. The same seed and the same datagrams at the same times have the same fate. */
#ifndef WGPROXY_TESTS_RELAY_WEATHER_H
#define WGPROXY_TESTS_RELAY_WEATHER_H

#include <stddef.h>
#include <stdint.h>

#define WEATHER_COPIES 2                             /* most that become of one datagram */
#define WEATHER_BACKLOG_NS (100 * UINT64_C(1000000)) /* a slow line's queue, in its own time */

/* May change at any moment; datagrams that are on their way stay as they are. */
struct weather_rules {
    double loss;      /* percent, 0 to 100 */
    double duplicate; /* ditto */
    uint64_t delay;   /* ns */
    uint64_t jitter;  /* ns, at most, on top of the delay: what is delayed less overtakes */
    uint64_t rate;    /* bit/s; 0: a line that is never busy */
};

/* One direction. */
struct weather {
    uint64_t chance;
    uint64_t busy_until; /* ns */
};

void weather_init(struct weather *w, uint64_t seed);

/* A datagram of `len` bytes comes at `now` (ns). Returns how many copies of it arrive, 0 to
 * WEATHER_COPIES, and in `due` when each does. */
unsigned weather_decide(struct weather *w, const struct weather_rules *rules, size_t len,
                        uint64_t now, uint64_t due[WEATHER_COPIES]);

#endif
