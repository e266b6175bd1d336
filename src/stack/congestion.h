/* SPDX-License-Identifier: MIT */
/* How much may be in flight, and how fast it may leave: BBR, version 3 (draft-ietf-ccwg-bbr).
 *
 * Theory of operation. CUBIC takes each loss for a full queue, and needs a full queue to know how much
 * the path holds. This one measures the path instead: the highest rate at which bytes arrived lately,
 * and the shortest round trip. The product of both is what the path holds; sent at that rate, it
 * stands in no queue. Now and then it sends a quarter faster for some round trips, to see whether the
 * path has more to give, and less for a moment, to see the round trip without its own queue. Losses
 * count when they are more than one in fifty: then the path has been filled beyond its queue.
 *
 * Arithmetic alone: bytes, bytes a second, and times in ns on the caller's clock. */
#ifndef WGPROXY_STACK_CONGESTION_H
#define WGPROXY_STACK_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

/* STARTUP    doubles each round trip. -> DRAIN when the rate has stopped growing, or with many losses
 * DRAIN      what STARTUP left in the queue flows off. -> DOWN
 * DOWN       slower than the path, so that its queue empties. -> CRUISE when it has, REFILL in time
 * CRUISE     as fast as the path. -> REFILL after two or three seconds, or what Reno would need
 * REFILL     a round trip without short-term bounds. -> UP
 * UP         a quarter faster. -> DOWN when the rate grows no more, or with many losses
 * PROBE_RTT  half a window for a while, when the shortest round trip is old. -> CRUISE, STARTUP */
enum congestion_phase {
    CONGESTION_STARTUP,
    CONGESTION_DRAIN,
    CONGESTION_DOWN,
    CONGESTION_CRUISE,
    CONGESTION_REFILL,
    CONGESTION_UP,
    CONGESTION_PROBE_RTT,
};

/* What may not be exceeded: UINT64_MAX, UINT32_MAX where nothing is known. */
struct congestion_bounds {
    uint64_t rate; /* until the next REFILL, as the next */
    uint32_t flight;
    uint32_t most; /* in flight without many losses, as far as UP has found out */
};

struct congestion {
    uint32_t window; /* so much may be in flight */
    uint64_t rate;   /* and leave in a second; 0: as fast as it goes */

    uint32_t mss;
    enum congestion_phase phase;
    uint64_t chance;

    uint64_t most_rate[2];                   /* seen in the probing before the last, and since */
    uint32_t least_rtt;                      /* us; 0: unknown */
    uint32_t probed_rtt;                     /* the least in PROBE_RTT */
    uint64_t least_at;                       /* when it was seen, or one nearly as short */
    struct congestion_bounds bounds, before; /* `before` the last reduction */
    uint32_t window_before;

    uint32_t
        round_end; /* when so much is delivered that was sent after this, a round trip is over */
    uint32_t round_flight; /* in flight when it began */
    uint32_t round_lost;
    uint64_t round_rate;    /* the highest of it */
    uint32_t round_arrived; /* likewise, of one round trip */
    uint32_t rounds;        /* since DOWN began */

    uint64_t full_rate; /* STARTUP, UP: a quarter more than this is growth */
    uint8_t full_rounds;
    bool was_full_before; /* `before` */
    bool full, was_full;  /* it has stopped growing; since the connection began */

    bool judges_flight; /* losses now are REFILL's and UP's */
    bool advances;      /* what UP has seen has not come in completely */
    uint8_t up_rounds;
    uint64_t up_credit;
    uint64_t since, wait; /* when the phase (DOWN for the next two) began; how long until REFILL */

    uint64_t burst_since; /* arrivals come in bursts: those of this one */
    uint32_t burst;
    uint32_t extra[2]; /* beyond the rate, in this and the last few rounds */
    uint8_t extra_rounds;
};

/* `rtt` in us, 0: unknown. `chance` decides when it probes. */
void congestion_init(struct congestion *c, uint32_t mss, uint32_t rtt, uint32_t chance);

/* What has come to light in a turn. */
struct congestion_sample {
    uint64_t now;
    uint64_t rate;      /* at which the last of what arrived did; 0: unknown */
    uint32_t total;     /* bytes that have arrived on this connection */
    uint32_t began;     /* as many when the last of what arrived was sent */
    uint32_t delivered; /* arrived just now */
    uint32_t lost;      /* found out just now */
    uint32_t in_flight; /* on the path */
    uint32_t rtt;       /* us; 0: none */
    bool limited;       /* the rate is the application's */
    bool held;          /* the window held the sender back */
};
void congestion_update(struct congestion *c, const struct congestion_sample *s);

/* Something is lost: what is to be undone should it prove wrong. */
void congestion_reduce(struct congestion *c);

/* Nothing came back for too long. `again`: not for the first time. */
void congestion_timeout(struct congestion *c, bool again);

/* The last reduction was for nothing. */
void congestion_undo(struct congestion *c);

/* What was lost was too large for the path, which is no congestion (RFC 4821 7.7): begin anew with
 * segments of `mss`. */
void congestion_start_over(struct congestion *c, uint32_t mss);

/* It sends again after a pause with nothing in flight. */
void congestion_idle(struct congestion *c, uint64_t now);

#endif
