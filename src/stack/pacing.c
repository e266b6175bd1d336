/* SPDX-License-Identifier: MIT */
#include "stack/pacing.h"

/* A tunnel's timers have a grain of 1 ms, and come late; 64 KiB are one batch of datagrams. */
enum { GRAIN_NS = 1000000, LATE_NS = 50000000, QUANTUM_MAX = 64 * 1024, INITIAL_SEGMENTS = 10 };

/* So much leaves at once, that it is worth a wake-up; of many flows, each comes back less often. */
static uint64_t quantum(const struct stack_tcp *t)
{
    uint64_t grain = t->stack->sender_pause > GRAIN_NS ? t->stack->sender_pause : GRAIN_NS;
    uint64_t bytes = t->sender.congestion.rate * grain / NS_PER_S, least = 2u * t->pcb->mss;
    return bytes < least ? least : bytes < QUANTUM_MAX ? bytes : QUANTUM_MAX;
}

static uint64_t time_for(uint64_t bytes, uint64_t rate)
{
    return bytes * NS_PER_S / rate;
}

/* How much time may be made up for. Where the pace alone held it back, it is our turns that were late;
 * while it waited for something else, nothing was earned. */
static uint64_t slack(const struct stack_tcp *t, uint64_t rate)
{
    uint64_t late = t->sender.paced_due != NEVER ? LATE_NS : 2 * GRAIN_NS;
    uint64_t usual = late + time_for(2 * quantum(t), rate);
    uint64_t first = t->pcb->unacked ? 0 : time_for(INITIAL_SEGMENTS * t->pcb->mss, rate);
    return usual > first ? usual : first;
}

void pacing_earn(struct stack_tcp *t)
{
    struct sender *s = &t->sender;
    uint64_t rate = s->congestion.rate, now = t->stack->mono;
    if (rate == 0) {
        s->paced_at = now;
        s->credit = UINT32_MAX;
        return;
    }
    uint64_t most = slack(t, rate);
    if (now - s->paced_at > most) {
        s->paced_at = now - most;
    }
    uint64_t bytes = (now - s->paced_at) * rate / NS_PER_S;
    s->credit = bytes < quantum(t) ? 0 : bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

void pacing_pay(struct stack_tcp *t, uint32_t sent, bool more)
{
    struct sender *s = &t->sender;
    uint64_t rate = s->congestion.rate;
    s->paced_due = NEVER;
    if (rate == 0) {
        return;
    }
    s->paced_at += time_for(sent, rate);
    if (more && s->credit < t->pcb->mss) {
        uint64_t due = s->paced_at + time_for(quantum(t), rate) + 1;
        uint64_t soonest = t->stack->mono + GRAIN_NS;
        s->paced_due = due > soonest ? due : soonest;
    }
}
