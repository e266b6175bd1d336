/* SPDX-License-Identifier: MIT */
/* The end of a turn, for every connection that had one: bytes that nobody took leave the receive
 * buffers, the window opens for those that were taken, and what was committed goes to lwIP, by
 * reference and in one go. */
#include "stack/conn.h"

#include <assert.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip_hooks.h>

/* Within a turn, so much at most is acknowledged at once (a receiver behind an interface that merges
 * segments does the same); and fewer while the flow is young or has holes, since many a sender opens
 * its window by the acknowledgements that it counts (RFC 3465). */
enum { ACK_STEP_MAX = 64 * 1024, ACK_STEP_MIN_SEGMENTS = 2 };

/* The send queue may hold twice what is in flight: one half on its way, one half to follow. It
 * doubles at most once per round trip, as the sender's window does, and stays: empty, it costs
 * nothing. While memory is short each queue has only a little. */
enum { TX_LIMIT_MAX = 16 * 1024 * 1024, TX_LIMIT_PRESSED = 64 * 1024 };

static_assert(TX_LIMIT_MAX <= TCP_SND_BUF, "lwIP's ceiling");

size_t conn_unread(const struct stack_tcp *t)
{
    return t->rx.len + t->fresh.len;
}

static void free_first(struct fresh *f)
{
    struct pbuf *p = f->head;
    f->head = p->next;
    if (!f->head) {
        f->tail = NULL;
    }
    f->len -= p->len;
    p->next = NULL;
    pbuf_free(p);
}

void conn_free_fresh(struct stack_tcp *t)
{
    while (t->fresh.head) {
        free_first(&t->fresh);
    }
}

/* Without memory the bytes stay in the receive buffers until the next turn. */
static void keep_unread(struct stack_tcp *t)
{
    while (t->fresh.head) {
        if (!chunkq_append(&t->rx, t->fresh.head->payload, t->fresh.head->len)) {
            ticks_starve(t);
            return;
        }
        free_first(&t->fresh);
    }
}

/* lwIP makes no segment larger than half of the largest window that it has seen, but full ones while it has seen none, and
 * asserts that none in its queue is larger than that. A segment of a byte takes three blocks of memory. So a peer with a
 * window of a few bytes gets one segment at a time, and one that has not opened any a byte to be probed with. */
enum { WINDOW_MIN = 128 };

static size_t most_at_once(const struct tcp_pcb *pcb)
{
    if (pcb->snd_wnd_max >= WINDOW_MIN) {
        return UINT16_MAX;
    }
    return pcb->unsent || pcb->unacked ? 0 : pcb->snd_wnd_max >= 2 ? pcb->snd_wnd_max / 2 : 1;
}

/* One piece, or as much of it as lwIP takes now: lengths and its queue of pbufs are counted in 16
 * bits. */
static bool write_piece(struct stack_tcp *t)
{
    size_t len, most = most_at_once(t->pcb);
    const uint8_t *piece = chunkq_next(&t->tx, &len);
    size_t n = len < most ? len : most;
    n = n < t->pcb->snd_buf ? n : t->pcb->snd_buf; /* tcp_sndbuf() cuts it to 16 bits */
    if (!piece || n == 0) {
        return false;
    }
    u8_t flags = n < t->tx.len - t->tx.taken ? TCP_WRITE_FLAG_MORE : 0;
    if (tcp_write(t->pcb, piece, (u16_t)n, flags) != ERR_OK) {
        if (!t->pcb->unacked && !t->pcb->unsent) {
            ticks_starve(t); /* no acknowledgement will bring us back here */
        }
        return false;
    }
    chunkq_take(&t->tx, n);
    return true;
}

/* Nobody reads any more: from now on data is answered with an RST. tcp_close itself would send one
 * if it found the window narrower than its own, which is how it notices unread bytes. */
static void close_pcb(struct stack_tcp *t)
{
    t->closed = true;
    t->pcb->rcv_wnd = TCP_WND_MAX(t->pcb);
    if (t->pcb->state != TIME_WAIT) {
        t->pcb->tmr = tcp_ticks; /* FIN_WAIT_2 counts from here */
    }
    tcp_close(t->pcb);
}

static void send_fin(struct stack_tcp *t)
{
    if (!t->has_user && !t->closed) {
        t->fin_sent = true;
        close_pcb(t);
    } else if (!t->fin_sent) {
        t->fin_sent = tcp_shutdown(t->pcb, 0, 1) == ERR_OK;
    }
}

size_t conn_tx_limit(const struct stack_tcp *t)
{
    return window_is_pressed(t->stack) ? TX_LIMIT_PRESSED : t->tx_limit;
}

static void raise_limit(struct stack_tcp *t)
{
    uint32_t in_flight = t->pcb->snd_nxt - t->pcb->lastack;
    if (2 * in_flight > t->tx_limit && !window_is_pressed(t->stack)) {
        t->tx_limit = 2 * in_flight < TX_LIMIT_MAX ? 2 * in_flight : TX_LIMIT_MAX;
    }
}

static void note_acknowledged(struct stack_tcp *t)
{
    if (!(t->pcb->flags & (TF_ACK_NOW | TF_ACK_DELAY))) {
        t->acked = t->pcb->rcv_nxt;
    }
}

/* A segment came, and its acknowledgement or the data that it let go are due. One packet at the end
 * of the turn acknowledges them all; before that only every ack_step bytes have one. What comes out
 * of order never gets here with its acknowledgement still to send. */
int stack_hook_defer_output(struct tcp_pcb *pcb)
{
    struct stack_tcp *t = conn_of_pcb(pcb);
    if (!t || t->state != CONN_OPEN || pcb->state == TIME_WAIT) {
        return false;
    }
    uint32_t least = ACK_STEP_MIN_SEGMENTS * (uint32_t)pcb->mss;
    if (pcb->ooseq || t->ack_step < least) {
        t->ack_step = least;
    }
    if (pcb->rcv_nxt - t->acked >= t->ack_step) {
        t->acked = pcb->rcv_nxt;
        t->ack_step += t->ack_step < ACK_STEP_MAX ? pcb->mss : 0;
        conn_mark_dirty(t);
        return false;
    }
    conn_mark_dirty(t);
    return true;
}

static void flush(struct stack_tcp *t)
{
    chunkq_trim(&t->tx);
    if (t->fresh.len > 0) {
        window_left(t, conn_unread(t));
        keep_unread(t);
    }
    if (t->state != CONN_OPEN || !t->pcb) {
        return;
    }
    ticks_wake(t);
    while (write_piece(t)) {
    }
    if (t->fin_wanted && t->tx.taken == t->tx.len) {
        send_fin(t);
    }
    window_credit(t);
    sender_output(t);
    note_acknowledged(t);
    raise_limit(t);
}

void conn_flush_all(struct stack *s)
{
    struct list batch;
    list_take(&batch, &s->tcp_dirty);
    if (!list_empty(&batch)) {
        ticks_arm(s);
    }
    for (struct list *l; (l = list_pop_front(&batch));) {
        flush(list_item(l, struct stack_tcp, dirty));
    }
}
