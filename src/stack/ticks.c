/* SPDX-License-Identifier: MIT */
/* Time for TCP. lwIP wants its fast timer every 50 ms and its slow one every 100 ms, 20 wake-ups a
 * second, as soon as there is any connection. Here they run only while something waits: the fast
 * one for delayed acknowledgements, the slow one while bytes, a SYN or a FIN are under way; once a
 * second when every connection is idle or in TIME_WAIT; and never when there is none. lwIP's tick
 * count is set from the clock at each entry, so that no tick is missed. */
#include "stack/black_hole.h"
#include "stack/conn.h"

#include <assert.h>

#define FAST_NS (TCP_FAST_INTERVAL * NS_PER_MS)
#define SLOW_NS (TCP_SLOW_INTERVAL * NS_PER_MS)
#define IDLE_NS NS_PER_S

/* How long a connection in need of memory waits. */
#define RETRY_NS (50 * NS_PER_MS)

/* Connections in TIME_WAIT; the oldest go before their time. lwIP bounds them only when malloc
 * fails. */
enum { TIME_WAIT_MAX = 4096 };

void ticks_init(struct stack *s)
{
    s->fast_due = s->slow_due = s->retry_due = NEVER;
}

/* Those that only listen wait for nothing. */
static bool has_pcbs(void)
{
    return tcp_active_pcbs || tcp_tw_pcbs;
}

void ticks_arm(struct stack *s)
{
    if (!has_pcbs()) {
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

static void give_up_orphan(struct stack *s, struct tcp_pcb *pcb)
{
    struct stack_tcp *t = conn_of_pcb(pcb);
    if (!t->has_user && !t->listener && s->mono >= t->orphan_due) {
        conn_drop_pcb(t, true);
    }
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
        s->slow_due = deadline_min(s->slow_due, t->stuck_due);
        give_up_orphan(s, pcb);
    }
}

/* The list begins with the youngest. */
static void prune_time_wait(void)
{
    struct tcp_pcb *pcb = tcp_tw_pcbs;
    for (int i = 1; pcb && i < TIME_WAIT_MAX; i++) {
        pcb = pcb->next;
    }
    if (!pcb) {
        return;
    }
    struct tcp_pcb *old = pcb->next;
    pcb->next = NULL;
    while (old) {
        struct tcp_pcb *next = old->next;
        tcp_free(old); /* tcp_pcb_purge was done when it entered TIME_WAIT */
        old = next;
    }
}

static void survey(struct stack *s)
{
    s->fast_due = NEVER;
    s->slow_due = has_pcbs() ? s->mono + IDLE_NS : NEVER;
    survey_active(s);
    prune_time_wait();
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

uint64_t ticks_next_deadline(const struct stack *s)
{
    return deadline_min(deadline_min(s->fast_due, s->slow_due), s->retry_due);
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

void ticks_run(struct stack *s)
{
    bool fast = s->mono >= s->fast_due, slow = s->mono >= s->slow_due;
    if (s->mono >= s->retry_due) {
        feed_starved(s);
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
        survey(s);
    }
}
