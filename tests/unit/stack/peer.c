/* SPDX-License-Identifier: MIT */
/* A user of streams for tests: see peer.h. */
#include "unit/stack/peer.h"

/* Neither period nor shift of it is a power of two, so that a misplaced chunk shows. */
uint8_t peer_byte(uint8_t pattern, size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16) * 13 + pattern);
}

void peer_pump(struct peer *p)
{
    if (!p->t || (p->hold_until_eof && !p->eof)) {
        return;
    }
    while (p->sent < p->to_send) {
        size_t space;
        uint8_t *to = stack_tcp_reserve(p->t, &space);
        if (!to) {
            return;
        }
        assert_true(space > 0);
        size_t n = p->to_send - p->sent < space ? p->to_send - p->sent : space;
        for (size_t i = 0; i < n; i++) {
            to[i] = peer_byte(p->pattern, p->sent + i);
        }
        stack_tcp_commit(p->t, n);
        p->sent += n;
    }
    if (p->shutdown_after) {
        p->shutdown_after = false;
        stack_tcp_shutdown(p->t);
    }
}

void peer_read(struct peer *p, size_t most)
{
    struct iovec iov[8];
    for (int k; most > 0 && (k = stack_tcp_peek(p->t, iov, 8)) > 0;) {
        size_t n = 0;
        for (int i = 0; i < k && most > 0; i++) {
            const uint8_t *from = iov[i].iov_base;
            size_t len = iov[i].iov_len < most ? iov[i].iov_len : most;
            for (size_t j = 0; j < len; j++) {
                assert_int_equal(from[j], peer_byte(p->expect, p->received + j));
            }
            p->received += len;
            n += len;
            most -= len;
        }
        stack_tcp_consume(p->t, n);
    }
    p->eof = p->eof || stack_tcp_eof(p->t);
}

void peer_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)now;
    struct peer *p = ctx;
    assert_ptr_equal(t, p->t);
    assert_true(events != 0);
    p->seen |= events;
    p->n_events++;
    if (events & STACK_TCP_FAILED) {
        p->error = stack_tcp_error(t);
        assert_int_not_equal(p->error, 0);
        return;
    }
    if (events & STACK_TCP_READABLE) {
        peer_read(p, p->appetite);
    }
    peer_pump(p);
}

void peer_accept(void *ctx, struct stack_tcp *t, struct now now)
{
    (void)now;
    struct peer *p = ctx;
    assert_null(p->t);
    p->t = t;
    stack_tcp_set_handler(t, peer_event, p);
    p->seen |= STACK_TCP_CONNECTED;
    peer_pump(p);
}

void peer_listen(struct wire_end *end, struct peer *p, uint16_t port)
{
    assert_int_equal(stack_tcp_listen(end->stack, port, peer_accept, p, &p->listener), 0);
}

int peer_pair(struct wire *w, struct peer *client, struct peer *server, const char *addr)
{
    peer_listen(&w->b, server, 80);
    client->pattern = server->expect = 1;
    server->pattern = client->expect = 2;
    struct endpoint to = at(addr, 80);
    return stack_tcp_connect(w->a.stack, &to, peer_event, client, &client->t, w->now);
}

void peer_close(struct peer *p)
{
    if (p->t) {
        stack_tcp_close(p->t);
        p->t = NULL;
    }
}

bool peer_is_connected(void *p)
{
    return (((struct peer *)p)->seen & STACK_TCP_CONNECTED) != 0;
}

bool peer_has_failed(void *p)
{
    return (((struct peer *)p)->seen & STACK_TCP_FAILED) != 0;
}

bool peer_is_done(void *p)
{
    struct peer *q = p;
    return q->eof && q->seen & STACK_TCP_SENT_FIN;
}
