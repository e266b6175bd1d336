/* SPDX-License-Identifier: MIT */
/* How much may be in flight: CUBIC (RFC 9438), which leaves slow start by HyStart++ (RFC 9406), and
 * reduces in proportion to what arrives while losses are mended (RFC 9937).
 *
 * Arithmetic alone: bytes, and times in ns on the caller's clock. In the words of the RFCs `window` is
 * cwnd, `threshold` ssthresh, `most` W_max, `friendly` W_est and `plateau` K. */
#ifndef WGPROXY_STACK_CONGESTION_H
#define WGPROXY_STACK_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

struct congestion {
    uint32_t mss;
    uint32_t window;
    uint32_t threshold; /* where slow start ends; CONGESTION_UNKNOWN before the first loss */

    uint64_t epoch;    /* when the curve began; 0: with the next acknowledgement */
    uint32_t most;     /* the window before the last reduction */
    uint32_t friendly; /* what Reno would have by now */
    uint32_t plateau;  /* ms after `epoch` when the curve is back at `most`: K */
    uint32_t credit;   /* acknowledged and not yet counted */

    uint32_t round_end;                     /* sequence number that ends this round trip */
    uint32_t round_rtt, last_rtt, baseline; /* least of this round and of the one before, us */
    uint8_t samples;                        /* of this round */
    uint8_t slow_rounds;                    /* of conservative slow start; 0: not in it */
    bool undoable;                          /* `before` says what the reduction took */
    uint32_t flight, arrived, sent;         /* RecoverFS, prr_delivered, prr_out */
    struct {
        uint32_t window, threshold, most;
    } before;
};

#define CONGESTION_UNKNOWN UINT32_MAX

/* `next`: the sequence number of the first byte. */
void congestion_init(struct congestion *c, uint32_t mss, uint32_t next);

/* `bytes` were acknowledged, and nothing is missing. */
struct congestion_ack {
    uint32_t bytes;
    uint32_t una,
        next;     /* sequence numbers: of the oldest byte in flight, and of the next new one */
    uint32_t rtt; /* us, of this acknowledgement; 0: none */
    uint32_t least_rtt; /* us; 0: none */
    uint64_t now;
    bool limited; /* was it the window that held the sender back? */
};
void congestion_acknowledged(struct congestion *c, const struct congestion_ack *ack);

/* Something is lost, of `flight` bytes: less from now on. */
void congestion_reduce(struct congestion *c, uint32_t flight);

/* While that is mended: `delivered` bytes have left the path since the last call, `in_flight` are on
 * it. `progress`: the oldest byte was acknowledged and nothing else found lost. */
void congestion_recover(struct congestion *c, uint32_t delivered, uint32_t in_flight,
                        bool progress);
void congestion_sent(struct congestion *c, uint32_t bytes); /* in recovery */
void congestion_recovered(struct congestion *c);

/* Nothing came back for too long. `again`: not for the first time. */
void congestion_timeout(struct congestion *c, bool again);

/* The last reduction was for nothing. */
void congestion_undo(struct congestion *c);

/* What was lost was too large for the path, which is no congestion (RFC 4821 7.7): begin anew with
 * segments of `mss`. */
void congestion_start_over(struct congestion *c, uint32_t mss);

/* Nothing was sent for `idle`, in units of `timeout`: what the path carried then says less now
 * (RFC 2861 2). */
void congestion_idle(struct congestion *c, uint64_t idle, uint64_t timeout);

#endif
