/* SPDX-License-Identifier: MIT */
/* What is to be done once a turn: settle what has happened, send what may leave, and say when to come back. */
#include "stack/losses.h"
#include "stack/pacing.h"
#include "stack/sender_parts.h"

#include <lwip_hooks.h>

/* RFC 8985 7.2: two round trips, and for a lone segment what the receiver may hold back. */
enum { PROBE_MIN_US = 10000 };

static void begin_recovery(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    s->state = SENDER_RECOVERY;
    s->recover = t->pcb->snd_nxt;
    s->n_resent = s->unneeded = s->duplicates = 0;
    s->probing = false;
    congestion_reduce(&s->congestion);
}

/* RFC 8985 6.2 step 4: without duplicates for some recoveries, reordering is as it was. */
static void end_recovery(struct sender *s)
{
    s->state = SENDER_NORMAL;
    if (s->duplicates == 0 && s->reordering_stays > 0 && --s->reordering_stays == 0) {
        s->reordering_steps = 1;
    }
}

/* After a timeout the first answer decides (RFC 3522, with the round trip for a timestamp); in
 * recovery, each segment that went again has to have been unneeded. */
static bool was_for_nothing(const struct sender *s)
{
    if (s->state == SENDER_TIMED_OUT) {
        return s->unneeded > 0;
    }
    return s->n_resent > 0 && (s->unneeded >= s->n_resent || s->duplicates >= s->n_resent);
}

/* True when what was taken for lost is waited for once more. */
static bool follow(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    bool pardoned = s->state != SENDER_NORMAL && was_for_nothing(s);
    if (pardoned) {
        congestion_undo(&s->congestion);
        losses_pardon(t);
        s->state = SENDER_NORMAL;
    } else if (s->state != SENDER_NORMAL && TCP_SEQ_GEQ(s->una, s->recover)) {
        end_recovery(s);
    }
    if (s->state == SENDER_NORMAL && s->waiting > 0) {
        begin_recovery(t);
    }
    return pardoned;
}

/* Us until an acknowledgement must have come that is held back for so long at most. */
static uint32_t probe_wait(const struct sender *s, uint32_t held_back)
{
    uint32_t us = 2 * s->rtt.smoothed + held_back;
    return us > PROBE_MIN_US ? us : PROBE_MIN_US;
}

/* What has come to light since the last time. A flight shorter than the path's round trip was not
 * one. */
static void learn(struct stack_tcp *t, uint32_t lost)
{
    struct sender *s = &t->sender;
    uint32_t took = s->flight.took;
    bool flew = took > 0 && took >= s->rtt.least;
    if (s->limited && (int32_t)(s->arrived - s->limited_until) > 0) {
        s->limited = false;
    }
    congestion_update(
        &s->congestion,
        &(struct congestion_sample){
            .now = t->stack->mono,
            .rate = flew ? (s->arrived - s->flight.began) * UINT64_C(1000000) / took : 0,
            .total = s->arrived,
            .began = s->flight.began,
            .delivered = s->delivered,
            .lost = lost,
            .in_flight = sender_on_path(t),
            .rtt = s->flight.rtt,
            .limited = s->flight.limited,
            .held = s->held,
        });
    s->delivered = s->flight.took = s->flight.rtt = 0;
}

/* Settle what has happened since the last look. How long until time itself may tell more, us. */
static uint32_t look(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    struct verdict v = losses_look(t);
    sender_take_sample(t);
    s->look_at = t->stack->mono + v.n_segments * LOOK_NS_PER_SEGMENT;
    bool pardoned = follow(t);
    learn(t, v.lost);
    return pardoned ? probe_wait(s, 0) : v.wait; /* it may have been lost all the same */
}

static uint64_t probe_time(const struct stack_tcp *t)
{
    const struct sender *s = &t->sender;
    uint64_t us = probe_wait(s, t->pcb->unacked->next ? 0 : s->held_back);
    return s->last_event + us * NS_PER_US;
}

static void plan(struct stack_tcp *t, uint64_t due)
{
    struct sender *s = &t->sender;
    s->due = deadline_min(due, s->paced_due);
    t->stack->sender_due = deadline_min(t->stack->sender_due, s->due);
}

/* Nothing is missing, as far as we know: but would we hear of it if the last segments were? */
static void plan_probe(struct stack_tcp *t)
{
    const struct sender *s = &t->sender;
    bool may = t->pcb->unacked && !s->probing && s->rtt.smoothed > 0 && t->pcb->nrtx == 0;
    plan(t, may ? probe_time(t) : NEVER);
}

static bool has_more(const struct stack_tcp *t)
{
    return t->pcb->unsent || t->sender.waiting > 0;
}

/* What is lost, then what is new, as far as the window and the pace go. Which of them holds us back? */
static void output(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    struct tcp_pcb *pcb = t->pcb;
    pacing_earn(t);
    uint32_t credit = s->credit;
    if (s->waiting > 0) {
        sender_resend_lost(t);
    }
    uint64_t window = (uint64_t)s->congestion.window + s->sacked + s->lost - s->resent;
    uint64_t paced = (uint64_t)sender_in_flight(pcb) + s->credit;
    pcb->cwnd = (uint32_t)(window < paced ? window : paced < UINT32_MAX ? paced : UINT32_MAX);
    tcp_output(pcb);
    bool more = has_more(t);
    s->held = sender_on_path(t) + pcb->mss > s->congestion.window;
    if (!s->held && (s->credit >= pcb->mss || !more)) {
        s->limited = true;
        s->limited_until = s->arrived + sender_on_path(t);
    }
    pacing_pay(t, credit - s->credit, more && !s->held);
}

void sender_output(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    if (!sender_is_troubled(t)) {
        if (s->delivered > 0) {
            learn(t, 0);
        }
        if (!t->pcb->unacked && t->pcb->unsent) {
            congestion_idle(&s->congestion, t->stack->mono);
            losses_begin(t); /* the clock of segments may have wrapped since */
        }
        output(t);
        plan_probe(t);
    } else if (t->stack->mono < s->look_at) {
        tcp_output(t->pcb);
        s->paced_due = NEVER;
        plan(t, s->look_at);
    } else {
        uint32_t wait = look(t);
        output(t);
        plan(t, wait > 0 ? t->stack->mono + wait * NS_PER_US : NEVER);
    }
}

/* RFC 8985 7.3: new data where there is some, else the last segment once more. */
static void probe(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    struct tcp_pcb *pcb = t->pcb;
    uint32_t flight = sender_in_flight(pcb);
    s->probe_is_old = !pcb->unsent || flight + pcb->unsent->len > pcb->snd_wnd;
    if (s->probe_is_old) {
        struct tcp_seg *last = pcb->unacked;
        while (last->next) {
            last = last->next;
        }
        tcp_resend(pcb, last);
    } else {
        pcb->cwnd = flight + pcb->unsent->len;
        tcp_output(pcb);
    }
    s->probing = true;
    s->probe_end = pcb->snd_nxt;
    s->unneeded = s->duplicates = 0;
    pcb->rtime = 0;
}

void sender_tick(struct stack_tcp *t)
{
    t->sender.due = NEVER;
    if (t->state != CONN_OPEN) {
        return;
    }
    if (sender_is_troubled(t) || t->stack->mono >= t->sender.paced_due) {
        sender_output(t);
    } else if (t->pcb->unacked) {
        probe(t);
    }
}
