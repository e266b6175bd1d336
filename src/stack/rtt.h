/* SPDX-License-Identifier: MIT */
/* How long a round trip takes, and how long to wait for one: RFC 6298. Microseconds; no clock. */
#ifndef WGPROXY_STACK_RTT_H
#define WGPROXY_STACK_RTT_H

#include <stdint.h>

struct rtt {
    uint32_t smoothed;  /* SRTT; 0 before the first sample */
    uint32_t variation; /* RTTVAR */
    uint32_t least;     /* of the last minutes: the way itself, without queues */
    uint32_t least_at;  /* us, on the clock of `now_us` below, which may wrap */
};

/* A segment that was sent once was acknowledged after so long. */
void rtt_sample(struct rtt *r, uint32_t us, uint32_t now_us);

/* The retransmission timeout without backoff: at least `floor_us`, and a second before any sample. */
uint32_t rtt_timeout(const struct rtt *r, uint32_t floor_us);

#endif
