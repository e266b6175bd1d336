/* SPDX-License-Identifier: MIT */
/* Time for TCP. lwIP wants its fast timer every 50 ms and its slow one every 100 ms, 20 wake-ups a
 * second, as soon as there is any connection. Here they run only while something waits: the fast
 * one for delayed acknowledgements, the slow one while bytes, a SYN or a FIN are under way, once a
 * second for connections that have longer to wait. lwIP's tick count is set from the clock at each
 * entry, so that no tick is missed.
 *
 * lwIP's timers walk through all connections. So one that waits for nothing is parked: off lwIP's list
 * until a packet or its user wakes it. Ten thousand idle connections have no timer and cost nothing.
 * Those in TIME_WAIT are off it too, in a queue of ours by age. */
#include "stack/black_hole.h"
#include "stack/conn.h"

#include "stack/memory.h"

#include <assert.h>

#define FAST_NS (TCP_FAST_INTERVAL * NS_PER_MS)
#define SLOW_NS (TCP_SLOW_INTERVAL * NS_PER_MS)
#define IDLE_NS NS_PER_S

/* A connection that is looked at costs 0.1 us: a twentieth of the time is spent on it at most. */
#define SEARCH_NS (2 * NS_PER_US)

/* With many of them, each paces in longer steps: a packet that leaves alone costs four times as much. */
#define PAUSE_NS (20 * NS_PER_US)

/* How long a connection in need of memory waits. */
#define RETRY_NS (50 * NS_PER_MS)

/* Connections in TIME_WAIT; the oldest go before their time. lwIP bounds them only when malloc
 * fails. */
enum { TIME_WAIT_MAX = 4096, TIME_WAIT_TICKS = 2 * TCP_MSL / TCP_SLOW_INTERVAL };

/* When more than half of what was in the heap is free, its holes are worth a search; not too often. */
enum { TRIM_MIN = 512 * 1024, IN_HEAP_FLOW = 1024 /* with what lwIP and the user have for it */ };
#define TRIM_NS (5 * NS_PER_S)

void ticks_init(struct stack *s)
{
    s->fast_due = s->slow_due = s->sender_due = s->retry_due = s->time_wait_due = NEVER;
}

void ticks_arm(struct stack *s)
{
    if (!tcp_active_pcbs) {
        return;
    }
    s->fast_due = deadline_min(s->fast_due, s->mono + FAST_NS);
    s->slow_due = deadline_min(s->slow_due, s->mono + SLOW_NS);
}

/* lwIP put a pcb on a list. */
void tcp_timer_needed(void)
{
    ticks_arm(instance_current());
}

void ticks_starve(struct stack_tcp *t)
{
    if (!list_linked(&t->starved)) {
        list_push_back(&t->stack->tcp_starved, &t->starved);
    }
    t->stack->retry_due = deadline_min(t->stack->retry_due, t->stack->mono + RETRY_NS);
}

static void feed_starved(struct stack *s)
{
    s->retry_due = NEVER;
    for (struct list *l; (l = list_pop_front(&s->tcp_starved));) {
        struct stack_tcp *t = list_item(l, struct stack_tcp, starved);
        conn_mark_dirty(t);
        if (t->want_space) {
            t->want_space = false;
            conn_notify(t, STACK_TCP_WRITABLE);
        }
    }
}

/* RFC 6298 5.5: each SYN waits twice as long as the one before. lwIP would send one a second. */
static void back_off_syn(struct tcp_pcb *pcb)
{
    if (pcb->state == SYN_SENT) {
        pcb->rto = (s16_t)(LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL << pcb->nrtx);
    }
}

static bool needs_fast(const struct tcp_pcb *pcb)
{
    return (pcb->flags & (TF_ACK_DELAY | TF_CLOSEPEND)) != 0;
}

static bool needs_slow(const struct tcp_pcb *pcb)
{
    return pcb->unacked || pcb->unsent || pcb->ooseq || pcb->persist_backoff > 0;
}

