/* SPDX-License-Identifier: MIT */
/* The user's side of a connection: its two queues and its end. See stack_tcp.h for the contract and
 * conn.h for the rest. Nothing here makes lwIP send at once: that is left to the flush at the end
 * of the turn. */
#include "stack/stack_tcp.h"

#include "base/err.h"
#include "stack/conn.h"

#include <assert.h>
#include <string.h>

void stack_tcp_set_handler(struct stack_tcp *t, stack_tcp_event_fn *event, void *ctx)
{
    t->event = event;
    t->ctx = ctx;
}

/* ---- sending ---- */

static bool may_send(const struct stack_tcp *t)
{
    return t->pcb && (t->state == CONN_CONNECTING || t->state == CONN_OPEN) && !t->fin_wanted;
}

uint8_t *stack_tcp_reserve(struct stack_tcp *t, size_t *len)
{
    *len = 0;
    if (!may_send(t)) {
        return NULL;
    }
    size_t limit = conn_tx_limit(t);
    if (t->tx.len >= limit) {
        t->want_space = true;
        return NULL;
    }
    conn_mark_dirty(t); /* to take back what is not committed by then */
    uint8_t *space = chunkq_reserve(&t->tx, limit - t->tx.len, len);
    if (!space) {
        t->want_space = true;
        ticks_starve(t);
    }
    return space;
}

void stack_tcp_commit(struct stack_tcp *t, size_t n)
{
    if (n > 0 || t->tx.offered > 0) {
        chunkq_commit(&t->tx, n);
        conn_mark_dirty(t);
    }
}

size_t stack_tcp_write(struct stack_tcp *t, const void *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        size_t space;
        uint8_t *to = stack_tcp_reserve(t, &space);
        if (!to) {
            break;
        }
        size_t n = len - done < space ? len - done : space;
        memcpy(to, (const uint8_t *)data + done, n);
        stack_tcp_commit(t, n);
        done += n;
    }
    return done;
}

void stack_tcp_shutdown(struct stack_tcp *t)
{
    t->fin_wanted = true;
    conn_mark_dirty(t);
}

size_t stack_tcp_unsent(const struct stack_tcp *t)
{
    return t->tx.len;
}

/* ---- receiving ---- */

int stack_tcp_peek(struct stack_tcp *t, struct iovec *iov, int max)
{
    int n = chunkq_peek(&t->rx, iov, max);
    for (struct pbuf *p = t->fresh.head; p && n < max; p = p->next) {
        iov[n++] = (struct iovec){p->payload, p->len};
    }
    return n;
}

static void consume_fresh(struct fresh *f, size_t n)
{
    assert(n <= f->len);
    f->len -= n;
    while (n > 0) {
        struct pbuf *p = f->head;
        if (n < p->len) {
            pbuf_remove_header(p, n);
            return;
        }
        n -= p->len;
        f->head = p->next;
        p->next = NULL;
        pbuf_free(p);
    }
    if (!f->head) {
        f->tail = NULL;
    }
}

void stack_tcp_consume(struct stack_tcp *t, size_t n)
{
    if (n == 0) {
        return;
    }
    size_t old = n < t->rx.len ? n : t->rx.len;
    chunkq_drop(&t->rx, old);
    consume_fresh(&t->fresh, n - old);
    window_consumed(t, n);
    conn_mark_dirty(t);
}

bool stack_tcp_eof(const struct stack_tcp *t)
{
    return t->got_fin && conn_unread(t) == 0;
}

/* ---- the end ---- */

int stack_tcp_error(const struct stack_tcp *t)
{
    return t->error;
}

struct endpoint stack_tcp_remote(const struct stack_tcp *t)
{
    return (struct endpoint){.addr = t->flow.key.remote, .port = t->flow.key.remote_port};
}

struct endpoint stack_tcp_local(const struct stack_tcp *t)
{
    return (struct endpoint){.addr = t->flow.key.local, .port = t->flow.key.local_port};
}

/* No handler and no error callback from here on: see conn_set_callbacks. */
static void leave(struct stack_tcp *t)
{
    assert(t->has_user);
    instance_enter(t->stack);
    t->has_user = false;
    t->event = NULL;
    list_remove(&t->ready);
    if (t->pcb) {
        tcp_err(t->pcb, NULL);
    }
}

void stack_tcp_abort(struct stack_tcp *t)
{
    leave(t);
    if (t->pcb) {
        conn_drop_pcb(t, true); /* frees t */
    } else {
        conn_release(t);
    }
}

void stack_tcp_close(struct stack_tcp *t)
{
    bool unread = conn_unread(t) > 0;
    leave(t);
    if (!t->pcb) {
        conn_release(t);
    } else if (t->state == CONN_CONNECTING) {
        conn_drop_pcb(t, false); /* there is nobody to deliver to */
    } else if (unread) {
        conn_drop_pcb(t,
                      true); /* RFC 2525 2.17: the peer shall know that its bytes were not read */
    } else {
        chunkq_fini(&t->rx);
        t->fin_wanted = true;
        t->orphan_due = t->stack->mono + CONN_ORPHAN_NS;
        conn_mark_dirty(t);
    }
}

size_t stack_tcp_count(const struct stack *stack)
{
    size_t n = 0;
    list_foreach(l, &stack->conns) {
        n++;
    }
    return n;
}

bool stack_tcp_is_delivering(const struct stack *stack)
{
    list_foreach(l, &stack->conns) {
        const struct stack_tcp *t = list_item(l, struct stack_tcp, all);
        bool is_closed = !t->has_user && t->listener == NULL && t->pcb != NULL;
        if (is_closed && t->state == CONN_OPEN && !t->fin_acked) {
            return true;
        }
    }
    return false;
}
