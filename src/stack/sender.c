/* SPDX-License-Identifier: MIT */
#include "stack/sender_parts.h"

#include "stack/gate.h"
#include "stack/losses.h"

#include <lwip_hooks.h>

/* The retransmission timeout is counted in lwIP's slow ticks, of which the first may be short. */
enum {
    TICK_US = TCP_SLOW_INTERVAL * 1000,
    TIMEOUT_MIN_US = 200000,
    TIMEOUT_TICKS_MAX = 600,
    BACKOFF_MAX = 7
};

/* What a receiver may hold back an acknowledgement for. Most do for 40 or 50 ms (Linux, Windows), some for 200;
 * a probe that was for nothing costs a packet, and waiting for the timeout a quarter of a second. */
enum { HELD_BACK_US = 50000, HELD_BACK_MAX_US = 200000 };

enum { SHORT_FLIGHT = 256 }; /* full segments: looked at at any time */

static void set_timeout(struct stack_tcp *t, unsigned backoff)
{
    uint64_t us = rtt_timeout(&t->sender.rtt, TIMEOUT_MIN_US);
    uint64_t ticks = ((us + TICK_US - 1) / TICK_US + 1) << backoff;
    t->pcb->rto = (s16_t)(ticks < TIMEOUT_TICKS_MAX ? ticks : TIMEOUT_TICKS_MAX);
}

void sender_open(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    uint32_t next = t->pcb->snd_nxt;
    bool knows = t->pcb->nrtx == 0; /* else nobody knows which of the SYNs was answered */
    uint32_t rtt = (uint32_t)(t->round_trip / NS_PER_US);
    congestion_init(&s->congestion, t->pcb->mss, knows ? rtt : 0, next);
    t->pcb->cwnd = s->congestion.window;
    s->paced_due = NEVER;
    s->una = s->looked_una = s->highest = s->recover = s->reordering_until = next;
    losses_begin(t);
    s->reordering_steps = 1;
    s->held_back = HELD_BACK_US;
    s->last_event = t->stack->mono;
    if (knows) {
        rtt_sample(&s->rtt, rtt, losses_clock(t));
        set_timeout(t, 0);
    }
}

void sender_start_over(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    for (struct tcp_seg *seg = t->pcb->unsent; seg; seg = seg->next) {
        seg->fate &= FATE_TWICE;
    }
    losses_count_none(s);
    s->fresh.n = 0;
    s->state = SENDER_NORMAL;
    s->probing = false;
    congestion_start_over(&s->congestion, t->pcb->mss);
}

uint32_t sender_in_flight(const struct tcp_pcb *pcb)
{
    if (!pcb->unacked) {
        return 0;
    }
    if (pcb->unsent) {
        uint32_t first = lwip_ntohl(pcb->unsent->tcphdr->seqno);
        return TCP_SEQ_GT(first, pcb->lastack) ? first - pcb->lastack : 0;
    }
    return pcb->snd_nxt - pcb->lastack - ((pcb->flags & TF_FIN) != 0);
}

uint32_t sender_on_path(const struct stack_tcp *t)
{
    const struct sender *s = &t->sender;
    uint32_t off = s->sacked + s->lost - s->resent, all = sender_in_flight(t->pcb);
    return all > off ? all - off : 0;
}

bool sender_is_troubled(const struct stack_tcp *t)
{
    const struct sender *s = &t->sender;
    return s->state != SENDER_NORMAL || s->fresh.n > 0 || s->sacked > 0 || s->lost > 0 ||
           (t->pcb->dupacks > 0 && !(t->pcb->flags & TF_SACK));
}

void sender_resend_lost(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    uint32_t path = sender_on_path(t);
    for (struct tcp_seg *seg = t->pcb->unacked; seg && s->waiting > 0; seg = seg->next) {
        if ((seg->fate & (FATE_LOST | FATE_RESENT)) != FATE_LOST) {
            continue;
        }
        if (path > 0 && (path + seg->len > s->congestion.window || seg->len > s->credit)) {
            break;
        }
        if (tcp_resend(t->pcb, seg) != ERR_OK) {
            break;
        }
        seg->fate |= FATE_RESENT;
        s->resent += seg->len;
        s->waiting--;
        s->n_resent++;
        path += seg->len;
        if (seg == t->pcb->unacked) {
            t->pcb->rtime = 0;
        }
    }
}

/* ---- what lwIP tells ---- */

static struct stack_tcp *open_conn(const struct tcp_pcb *pcb)
{
    struct stack_tcp *t = conn_of_pcb(pcb);
    return t && t->state == CONN_OPEN ? t : NULL;
}

void stack_hook_segment_sent(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    struct stack_tcp *t = conn_of_pcb(pcb); /* the SYN's own round trip counts, too */
    if (t) {
        struct sender *s = &t->sender;
        seg->fate = (u8_t)((seg->fate & ~FATE_LIMITED) | (seg->sent_at != 0 ? FATE_TWICE : 0) |
                           (s->limited ? FATE_LIMITED : 0));
        seg->sent_at = losses_clock(t);
        if (!pcb->unacked) {
            s->first_sent_at = s->arrived_at = seg->sent_at;
        }
        seg->arrived = s->arrived;
        seg->arrived_at = s->arrived_at;
        seg->first_sent_at = s->first_sent_at;
        s->credit -= seg->len < s->credit ? seg->len : s->credit;
        s->last_event = t->stack->mono;
    }
}

