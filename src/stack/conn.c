/* SPDX-License-Identifier: MIT */
/* Life and death of a connection, and lwIP's callbacks: they note what happened, and the handler
 * hears of it from stack_dispatch. See conn.h. */
#include "stack/conn.h"

#include "base/err.h"
#include "stack/black_hole.h"
#include "stack/lwip_addr.h"

#include <assert.h>
#include <stdlib.h>

/* A queue of this size keeps 20 ms at 100 Mbit/s in flight; conn_flush.c lets it grow. */
enum { TX_LIMIT_START = 256 * 1024 };

/* Room enough to be worth waking a writer. */
enum { TX_ROOM_MIN = 64 * 1024 };

/* The one pointer of ours that a pcb carries (LWIP_TCP_PCB_NUM_EXT_ARGS). */
enum { EXT_ARG = 0 };

void conn_set_state(struct stack_tcp *t, enum conn_state state)
{
    assert(t->state != CONN_FAILED);
    t->state = state;
}

struct stack_tcp *conn_new(struct stack *s, enum conn_state state)
{
    struct stack_tcp *t = calloc(1, sizeof *t);
    if (!t) {
        return NULL;
    }
    t->stack = s;
    t->state = state;
    t->window_since = s->mono;
    list_init(&t->all);
    list_init(&t->ready);
    list_init(&t->dirty);
    list_init(&t->starved);
    list_init(&t->pending);
    list_push_back(&s->conns, &t->all);
    chunkq_init(&t->tx, &s->chunks);
    chunkq_init(&t->rx, &s->chunks);
    t->tx_limit = TX_LIMIT_START;
    t->stuck_due = NEVER;
    t->sender.due = NEVER;
    return t;
}

static void conn_free(struct stack_tcp *t)
{
    if (t->stack->input_conn == t) {
        t->stack->input_conn = NULL;
    }
    if (t->listener) {
        list_remove(&t->pending);
        t->listener->n_pending--;
    }
    conn_free_fresh(t);
    chunkq_fini(&t->rx);
    chunkq_fini(&t->tx);
    list_remove(&t->all);
    list_remove(&t->ready);
    list_remove(&t->dirty);
    list_remove(&t->starved);
    free(t);
}

void conn_release(struct stack_tcp *t)
{
    if (!t->pcb && !t->has_user) {
        conn_free(t);
    }
}

/* lwIP frees the pcb, by whatever way: it may be the last it hears of it, or the error callback may
 * follow. */
static void on_destroy(u8_t id, void *arg)
{
    (void)id;
    struct stack_tcp *t = arg;
    flowtab_remove(&t->stack->flows, &t->flow);
    t->pcb = NULL;
    if (!t->listener && list_linked(&t->pending)) {
        ticks_time_wait_over(t);
    }
    if (t->state != CONN_FAILED) {
        conn_set_state(t, CONN_OVER);
    }
    conn_release(t);
}

static const struct tcp_ext_arg_callbacks ext_callbacks = {.destroy = on_destroy};

void conn_bind_pcb(struct stack_tcp *t, struct tcp_pcb *pcb)
{
    t->pcb = pcb;
    t->flow.key = (struct flow_key){
        .local = addr_from_lwip(&pcb->local_ip),
        .remote = addr_from_lwip(&pcb->remote_ip),
        .local_port = pcb->local_port,
        .remote_port = pcb->remote_port,
    };
    flowtab_add(&t->stack->flows, &t->flow);
    tcp_ext_arg_set_callbacks(pcb, EXT_ARG, &ext_callbacks);
    tcp_ext_arg_set(pcb, EXT_ARG, t);
}

struct stack_tcp *conn_of_pcb(const struct tcp_pcb *pcb)
{
    return tcp_ext_arg_get(pcb, EXT_ARG);
}

void conn_notify(struct stack_tcp *t, unsigned events)
{
    if (t->has_user || t->listener) {
        t->events |= events;
        if (!list_linked(&t->ready)) {
            list_push_back(&t->stack->tcp_ready, &t->ready);
        }
    }
}

void conn_mark_dirty(struct stack_tcp *t)
{
    if (!list_linked(&t->dirty)) {
        list_push_back(&t->stack->tcp_dirty, &t->dirty);
    }
}

static bool is_orphan(const struct stack_tcp *t)
{
    return !t->has_user && !t->listener;
}

void conn_drop_pcb(struct stack_tcp *t, bool reset)
{
    if (t->pcb) {
        tcp_err(t->pcb, NULL);
        tcp_abandon(t->pcb, reset); /* -> on_destroy */
    }
}

void conn_kill(struct stack_tcp *t)
{
    t->has_user = false;
    if (t->pcb) {
        conn_drop_pcb(t, false);
    } else {
        conn_release(t);
    }
}

