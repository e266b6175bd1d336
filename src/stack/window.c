/* SPDX-License-Identifier: MIT */
/* The receive window of each connection: small while it is idle or its reader is slow, growing while the reader keeps
 * up, so that a fast transfer is never held up by us and a slow reader never holds much memory.
 *
 * The rule: begin with 256 KiB. Once the reader has taken a whole window's worth and never left more than half a window
 * lying at the end of a turn, double it, up to 8 MiB: a sender in slow start, which doubles at most once per round trip,
 * never catches up with that. When more than half a window is left lying, halve it; the edge that was already announced
 * stays, RFC 9293 3.8.6, so that the window narrows as the reader drains it. When all unread bytes of the stack together
 * exceed a budget, nothing grows. */
#include "stack/conn.h"

#include <assert.h>

enum {
    WINDOW_START = 256 * 1024,
    WINDOW_PRESSED = 64 * 1024, /* lwIP and the peer agreed on at least so much in the SYN */
    BUDGET = 64 * 1024 * 1024,
};

static_assert(WINDOW_START <= TCP_WND, "lwIP's ceiling");

static bool is_pressed(const struct stack *s)
{
    return s->chunks.bytes > BUDGET;
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
}

void window_consumed(struct stack_tcp *t, size_t n)
{
    t->window_read += n;
    if (t->pcb && t->window_read >= t->window && !is_pressed(t->stack)) {
        t->window_read = 0;
        size_t twice = 2 * t->window, most = TCP_WND_MAX(t->pcb);
        t->window = twice < most ? twice : most;
    }
}

void window_left(struct stack_tcp *t, size_t unread)
{
    if (unread <= t->window / 2) {
        return;
    }
    size_t least = is_pressed(t->stack) ? WINDOW_PRESSED : WINDOW_START;
    t->window_read = 0;
    if (t->window / 2 >= least) {
        t->window /= 2;
    }
}

/* tcp_recved takes 16 bits and may send an update for each call: add the whole credit, then call it once. */
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
