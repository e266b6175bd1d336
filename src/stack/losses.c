/* SPDX-License-Identifier: MIT */
#include "stack/losses.h"

#include <assert.h>

enum { DUPLICATES_MIN = 3 }; /* so many segments beyond a hole are no mere reordering */
enum { ROUND_TRIP_MAX_US = 60 * 1000000 }; /* as the longest timeout */
enum { STEPS_MAX = 64, STAYS = 16 /* RFC 8985 6.2 step 4 */ };

uint32_t losses_clock(const struct stack_tcp *t)
{
    return (uint32_t)(t->stack->mono / NS_PER_US) | 1;
}

static bool is_sent_after(uint32_t at, uint32_t end, uint32_t other_at, uint32_t other_end)
{
    return (int32_t)(at - other_at) > 0 || (at == other_at && TCP_SEQ_GT(end, other_end));
}

static bool is_waiting(const struct tcp_seg *seg)
{
    return (seg->fate & (FATE_LOST | FATE_RESENT)) == FATE_LOST;
}

/* What had arrived when the segment left, and when: draft-cheng-iccrg-delivery-rate-estimation 3.3.
 * Arrivals may come compressed, so the time that it took to send counts, too. */
static void note_flight(struct sender *s, const struct tcp_seg *seg)
{
    uint32_t sending = seg->sent_at - seg->first_sent_at,
             arriving = s->arrived_at - seg->arrived_at;
    s->flight.began = seg->arrived;
    s->flight.took = sending > arriving ? sending : arriving;
    s->flight.limited = seg->fate & FATE_LIMITED;
    s->first_sent_at = seg->sent_at;
}

void losses_begin(struct stack_tcp *t)
{
    t->sender.newest_at = losses_clock(t);
    t->sender.newest_end = t->sender.una;
}

/* RFC 8985 6.2, steps 1 to 3. */
void losses_delivered(struct stack_tcp *t, struct tcp_seg *seg, uint32_t end)
{
    struct sender *s = &t->sender;
    uint32_t took = losses_clock(t) - seg->sent_at;
    s->delivered += seg->len;
    s->arrived += seg->len;
    s->arrived_at = losses_clock(t);
    if (seg->sent_at == 0) {
        return; /* cut off another one, and that was what was sent */
    }
    if (took > ROUND_TRIP_MAX_US) {
        s->ambiguous = true; /* nobody listened meanwhile: else it would have been sent again */
        return;
    }
    if (!(seg->fate & FATE_TWICE)) {
        s->sample = took > 0 ? took : 1;
        s->reordering |= TCP_SEQ_LT(end, s->highest);
    } else {
        s->ambiguous = true;
        if (took < s->rtt.least) {
            /* Faster than light: it was the first one that arrived. But a path that is idle after a timeout
             * may be quicker than it ever was while we filled it, and there one answer decides. */
            s->unneeded += s->state != SENDER_TIMED_OUT || took < s->rtt.least / 2;
            return;
        }
    }
    if (TCP_SEQ_GT(end, s->highest)) {
        s->highest = end;
    }
    if (is_sent_after(seg->sent_at, end, s->newest_at, s->newest_end)) {
        s->newest_at = seg->sent_at;
        s->newest_end = end;
        s->newest_rtt = took;
        note_flight(s, seg);
    }
}

static void count(struct sender *s, const struct tcp_seg *seg)
{
    s->sacked += seg->fate & FATE_SACKED ? seg->len : 0;
    s->n_sacked += (seg->fate & FATE_SACKED) != 0;
    s->lost += seg->fate & FATE_LOST ? seg->len : 0;
    s->resent += seg->fate & FATE_RESENT ? seg->len : 0;
    s->waiting += is_waiting(seg);
}

void losses_count_none(struct sender *s)
{
    s->sacked = s->lost = s->resent = s->waiting = s->n_sacked = 0;
}

void losses_forget(struct sender *s, const struct tcp_seg *seg)
{
    assert(!(seg->fate & FATE_SACKED) || s->sacked >= seg->len);
    assert(!(seg->fate & FATE_LOST) || s->lost >= seg->len);
    assert(!(seg->fate & FATE_RESENT) || s->resent >= seg->len);
    assert(!is_waiting(seg) || s->waiting > 0);
    s->sacked -= seg->fate & FATE_SACKED ? seg->len : 0;
    s->n_sacked -= (seg->fate & FATE_SACKED) != 0;
    s->lost -= seg->fate & FATE_LOST ? seg->len : 0;
    s->resent -= seg->fate & FATE_RESENT ? seg->len : 0;
    s->waiting -= is_waiting(seg);
}

void losses_duplicate(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    s->duplicates++;
    bool later = TCP_SEQ_GEQ(s->una, s->reordering_until) ||
                 TCP_SEQ_GT(s->reordering_until, t->pcb->snd_nxt); /* 2 GiB ago and more */
    if (later) {
        s->reordering_until = t->pcb->snd_nxt;
        if (s->reordering_steps < STEPS_MAX) {
            s->reordering_steps++;
        }
        s->reordering_stays = STAYS;
    }
}

static uint32_t first_seq(const struct tcp_pcb *pcb)
{
    return lwip_ntohl(pcb->unacked->tcphdr->seqno);
}