/* What was received stays for its reader, as with a kernel's socket: whoever answers without having read everything, and
 * closes, sends a reset behind his answer. */
void conn_fail(struct stack_tcp *t, int err)
{
    conn_set_state(t, CONN_FAILED);
    t->error = err;
    chunkq_fini(&t->tx);
    t->events = 0; /* the handler hears of the end alone */
    conn_notify(t, STACK_TCP_FAILED);
}

static void fin_acknowledged(struct stack_tcp *t)
{
    t->fin_acked = true;
    conn_notify(t, STACK_TCP_SENT_FIN);
}

/* There is no callback for it. In LAST_ACK the acknowledgement ends all of it: see on_error. */
static void check_fin(struct stack_tcp *t)
{
    if (t->fin_sent && !t->fin_acked &&
        (t->pcb->state == FIN_WAIT_2 || t->pcb->state == TIME_WAIT)) {
        fin_acknowledged(t);
    }
}

/* A peer may take the only byte left, sent to probe its closed window, and open no window. lwIP
 * goes on probing, and asserts that there is something to probe with. */
static void check_probing(struct tcp_pcb *pcb)
{
    if (pcb->persist_backoff > 0 && !pcb->unsent) {
        pcb->persist_backoff = 0;
    }
}

void conn_after_packet(struct stack_tcp *t)
{
    if (t->pcb) {
        check_fin(t);
        check_probing(t->pcb);
        if (t->pcb->state == TIME_WAIT) {
            ticks_time_wait(t);
        }
    }
}

/* The pcb is gone or goes right after this. ERR_CLSD is no error: the last FIN was acknowledged. */
static void on_error(void *arg, err_t err)
{
    struct stack_tcp *t = arg;
    if (err == ERR_CLSD) {
        fin_acknowledged(t);
    } else if (err == ERR_RST) {
        conn_fail(t, t->state == CONN_CONNECTING ? ERR_REFUSED : ERR_RESET);
    } else {
        conn_fail(t, ERR_TIMED_OUT);
    }
}

static void append_fresh(struct fresh *f, struct pbuf *p)
{
    for (struct pbuf *next; p; p = next) {
        next = p->next;
        p->next = NULL; /* each on its own: the lengths of chains mean nothing here */
        if (p->len == 0) {
            pbuf_free(p);
            continue;
        }
        p->tot_len = p->len;
        if (f->tail) {
            f->tail->next = p;
        } else {
            f->head = p;
        }
        f->tail = p;
        f->len += p->len;
    }
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)pcb, (void)err;
    struct stack_tcp *t = arg;
    if (!p) {
        t->got_fin = true;
        black_hole_answered(t, 0);
        conn_notify(t, STACK_TCP_READABLE);
        return ERR_OK;
    }
    if (is_orphan(t)) { /* RFC 9293 3.6: nobody will read it, and the peer shall know */
        pbuf_free(p);
        conn_drop_pcb(t, true);
        return ERR_ABRT;
    }
    black_hole_answered(t, p->len);
    append_fresh(&t->fresh, p);
    conn_notify(t, STACK_TCP_READABLE);
    conn_mark_dirty(t);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)pcb;
    struct stack_tcp *t = arg;
    assert(len <= t->tx.taken);
    chunkq_drop(&t->tx, len);
    black_hole_asked(t);
    t->orphan_due = t->stack->mono + CONN_ORPHAN_NS;
    size_t limit = conn_tx_limit(t), least = limit / 2 < TX_ROOM_MIN ? limit / 2 : TX_ROOM_MIN;
    if (t->want_space && t->tx.len + least <= limit) {
        t->want_space = false;
        conn_notify(t, STACK_TCP_WRITABLE);
    }
    if (t->tx.len > t->tx.taken || t->fin_wanted) {
        conn_mark_dirty(t);
    }
    return ERR_OK;
}

/* Without a user no error callback: lwIP may call it after the pcb, and the connection with it, are
 * gone. */
void conn_set_callbacks(struct stack_tcp *t)
{
    tcp_arg(t->pcb, t); /* until now the listener, for an accepted one */
    tcp_recv(t->pcb, on_received);
    tcp_sent(t->pcb, on_sent);
    tcp_nagle_disable(t->pcb);
    if (t->has_user) {
        tcp_err(t->pcb, on_error);
    }
}

void conn_established(struct stack_tcp *t)
{
    conn_set_state(t, CONN_OPEN);
    t->pcb->rto = LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL; /* without the backoff of the SYN */
    t->acked = t->pcb->rcv_nxt;
    conn_clamp_mss(t);
    window_open(t);
    sender_open(t);
    t->pcb->nrtx = 0;
    conn_mark_dirty(t);
}
