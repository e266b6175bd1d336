/* SPDX-License-Identifier: MIT */
/* The timers of one peer (paper 6, kernel module: timers.c). They hold deadlines and say what is
 * due; whoever asks does it and reports what happened. They send nothing and know no keys. */
#ifndef WGPROXY_WG_TIMERS_H
#define WGPROXY_WG_TIMERS_H

#include "base/now.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

enum timers_action {
    TIMERS_NOTHING,
    TIMERS_ZERO_KEYS, /* 540 s since the last new session: wipe all keys, the open handshake too */
    TIMERS_RETRY_INITIATION, /* no response: send the next initiation */
    TIMERS_GIVE_UP,          /* no response to 20 initiations: drop the staged packets */
    TIMERS_NEW_HANDSHAKE,    /* data was sent and nothing came back for 15 s */
    TIMERS_KEEPALIVE,        /* data came and nothing was sent back for 10 s */
    TIMERS_PERSISTENT_KEEPALIVE,
};

struct timers {
    /* Deadlines in ns of now.mono; NEVER: not armed. */
    uint64_t retry;
    uint64_t dead_peer;
    uint64_t keepalive;
    uint64_t persistent;
    uint64_t zero_keys;

    uint64_t interval; /* of the persistent keepalive; 0 is off */
    uint64_t jitter;   /* of the next dead-peer deadline; drawn when a session begins */
    unsigned
        attempts; /* initiations repeated since traffic last asked for one; counted by who sends */
};

void timers_init(struct timers *t);

/* The earliest deadline; NEVER. */
uint64_t timers_next_deadline(const struct timers *t);

/* A peer that lives would have sent a keepalive by then, in answer to data of ours; NEVER when none waits for one. */
uint64_t timers_answer_due(const struct timers *t);

/* What is due now, one action a call, until TIMERS_NOTHING. Its timer is disarmed by then. */
enum timers_action timers_due(struct timers *t, struct now now);

/* ---- what happened ---- */

void timers_initiation_sent(struct timers *t, const struct rng *rng, struct now now);
/* Wanted, but the floor between two handshakes lies at `until`: try again then. */
void timers_initiation_deferred(struct timers *t, uint64_t until);
void timers_session_derived(struct timers *t, const struct rng *rng, struct now now);
void timers_handshake_complete(struct timers *t);
void timers_data_sent(struct timers *t, struct now now);
void timers_data_received(struct timers *t, struct now now);
/* Any authenticated packet: handshake message, keepalive or data. */
void timers_any_sent(struct timers *t, struct now now);
void timers_any_received(struct timers *t, struct now now);

/* The interval changed; when it was off, the first keepalive is due at once. */
void timers_set_persistent(struct timers *t, uint16_t seconds, struct now now);
/* The first persistent keepalive is due at once, if there is an interval. */
void timers_start_persistent(struct timers *t, struct now now);

#endif
