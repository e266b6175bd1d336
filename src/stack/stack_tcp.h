/* SPDX-License-Identifier: MIT */
/* TCP streams inside the tunnel (RFC 9293 through lwIP). A stream owns both of its queues, like a
 * kernel socket: the user reads and writes them in place, so that a byte is not copied on its way
 * from a client's socket to the sealed packet, nor from the opened packet to the client's socket
 * while the client keeps up.
 *
 *   up:    space = stack_tcp_reserve(t, &n);  read(fd, space, n);  stack_tcp_commit(t, got);
 *   down:  k = stack_tcp_peek(t, iov, max);   writev(fd, iov, k);  stack_tcp_consume(t, put);
 *
 * Committed bytes stay in the send queue until the peer acknowledges them; received bytes open the
 * window only when they are consumed. Queues hold no memory while they are empty.
 *
 * A handler is called from stack_dispatch only. It may call anything here, on this and other
 * streams, and may close or abort its own stream: it is then not called again. */
#ifndef WGPROXY_STACK_STACK_TCP_H
#define WGPROXY_STACK_STACK_TCP_H

#include "stack/stack.h"

struct stack_tcp;

enum stack_tcp_event {
    STACK_TCP_CONNECTED = 1, /* the handshake is complete */
    STACK_TCP_READABLE = 2,  /* new bytes, or the peer's FIN, since the last call */
    STACK_TCP_WRITABLE = 4,  /* send space again after stack_tcp_reserve gave NULL */
    STACK_TCP_SENT_FIN = 8,  /* our FIN is acknowledged: everything committed has arrived */
    /* over, see stack_tcp_error(); what was received before may still be read, and then only close or abort are left to call */
    STACK_TCP_FAILED = 16,
};

typedef void stack_tcp_event_fn(void *ctx, struct stack_tcp *t, unsigned events, struct now now);

/* Begin to connect. 0 and *out, or an error at once: ERR_NO_ROUTE (from config.route),
 * ERR_NO_FAMILY, ERR_INVALID (port 0, unspecified or multicast destination), ERR_LIMIT (no local
 * port left to there), ERR_NOMEM. Our own addresses are ERR_NO_ROUTE: the way to ourselves is not
 * through the tunnel. Later STACK_TCP_CONNECTED, or STACK_TCP_FAILED with ERR_REFUSED (RST, or ICMP
 * port unreachable), ERR_UNREACHABLE (other ICMP), ERR_TIMED_OUT. */
int stack_tcp_connect(struct stack *stack, const struct endpoint *to, stack_tcp_event_fn *event,
                      void *ctx, struct stack_tcp **out, struct now now) MUST_USE;

/* Accept connections to `port` on every address of the stack; 0 picks an unpredictable free one.
 * `accepted` runs from stack_dispatch; it must call stack_tcp_set_handler, or close or abort `t`,
 * and may close the listener. 0, ERR_IN_USE, ERR_LIMIT (no free port), ERR_NOMEM. */
struct stack_tcp_listener;
typedef void stack_tcp_accept_fn(void *ctx, struct stack_tcp *t, struct now now);
int stack_tcp_listen(struct stack *stack, uint16_t port, stack_tcp_accept_fn *accepted, void *ctx,
                     struct stack_tcp_listener **out) MUST_USE;
/* Its port, and our address of that family, which is NONE when the stack has none. */
struct endpoint stack_tcp_listener_local(const struct stack_tcp_listener *l, enum family family);
void stack_tcp_listener_close(struct stack_tcp_listener *l);
void stack_tcp_set_handler(struct stack_tcp *t, stack_tcp_event_fn *event, void *ctx);

size_t stack_tcp_count(const struct stack *stack); /* streams, from SYN to the last FIN; a walk */

/* ---- sending ---- */

/* A contiguous piece of free send space, *len bytes (at least 1); NULL when the send queue is full,
 * which arms STACK_TCP_WRITABLE, or when memory is out (ditto, after a tick), or when the stream
 * has failed or was shut down. Valid until the next call on this stream or stack_flush, which takes
 * back what was not committed. */
uint8_t *stack_tcp_reserve(struct stack_tcp *t, size_t *len);
void stack_tcp_commit(struct stack_tcp *t, size_t n); /* n <= *len of the reserve before it */

/* Copy and commit as much as fits; returns how much that was (0 arms STACK_TCP_WRITABLE). */
size_t stack_tcp_write(struct stack_tcp *t, const void *data, size_t len);

/* FIN after what was committed; nothing may be committed afterwards. May be called before
 * CONNECTED. */
void stack_tcp_shutdown(struct stack_tcp *t);
size_t stack_tcp_unsent(const struct stack_tcp *t); /* committed, not yet acknowledged */

/* ---- receiving ---- */

/* Point up to `max` slices at what was received and not consumed, in order, without taking it;
 * returns how many. Valid until consume, close, or the end of the turn (stack_flush). */
int stack_tcp_peek(struct stack_tcp *t, struct iovec *iov, int max);
void stack_tcp_consume(struct stack_tcp *t, size_t n);
bool stack_tcp_eof(
    const struct stack_tcp *t); /* the peer's FIN came, and everything before it was consumed */

/* ---- the end ---- */

int stack_tcp_error(
    const struct stack_tcp *t); /* 0, or why it FAILED: ERR_RESET after it was connected */
struct endpoint stack_tcp_remote(const struct stack_tcp *t);
struct endpoint stack_tcp_local(const struct stack_tcp *t);

/* Give the stream up. close: everything committed is still delivered, then FIN, as long as the peer
 * makes progress at least once a minute; unread bytes are an RST as in any TCP, and an attempt to
 * connect just ends. abort: RST now. Both free `t` for the caller, on a failed stream too. */
void stack_tcp_close(struct stack_tcp *t);
void stack_tcp_abort(struct stack_tcp *t);

/* Is there a stream that was closed, of which the peer has not acknowledged everything and the FIN? */
bool stack_tcp_is_delivering(const struct stack *stack);

#endif
