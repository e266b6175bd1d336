/* SPDX-License-Identifier: MIT */
/* What a connection has in flight, what of it is lost, and when that goes again: RACK-TLP (RFC 8985)
 * over SACK (RFC 2018), with NewReno (RFC 6582) where the peer has no SACK. How much may be in flight
 * is congestion.h's.
 *
 * Theory of operation. What was sent stays in lwIP's `unacked` queue until it is acknowledged; each
 * segment there has a fate and the time when it left. lwIP tells of what it sends and of what is
 * acknowledged (lwip_hooks.h), and obeys pcb->cwnd: the most that may lie between the oldest byte in
 * flight and the newest, which is the congestion window and, besides, what is no longer on the path.
 *
 * As long as nothing is missing, an acknowledgement costs a few additions. Once something is, the
 * blocks that arrive are gathered, and the end of the turn walks the queue: it settles the fates, and
 * counts them anew. One walk a turn and no more than a tenth of the time: with 12,000 segments in
 * flight, a walk for each acknowledgement would cost more than all else. */
#ifndef WGPROXY_STACK_SENDER_H
#define WGPROXY_STACK_SENDER_H

#include "stack/congestion.h"
#include "stack/rtt.h"
#include "stack/sack.h"

struct stack;
struct stack_tcp;

/* tcp_seg.fate: SACKED alone; or LOST, and RESENT while it is on its way again. */
enum {
    FATE_SACKED = 1,
    FATE_LOST = 2,
    FATE_RESENT = 4,
    FATE_TWICE = 8,    /* was sent more than once, whenever: its round trip says nothing */
    FATE_LIMITED = 16, /* left when neither the window nor the pace held us back */
};

/* NORMAL    nothing is lost that we know of. -> RECOVERY, TIMED_OUT
 * RECOVERY  losses are mended at a reduced rate. -> NORMAL when all that was in flight when it began
 *           is acknowledged, or when it was for nothing; TIMED_OUT
 * TIMED_OUT nothing came back: slow start again. -> NORMAL, likewise */
enum sender_state { SENDER_NORMAL, SENDER_RECOVERY, SENDER_TIMED_OUT };

struct sender {
    struct congestion congestion;
    struct rtt rtt;
    struct sack_set fresh; /* blocks that no segment knows of yet */
    uint64_t due;          /* for the next look or the probe; NEVER */
    uint64_t look_at;      /* no look before that */
    uint64_t last_event;   /* when something was sent or newly acknowledged */

    uint32_t una, looked_una;      /* as of the last acknowledgement; as of the last look */
    uint32_t sacked, lost, resent; /* bytes in flight of each fate; `resent` are lost, too */
    uint32_t waiting, n_sacked;    /* segments that are lost and not resent; that are sacked */
    uint32_t delivered;            /* bytes that left the path since the last look */
    uint32_t sample;               /* us, of what was delivered just now; 0: none */
    uint32_t recover;              /* what must be acknowledged for NORMAL */
    uint32_t unneeded, duplicates; /* resent segments: whose first try arrived; reported twice */
    uint32_t n_resent;             /* since recovery began */

    /* RFC 8985 5.2: of the segment sent last among those that have arrived; `highest` is RACK.fack. */
    uint32_t newest_at, newest_end, newest_rtt;
    uint32_t highest;
    uint32_t reordering_until; /* a round trip's end: its duplicates count once */
    uint8_t reordering_steps;  /* RACK.reo_wnd_mult */
    uint8_t reordering_stays;  /* recoveries until that is 1 again */
    bool reordering;           /* was seen */

    uint8_t state;  /* enum sender_state */
    bool ambiguous; /* something that was sent twice was among what was delivered just now */
    bool held;      /* the window held us back */
    bool limited;   /* the application or the receiver did, until `limited_until` has arrived */
    bool probing;   /* a probe for a lost tail is out (RFC 8985 7) */
    bool probe_is_old;
    uint32_t probe_end;
    uint32_t held_back; /* us: the acknowledgement of a lone segment, by the peer */

    uint32_t arrived, arrived_at; /* bytes on this connection; when, us */
    uint32_t first_sent_at; /* of what is in flight, that is: of the newest that has arrived */
    uint32_t limited_until;
    struct {
        uint32_t began, took; /* `arrived` when it left; us since then. 0: there is none */
        uint32_t rtt;         /* us; 0: none */
        bool limited;
    } flight; /* of the newest of what arrived just now */

    uint64_t paced_at;  /* what was sent is paid for until then */
    uint64_t paced_due; /* when there is credit for more; NEVER */
    uint32_t credit;    /* bytes that may still leave now */
};

/* The connection is established: its mss and sequence numbers are known. */
void sender_open(struct stack_tcp *t);

/* All in flight is unsent again: it is to be cut, and all of it sent anew. */
void sender_start_over(struct stack_tcp *t);

/* Send what is lost and what is new, as far as the window goes. */
void sender_output(struct stack_tcp *t);

/* `due` has come. */
void sender_tick(struct stack_tcp *t);

#endif