/* No deadline of lwIP's and none of ours. */
static bool waits_for_nothing(const struct stack_tcp *t)
{
    const struct tcp_pcb *pcb = t->pcb;
    bool settled =
        pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT || pcb->state == FIN_WAIT_2;
    return settled && t->has_user && !needs_fast(pcb) && !needs_slow(pcb) && !pcb->refused_data &&
           t->stuck_due == NEVER;
}

static void park(struct stack_tcp *t)
{
    TCP_PCB_UNLINK(t->pcb);
    TCP_PCB_LINK(&t->stack->tcp_parked, t->pcb);
    t->parked = true;
}

void ticks_wake(struct stack_tcp *t)
{
    if (t->parked && t->pcb && t->pcb->state != TIME_WAIT) {
        t->parked = false;
        TCP_PCB_UNLINK(t->pcb);
        TCP_PCB_LINK(&tcp_active_pcbs, t->pcb);
        ticks_arm(t->stack);
    }
}

static void give_up_orphan(struct stack *s, struct stack_tcp *t)
{
    if (!t->has_user && !t->listener && s->mono >= t->orphan_due) {
        conn_drop_pcb(t, true);
    }
}

/* lwIP counts its slow ticks: more of them would be more time to it. */
static uint64_t not_before_a_tick(const struct stack *s, uint64_t due)
{
    return due > s->mono + SLOW_NS ? due : s->mono + SLOW_NS;
}

/* What do the active pcbs wait for? */
static void survey_active(struct stack *s)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs, *next; pcb; pcb = next) {
        next = pcb->next;
        back_off_syn(pcb);
        if (needs_fast(pcb)) {
            s->fast_due = s->mono + FAST_NS;
        }
        if (needs_slow(pcb)) {
            s->slow_due = deadline_min(s->slow_due, s->mono + SLOW_NS);
        }
        struct stack_tcp *t = conn_of_pcb(pcb);
        conn_suspect_black_hole(t);
        black_hole_watch(t);
        s->slow_due = deadline_min(s->slow_due, not_before_a_tick(s, t->stuck_due));
        if (waits_for_nothing(t)) {
            park(t);
        } else {
            give_up_orphan(s, t);
        }
    }
}

/* True when it is to be done but too early: also while there are blocks that the heap will have next. */
static bool trim_after_a_peak(struct stack *s, bool blocks)
{
    size_t in_heap = s->flows.n * IN_HEAP_FLOW + s->chunks.n_small * CHUNK_SMALL;
    s->most_in_heap = in_heap > s->most_in_heap ? in_heap : s->most_in_heap;
    if (s->most_in_heap < TRIM_MIN || in_heap > s->most_in_heap / 2) {
        return false;
    }
    if (blocks || s->mono < s->trim_due) {
        return true;
    }
    s->most_in_heap = in_heap;
    s->trim_due = s->mono + TRIM_NS;
    memory_trim_heap();
    return false;
}

/* What a busier time needed goes back to the system. */
static void settle(struct stack *s)
{
    bool chunks = chunk_pool_settle(&s->chunks), blocks = memory_settle();
    bool more = trim_after_a_peak(s, blocks) || chunks || blocks;
    if (tcp_active_pcbs || more) {
        s->slow_due = deadline_min(s->slow_due, s->mono + IDLE_NS);
    }
}

/* Between two slow ticks the next one is not put off, or whoever has something to acknowledge all the
 * time would keep the others from being sent again. */
static void survey(struct stack *s, bool slow)
{
    uint64_t before = slow ? NEVER : s->slow_due;
    s->fast_due = s->slow_due = NEVER;
    survey_active(s);
    settle(s);
    if (s->slow_due != NEVER) {
        s->slow_due = deadline_min(s->slow_due, before);
    }
}

/* ---- TIME_WAIT ---- */

static struct stack_tcp *oldest_in_time_wait(const struct stack *s)
{
    return list_empty(&s->time_wait) ? NULL
                                     : list_item(s->time_wait.next, struct stack_tcp, pending);
}

