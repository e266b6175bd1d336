/* SPDX-License-Identifier: MIT */
/* The receive window of each connection: small while it is idle or its reader is slow, growing
 * while the reader keeps up, so that a fast transfer is never held up by us and a slow reader never
 * holds much memory.
 *
 * The rule: begin with 64 KiB, and double for a reader that takes half a window at a time, up to 256
 * KiB. Each round trip, the window becomes four times what the reader took in it if that is more, up
 * to 16 MiB: a sender in slow start sends twice as much in the next, and has the window for twice of
 * that. The round trip is the handshake's, so that queues on the way do not inflate the window that
 * fills them.
 *
 * Near by, where a round trip is shorter than the pauses between the turns of busy programs, what
 * arrives after a pause comes at the speed of memory. So the rate is taken over a few milliseconds,
 * and twice a round trip is enough: whatever more the peer may send only stands in a queue, and makes
 * every other connection of the tunnel wait for it.
 *
 * When more than half a window lies unread at the end of a turn, halve it; the edge that was already
 * announced stays (RFC 9293 3.8.6), so that the window narrows as the reader drains it. When all
 * queues of the stack together exceed a budget, none grows, neither these nor the send queues. */
#include "stack/conn.h"

#include <assert.h>

enum {
    WINDOW_START = 64 * 1024, /* lwIP and the peer agreed on no less in the SYN */
    WINDOW_EASY = 256 * 1024,
    WINDOW_ROUND_TRIPS = 4,
    WINDOW_ROUND_TRIPS_NEAR = 2,
    BUDGET = 64 * 1024 * 1024,
};

static_assert(WINDOW_START <= TCP_WND, "lwIP's ceiling");

/* A SYN that was repeated makes the round trip look long. */
#define ROUND_TRIP_MIN (NS_PER_MS / 10)
#define ROUND_TRIP_MAX NS_PER_S
#define RATE_OVER (4 * NS_PER_MS)

bool window_is_pressed(const struct stack *s)
{
    return s->chunks.bytes + s->copied > BUDGET;
}

/* lwIP believes that it announced TCP_WND, or 65535 to a peer that does not scale. */
void window_open(struct stack_tcp *t)
{
    struct tcp_pcb *pcb = t->pcb;
    t->window = TCP_WND_MAX(pcb);
    if (t->window > WINDOW_START) {
        t->window = WINDOW_START;
        pcb->rcv_wnd = pcb->rcv_ann_wnd = WINDOW_START;
        pcb->rcv_ann_right_edge = pcb->rcv_nxt + WINDOW_START;
    }
    uint64_t took = t->stack->mono - t->window_since;
    took = took < ROUND_TRIP_MIN ? ROUND_TRIP_MIN : took < ROUND_TRIP_MAX ? took : ROUND_TRIP_MAX;
    t->round_trip = (uint32_t)took;
    t->window_since = t->stack->mono;
}

void window_consumed(struct stack_tcp *t, size_t n)
{
    t->window_read += (uint32_t)n;
    if (!t->pcb) {
        return;
    }
    bool pressed = window_is_pressed(t->stack);
    size_t most = TCP_WND_MAX(t->pcb);
    if (t->window < WINDOW_EASY && 2 * t->window <= most && t->window_read >= t->window / 2 &&
        !pressed) {
        t->window *= 2;
    }
    uint64_t elapsed = t->stack->mono - t->window_since;
    if (elapsed < t->round_trip || elapsed < RATE_OVER) {
        return;
    }
    uint64_t per_round_trip = (uint64_t)t->window_read * t->round_trip / elapsed;
    uint64_t due =
        (t->round_trip < RATE_OVER ? WINDOW_ROUND_TRIPS_NEAR : WINDOW_ROUND_TRIPS) * per_round_trip;
    if (due > t->window && !pressed) {
        t->window = (uint32_t)(due < most ? due : most);
    }
    t->window_since = t->stack->mono;
    t->window_read = 0;
}

void window_left(struct stack_tcp *t, size_t unread)
{
    if (unread > t->window / 2 && t->window / 2 >= WINDOW_START) {
        t->window /= 2;
    }
}

/* tcp_recved takes 16 bits and may send an update for each call: add the whole credit, then call it
 * once. */
void window_credit(struct stack_tcp *t)
{
    struct tcp_pcb *pcb = t->pcb;
    size_t unread = conn_unread(t);
    size_t due = t->window > unread ? t->window - unread : 0;
    if (!t->got_fin && due > pcb->rcv_wnd) {
        pcb->rcv_wnd = (tcpwnd_size_t)due;
        tcp_recved(pcb, 0);
    }
}
