/* SPDX-License-Identifier: MIT */
/* Theory of operation: an event stores a deadline and costs a store or two; nothing is queued
 * anywhere. The earliest of the five is computed when somebody is about to sleep. */
#include "wg/timers.h"

#include "wg/messages.h"

/* paper 6.4: 90 s of tries, one each 5 s. The kernel module counts so that 20 leave in all. */
#define ATTEMPTS_MAX ((unsigned)(REKEY_ATTEMPT_TIME / REKEY_TIMEOUT))

static uint64_t draw_jitter(const struct rng *rng)
{
    return rng_below(rng, (uint32_t)REKEY_JITTER_MAX);
}

static bool take(uint64_t *deadline, struct now now)
{
    if (now.mono < *deadline) {
        return false;
    }
    *deadline = NEVER;
    return true;
}

static enum timers_action retry_or_give_up(struct timers *t, struct now now)
{
    if (t->attempts <= ATTEMPTS_MAX) {
        return TIMERS_RETRY_INITIATION;
    }
    t->keepalive = NEVER;
    /* paper 6.3: what is left of an old session goes as well. */
    if (t->zero_keys == NEVER) {
        t->zero_keys = now.mono + ZERO_KEYS_AFTER;
    }
    return TIMERS_GIVE_UP;
}

void timers_init(struct timers *t)
{
    *t = (struct timers){
        .retry = NEVER,
        .dead_peer = NEVER,
        .keepalive = NEVER,
        .persistent = NEVER,
        .zero_keys = NEVER,
    };
}

uint64_t timers_next_deadline(const struct timers *t)
{
    uint64_t first = deadline_min(t->retry, t->dead_peer);
    first = deadline_min(first, t->keepalive);
    first = deadline_min(first, t->persistent);
    return deadline_min(first, t->zero_keys);
}

uint64_t timers_answer_due(const struct timers *t)
{
    return t->dead_peer == NEVER ? NEVER : t->dead_peer - REKEY_TIMEOUT;
}

enum timers_action timers_due(struct timers *t, struct now now)
{
    /* Keys first: after a long sleep nothing may be sent under a key that should be gone. */
    if (take(&t->zero_keys, now)) {
        return TIMERS_ZERO_KEYS;
    }
    if (take(&t->retry, now)) {
        return retry_or_give_up(t, now);
    }
    if (take(&t->dead_peer, now)) {
        return TIMERS_NEW_HANDSHAKE;
    }
    if (take(&t->keepalive, now)) {
        return TIMERS_KEEPALIVE;
    }
    if (take(&t->persistent, now)) {
        return TIMERS_PERSISTENT_KEEPALIVE;
    }
    return TIMERS_NOTHING;
}

void timers_initiation_sent(struct timers *t, const struct rng *rng, struct now now)
{
    t->retry = now.mono + REKEY_TIMEOUT + draw_jitter(rng);
}

void timers_initiation_deferred(struct timers *t, uint64_t until)
{
    if (t->retry == NEVER) {
        t->retry = until;
    }
}

void timers_session_derived(struct timers *t, const struct rng *rng, struct now now)
{
    t->zero_keys = now.mono + ZERO_KEYS_AFTER;
    t->jitter = draw_jitter(rng);
}

void timers_handshake_complete(struct timers *t)
{
    t->retry = NEVER;
    t->attempts = 0;
}

void timers_data_sent(struct timers *t, struct now now)
{
    if (t->dead_peer == NEVER) {
        t->dead_peer = now.mono + DEAD_PEER_TIME + t->jitter;
    }
}

void timers_data_received(struct timers *t, struct now now)
{
    /* Armed once: the keepalive answers all that came before it, and what comes after it arms
     * anew. */
    if (t->keepalive == NEVER) {
        t->keepalive = now.mono + KEEPALIVE_TIMEOUT;
    }
}

static void postpone_persistent(struct timers *t, struct now now)
{
    if (t->interval > 0) {
        t->persistent = now.mono + t->interval;
    }
}

void timers_any_sent(struct timers *t, struct now now)
{
    t->keepalive = NEVER;
    postpone_persistent(t, now);
}

void timers_any_received(struct timers *t, struct now now)
{
    t->dead_peer = NEVER;
    postpone_persistent(t, now);
}

void timers_set_persistent(struct timers *t, uint16_t seconds, struct now now)
{
    bool was_off = t->interval == 0;
    t->interval = seconds * NS_PER_S;
    if (was_off) {
        timers_start_persistent(t, now);
    } else if (seconds == 0) {
        t->persistent = NEVER;
    } else {
        t->persistent = deadline_min(t->persistent, now.mono + t->interval);
    }
}

void timers_start_persistent(struct timers *t, struct now now)
{
    if (t->interval > 0) {
        t->persistent = now.mono;
    }
}
