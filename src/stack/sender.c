/* SPDX-License-Identifier: MIT */
#include "stack/sender.h"

#include "stack/gate.h"
#include "stack/losses.h"
#include "stack/pacing.h"

#include <lwip_hooks.h>

/* The retransmission timeout is counted in lwIP's slow ticks, of which the first may be short. */
enum {
    TICK_US = TCP_SLOW_INTERVAL * 1000,
    TIMEOUT_MIN_US = 200000,
    TIMEOUT_TICKS_MAX = 600,
    BACKOFF_MAX = 7
};

/* RFC 8985 7.2: two round trips, and for a lone segment what a receiver may hold back an acknowledgement
 * for. Most do for 40 or 50 ms (Linux, Windows), some for 200; a probe that was for nothing costs a
 * packet, and waiting for the timeout a quarter of a second. */
enum { PROBE_MIN_US = 10000, HELD_BACK_US = 50000, HELD_BACK_MAX_US = 200000 };

/* A segment takes 6 ns or 12 to look at: about a tenth of the time is spent on it at most. */
enum { LOOK_NS_PER_SEGMENT = 100, SHORT_FLIGHT = 256 /* full segments: looked at at any time */ };

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

/* Bytes between the oldest in flight and the first that was never sent. A FIN is none, as in a
 * segment's length. */
static uint32_t in_flight(const struct tcp_pcb *pcb)
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

/* Of these, what is on the path: RFC 6675's pipe. */
static uint32_t on_path(const struct stack_tcp *t)
{
    const struct sender *s = &t->sender;
    uint32_t off = s->sacked + s->lost - s->resent, all = in_flight(t->pcb);
    return all > off ? all - off : 0;
}

static bool is_troubled(const struct stack_tcp *t)
{
    const struct sender *s = &t->sender;
    return s->state != SENDER_NORMAL || s->fresh.n > 0 || s->sacked > 0 || s->lost > 0 ||
           (t->pcb->dupacks > 0 && !(t->pcb->flags & TF_SACK));
}

/* Always one at least, when nothing else is on the path. */
static void resend_lost(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    uint32_t path = on_path(t);
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
    bool is_short = in_flight(t->pcb) <= SHORT_FLIGHT * t->pcb->mss;
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

/* Karn's rule: what stood behind something that was sent again may have arrived long ago. */
static void take_sample(struct stack_tcp *t)
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
    take_sample(t);
    gather_blocks(t);
    end_probe(t, bytes > 0);
    if (bytes > 0) {
        s->last_event = t->stack->mono;
        set_timeout(t, 0);
    } else {
        wait_for_window(t);
    }
    pcb->cwnd = in_flight(pcb); /* nothing new before the end of the turn */
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
    resend_lost(t);
    conn_mark_dirty(t);
}

/* ---- what is to be done ---- */

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

/* Us; where nothing is held back. */
static uint32_t probe_wait(const struct sender *s)
{
    uint32_t us = 2 * s->rtt.smoothed;
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
            .in_flight = on_path(t),
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
    take_sample(t);
    s->look_at = t->stack->mono + v.n_segments * LOOK_NS_PER_SEGMENT;
    bool pardoned = follow(t);
    learn(t, v.lost);
    return pardoned ? probe_wait(s) : v.wait; /* it may have been lost all the same */
}

static uint64_t probe_time(const struct stack_tcp *t)
{
    const struct sender *s = &t->sender;
    uint32_t us = 2 * s->rtt.smoothed;
    us += t->pcb->unacked->next ? 0 : s->held_back;
    return s->last_event + (us > PROBE_MIN_US ? us : PROBE_MIN_US) * NS_PER_US;
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
        resend_lost(t);
    }
    uint64_t window = (uint64_t)s->congestion.window + s->sacked + s->lost - s->resent;
    uint64_t paced = (uint64_t)in_flight(pcb) + s->credit;
    pcb->cwnd = (uint32_t)(window < paced ? window : paced < UINT32_MAX ? paced : UINT32_MAX);
    tcp_output(pcb);
    bool more = has_more(t);
    s->held = on_path(t) + pcb->mss > s->congestion.window;
    if (!s->held && (s->credit >= pcb->mss || !more)) {
        s->limited = true;
        s->limited_until = s->arrived + on_path(t);
    }
    pacing_pay(t, credit - s->credit, more && !s->held);
}

void sender_output(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    if (!is_troubled(t)) {
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
    uint32_t flight = in_flight(pcb);
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
    if (is_troubled(t) || t->stack->mono >= t->sender.paced_due) {
        sender_output(t);
    } else if (t->pcb->unacked) {
        probe(t);
    }
}