void stack_hook_segment_acked(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    struct stack_tcp *t = open_conn(pcb);
    if (t) {
        if (!(seg->fate & FATE_SACKED)) {
            losses_delivered(t, seg, lwip_ntohl(seg->tcphdr->seqno) + TCP_TCPLEN(seg));
        }
        if (seg->fate & (FATE_SACKED | FATE_LOST)) {
            losses_forget(&t->sender, seg);
        }
    }
}

/* A walk before the turn ends, which whoever names holes all over a long flight could ask for with each
 * segment: then it counts as a look. What finds no room is not heard of. */
static void add_block(struct stack_tcp *t, struct sack_block b)
{
    struct sender *s = &t->sender;
    if (sack_add(&s->fresh, b)) {
        return;
    }
    bool is_short = sender_in_flight(t->pcb) <= SHORT_FLIGHT * t->pcb->mss;
    if (is_short || t->stack->mono >= s->look_at) {
        uint64_t next = t->stack->mono + losses_mark(t) * LOOK_NS_PER_SEGMENT;
        s->look_at = is_short ? s->look_at : next;
        sack_add(&s->fresh, b);
    }
}

/* The blocks of the segment that is coming in. */
static void gather_blocks(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    const struct packet *p = t->stack->input_packet;
    if (!(t->pcb->flags & TF_SACK) || !p || p->payload[12] >> 4 == TCP_HEADER / 4) {
        return;
    }
    struct sack_block blocks[SACK_BLOCKS_MAX];
    size_t n = sack_parse(p->payload, (size_t)(p->payload[12] >> 4) * 4, blocks);
    if (sack_is_duplicate(blocks, n, t->stack->input_ack)) {
        losses_duplicate(t);
    }
    for (size_t i = 0; i < n; i++) {
        struct sack_block b = blocks[i];
        bool plausible = TCP_SEQ_LT(b.left, b.right) && TCP_SEQ_GT(b.right, s->una) &&
                         TCP_SEQ_LEQ(b.right, t->pcb->snd_nxt);
        if (plausible) {
            add_block(t, b);
        }
    }
}

/* RFC 9293 3.8.6.1: a peer that keeps its window closed may have taken back what is under way. While it
 * answers it is alive, and is asked on. lwIP gives up by the count of timeouts. */
static void wait_for_window(struct stack_tcp *t)
{
    const struct packet *p = t->stack->input_packet;
    bool closed = p && p->payload[14] == 0 && p->payload[15] == 0;
    if (closed && t->pcb->nrtx > BACKOFF_MAX) {
        t->pcb->nrtx = BACKOFF_MAX;
    }
}

/* RFC 8985 7.4.2: the tail was lost, and the probe has mended it; or it was not. */
static void end_probe(struct stack_tcp *t, bool progress)
{
    struct sender *s = &t->sender;
    if (!s->probing || TCP_SEQ_LT(s->una, s->probe_end)) {
        return;
    }
    bool wasted = s->duplicates > 0 || s->unneeded > 0 || !progress;
    bool unneeded = !s->probe_is_old || wasted;
    s->held_back = s->probe_is_old && wasted ? HELD_BACK_MAX_US : s->held_back;
    bool mended = TCP_SEQ_GT(s->una, s->probe_end);
    s->probing = !unneeded && !mended;
}

static void note_delay(struct sender *s, uint32_t us)
{
    uint32_t over = us - s->rtt.least;
    if (over > s->held_back) {
        s->held_back = over < HELD_BACK_MAX_US ? over : HELD_BACK_MAX_US;
    }
}

void sender_take_sample(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    uint32_t us = s->ambiguous ? 0 : s->sample;
    if (us > 0) {
        rtt_sample(&s->rtt, us, losses_clock(t));
        s->flight.rtt = us;
        note_delay(s, us);
    }
    s->sample = 0;
    s->ambiguous = false;
}

void stack_hook_ack(struct tcp_pcb *pcb)
{
    struct stack_tcp *t = open_conn(pcb);
    if (!t) {
        return;
    }
    struct sender *s = &t->sender;
    if (pcb->snd_nxt == s->una && s->state == SENDER_NORMAL && !s->probing) {
        return; /* most of what a download brings: there is nothing to acknowledge */
    }
    uint32_t bytes = pcb->lastack - s->una;
    s->una = pcb->lastack;
    sender_take_sample(t);
    gather_blocks(t);
    end_probe(t, bytes > 0);
    if (bytes > 0) {
        s->last_event = t->stack->mono;
        set_timeout(t, 0);
    } else {
        wait_for_window(t);
    }
    pcb->cwnd = sender_in_flight(pcb); /* nothing new before the end of the turn */
    conn_mark_dirty(t);
}

void stack_hook_timeout(struct tcp_pcb *pcb)
{
    struct stack_tcp *t = open_conn(pcb);
    pcb->rtime = 0;
    if (pcb->nrtx < UINT8_MAX) {
        pcb->nrtx++;
    }
    if (!t) {
        return;
    }
    struct sender *s = &t->sender;
    set_timeout(t, pcb->nrtx < BACKOFF_MAX ? pcb->nrtx : BACKOFF_MAX);
    congestion_timeout(&s->congestion, s->state != SENDER_NORMAL);
    s->n_resent = s->unneeded = s->duplicates = 0;
    s->state = SENDER_TIMED_OUT;
    s->recover = pcb->snd_nxt;
    s->probing = false;
    losses_all(t);
    s->credit = t->pcb->mss;
    losses_begin(t);
    sender_resend_lost(t);
    conn_mark_dirty(t);
}