/* A FIN is no byte in a segment's length. It stands on the last one: only where it stands alone does
 * it count here. Reading every header would cost as much as all else. */
static uint32_t end_of(const struct tcp_seg *seg, uint32_t seq)
{
    return seq + (seg->len > 0 ? seg->len : 1u);
}

size_t losses_mark(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    uint32_t seq = t->pcb->unacked ? first_seq(t->pcb) : 0;
    size_t n = 0;
    for (struct tcp_seg *seg = t->pcb->unacked; seg; seg = seg->next, n++) {
        uint32_t end = end_of(seg, seq);
        if (!(seg->fate & FATE_SACKED) && sack_covers(&s->fresh, seq, end)) {
            losses_delivered(t, seg, end);
            losses_forget(s, seg);
            seg->fate = FATE_SACKED | (seg->fate & FATE_TWICE);
            count(s, seg);
        }
        seq = end;
    }
    s->fresh.n = 0;
    return n;
}

/* How much later than its successors a segment may arrive: RFC 8985 6.2 step 4. */
static uint32_t patience(const struct stack_tcp *t)
{
    const struct sender *s = &t->sender;
    if (!s->reordering && (s->state != SENDER_NORMAL || s->n_sacked >= DUPLICATES_MIN)) {
        return 0;
    }
    uint64_t us = (uint64_t)s->reordering_steps * s->rtt.least / 4;
    return us < s->rtt.smoothed ? (uint32_t)us : s->rtt.smoothed;
}

/* Step 5, for one segment: how long until it is lost; 0 when it is, or cannot be judged yet. */
static uint32_t judge(struct stack_tcp *t, struct tcp_seg *seg, uint32_t end, uint32_t patience_us,
                      struct verdict *v)
{
    const struct sender *s = &t->sender;
    if (is_waiting(seg) || !is_sent_after(s->newest_at, s->newest_end, seg->sent_at, end)) {
        return 0;
    }
    int32_t left = (int32_t)(seg->sent_at + s->newest_rtt + patience_us - losses_clock(t));
    if (left > 0) {
        return (uint32_t)left;
    }
    seg->fate = FATE_LOST | (seg->fate & FATE_TWICE); /* once more, perhaps */
    v->lost += seg->len;
    return 0;
}

static void find_lost(struct stack_tcp *t, struct verdict *v)
{
    struct sender *s = &t->sender;
    uint32_t patience_us = patience(t), seq = first_seq(t->pcb);
    bool judges = t->pcb->flags & TF_SACK; /* without, what arrived beyond a hole is not known */
    losses_count_none(s);
    for (struct tcp_seg *seg = t->pcb->unacked; seg; seg = seg->next) {
        uint32_t end = end_of(seg, seq);
        if (judges && !(seg->fate & FATE_SACKED)) {
            uint32_t wait = judge(t, seg, end, patience_us, v);
            v->wait = wait > v->wait ? wait : v->wait;
        }
        count(s, seg);
        seq = end;
        v->n_segments++;
    }
}

/* A peer without SACK: each duplicate acknowledgement is a segment that arrived, nobody knows which.
 * The third one, and in recovery each step forward, says that the oldest is lost. */
static void guess(struct stack_tcp *t, struct verdict *v)
{
    struct sender *s = &t->sender;
    struct tcp_pcb *pcb = t->pcb;
    struct tcp_seg *oldest = pcb->unacked;
    bool partly = s->state == SENDER_RECOVERY && TCP_SEQ_LT(s->una, s->recover);
    if ((pcb->dupacks >= DUPLICATES_MIN || partly) && !(oldest->fate & FATE_LOST)) {
        oldest->fate |= FATE_LOST;
        s->lost += oldest->len;
        s->waiting++;
        v->lost += oldest->len;
    }
    uint32_t others = pcb->snd_nxt - first_seq(pcb) - oldest->len;
    uint32_t arrived = (uint32_t)pcb->dupacks * pcb->mss;
    s->sacked = arrived < others ? arrived : others;
}

struct verdict losses_look(struct stack_tcp *t)
{
    struct verdict v = {0};
    if (!t->pcb->unacked) {
        losses_count_none(&t->sender);
        t->sender.fresh.n = 0;
        return v;
    }
    if (t->sender.fresh.n > 0) {
        losses_mark(t);
    }
    find_lost(t, &v);
    if (!(t->pcb->flags & TF_SACK)) {
        guess(t, &v);
    }
    return v;
}

/* RFC 2018 8: a receiver may have dropped what it had beyond a hole. That the oldest segment had
 * arrived and is not acknowledged says so. */
void losses_all(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    bool dropped = t->pcb->unacked->fate & FATE_SACKED;
    losses_count_none(s);
    for (struct tcp_seg *seg = t->pcb->unacked; seg; seg = seg->next) {
        if (dropped || !(seg->fate & FATE_SACKED)) {
            seg->fate = FATE_LOST | (seg->fate & FATE_TWICE);
        }
        count(s, seg);
    }
}

void losses_pardon(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    losses_count_none(s);
    for (struct tcp_seg *seg = t->pcb->unacked; seg; seg = seg->next) {
        if (is_waiting(seg)) {
            seg->fate &= FATE_TWICE;
        }
        count(s, seg);
    }
}