/* By lwIP's own count of time, which began with the last FIN that came. */
static void plan_time_wait(struct stack *s)
{
    const struct stack_tcp *t = oldest_in_time_wait(s);
    s->time_wait_due = NEVER;
    if (t) {
        uint32_t gone = tcp_ticks - t->pcb->tmr;
        uint64_t now = s->mono / SLOW_NS;
        s->time_wait_due = (now - gone + TIME_WAIT_TICKS + 1) * SLOW_NS;
    }
}

static void end_time_wait(struct stack *s)
{
    conn_drop_pcb(oldest_in_time_wait(s), false); /* -> ticks_time_wait_over */
}

void ticks_time_wait_over(struct stack_tcp *t)
{
    list_remove(&t->pending);
    t->stack->n_time_wait--;
    plan_time_wait(t->stack);
}

void ticks_time_wait(struct stack_tcp *t)
{
    struct stack *s = t->stack;
    if (!list_linked(&t->pending)) {
        s->n_time_wait++;
        park(t);
    } else if (t->pcb->tmr != tcp_ticks) {
        return; /* no FIN came, which alone begins the time anew (RFC 9293 3.10.7.4) */
    }
    list_remove(&t->pending);
    list_push_back(&s->time_wait, &t->pending);
    plan_time_wait(s);
    if (s->n_time_wait > TIME_WAIT_MAX) {
        end_time_wait(s);
    }
}

void stack_retry(struct stack *s, struct now now)
{
    instance_enter_at(s, now);
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        if (pcb->nrtx > 0 && pcb->rtime >= 0) {
            pcb->rtime = pcb->rto;
            pcb->nrtx--; /* one more chance, not one less */
            ticks_arm(s);
        }
    }
}

static uint64_t sender_deadline(const struct stack *s)
{
    return s->sender_due > s->sender_not_before ? s->sender_due : s->sender_not_before;
}

uint64_t ticks_next_deadline(const struct stack *s)
{
    uint64_t timers = deadline_min(deadline_min(s->fast_due, s->slow_due), sender_deadline(s));
    return deadline_min(timers, deadline_min(s->retry_due, s->time_wait_due));
}

/* lwIP ends a connection in LAST_ACK 2 MSL after it was closed, and what is still under way with it,
 * without a word to the peer. RFC 9293 has no such timer: retransmission gives up by itself, and
 * give_up_orphan sees to those without a user. */
static void keep_last_acks(void)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        if (pcb->state == LAST_ACK) {
            pcb->tmr = tcp_ticks;
        }
    }
}

/* Each acknowledgement puts its connection's deadline off. The one of the stack is found anew only
 * when it has come, and not so often that the search costs much: a sender makes up for it. */
static void run_senders(struct stack *s)
{
    size_t n = 0;
    s->sender_due = NEVER;
    for (struct tcp_pcb *pcb = tcp_active_pcbs, *next; pcb; pcb = next) {
        next = pcb->next;
        struct stack_tcp *t = conn_of_pcb(pcb);
        if (s->mono >= t->sender.due) {
            sender_tick(t);
        }
        s->sender_due = deadline_min(s->sender_due, t->sender.due);
        n++;
    }
    s->sender_not_before = s->mono + n * SEARCH_NS;
    s->sender_pause = n * PAUSE_NS;
}

void ticks_run(struct stack *s)
{
    bool fast = s->mono >= s->fast_due, slow = s->mono >= s->slow_due;
    if (s->mono >= s->retry_due) {
        feed_starved(s);
    }
    if (s->mono >= sender_deadline(s)) {
        run_senders(s);
    }
    if (fast) {
        tcp_fasttmr();
    }
    if (slow) {
        keep_last_acks();
        tcp_ticks--; /* it counts this one itself */
        tcp_slowtmr();
        assert(tcp_ticks == instance_ticks(s));
    }
    if (fast || slow) {
        survey(s, slow);
    }
    while (s->mono >= s->time_wait_due) {
        end_time_wait(s);
        if (list_empty(&s->time_wait)) { /* what they held is to be settled */
            s->slow_due = deadline_min(s->slow_due, s->mono + IDLE_NS);
        }
    }
}
