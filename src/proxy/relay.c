/* SPDX-License-Identifier: MIT */
/* The two directions of a flow.
 *
 * Up, the client's socket is read only into send space that the tunnel has; when there is none,
 * READABLE is dropped until the tunnel calls WRITABLE, and taken up again once the socket ran empty
 * or the budget is spent. Down, the tunnel is consumed only as far as the socket took it; WRITABLE
 * is asked for only while the socket is full. So the interest in the client changes at the edges of
 * a stall, not with each packet. */
#include "proxy/relay.h"

#include "base/err.h"

#define SLICES 64 /* of one gathered write: about 90 KiB in full packets */

static enum relay_verdict over(struct relay *r, enum relay_verdict verdict, int err)
{
    r->verdict = verdict;
    r->err = err;
    return verdict;
}

static void want(struct relay *r, unsigned events)
{
    if (r->want != events) {
        r->want = (uint8_t)events;
        stream_want(r->client, events);
    }
}

static enum relay_verdict over_if_done(struct relay *r)
{
    return r->up_done && r->down_done ? over(r, RELAY_FINISHED, 0) : RELAY_GOES_ON;
}

static enum relay_verdict end_up(struct relay *r)
{
    r->up_done = true;
    want(r, r->want & ~(unsigned)STREAM_READABLE);
    stack_tcp_shutdown(r->tunnel);
    return over_if_done(r);
}

static enum relay_verdict carry_up(struct relay *r)
{
    size_t left = RELAY_BUDGET;
    while (left > 0) {
        size_t room;
        uint8_t *space = stack_tcp_reserve(r->tunnel, &room);
        if (space == NULL) {
            want(r, r->want & ~(unsigned)STREAM_READABLE);
            return RELAY_GOES_ON;
        }
        size_t ask = room < left ? room : left;
        ssize_t got = stream_read(r->client, space, ask);
        if (got == 0) {
            return end_up(r);
        }
        if (got == ERR_AGAIN) {
            break;
        }
        if (got < 0) {
            return over(r, RELAY_CLIENT_BROKE, (int)got);
        }
        stack_tcp_commit(r->tunnel, (size_t)got);
        r->up += (size_t)got;
        left -= (size_t)got;
        if ((size_t)got < ask) {
            break; /* the socket is empty: no need to hear it say so */
        }
    }
    want(r, r->want | STREAM_READABLE);
    return RELAY_GOES_ON;
}

static enum relay_verdict end_down(struct relay *r)
{
    r->down_done = true;
    want(r, r->want & ~(unsigned)STREAM_WRITABLE);
    stream_shutdown(r->client);
    return over_if_done(r);
}

/* The slices cut down to `max` bytes; *total is what remains. Returns their number. */
static int cut(struct iovec *iov, int n, size_t max, size_t *total)
{
    *total = 0;
    for (int i = 0; i < n; i++) {
        if (iov[i].iov_len >= max - *total) {
            iov[i].iov_len = max - *total;
            *total = max;
            return i + 1;
        }
        *total += iov[i].iov_len;
    }
    return n;
}

static enum relay_verdict carry_down(struct relay *r)
{
    size_t left = RELAY_BUDGET;
    while (left > 0) {
        struct iovec iov[SLICES];
        int n = stack_tcp_peek(r->tunnel, iov, SLICES);
        if (n == 0) {
            want(r, r->want & ~(unsigned)STREAM_WRITABLE);
            enum relay_verdict verdict = stack_tcp_eof(r->tunnel) ? end_down(r) : RELAY_GOES_ON;
            return r->broken != 0 ? over(r, RELAY_TUNNEL_BROKE, r->broken) : verdict;
        }
        size_t offered;
        n = cut(iov, n, left, &offered);
        ssize_t put = stream_writev(r->client, iov, n);
        if (put == ERR_AGAIN) {
            break;
        }
        if (put < 0) {
            return over(r, RELAY_CLIENT_BROKE, (int)put);
        }
        stack_tcp_consume(r->tunnel, (size_t)put);
        r->down += (size_t)put;
        left -= (size_t)put;
        if ((size_t)put < offered) {
            break; /* the socket is full */
        }
    }
    /* The socket is full, or it is another flow's turn: called again when there is room. */
    want(r, r->want | STREAM_WRITABLE);
    return RELAY_GOES_ON;
}

/* Nothing goes up any more, and what is left goes down. */
static enum relay_verdict tunnel_broke(struct relay *r)
{
    r->broken = stack_tcp_error(r->tunnel);
    if (r->down_done) {
        return over(r, RELAY_TUNNEL_BROKE, r->broken);
    }
    want(r, r->want & ~(unsigned)STREAM_READABLE);
    return r->want & STREAM_WRITABLE ? RELAY_GOES_ON : carry_down(r);
}

enum relay_verdict relay_start(struct relay *r, struct stream *client, struct stack_tcp *tunnel,
                               size_t early, bool client_eof)
{
    *r = (struct relay){.client = client, .tunnel = tunnel, .up = early, .want = STREAM_READABLE};
    stream_want(client, r->want);
    if (stack_tcp_error(tunnel) != 0) {
        return tunnel_broke(r); /* which may have been told to whoever had it before */
    }
    if (client_eof) {
        enum relay_verdict verdict = end_up(r);
        if (verdict != RELAY_GOES_ON) {
            return verdict;
        }
    }
    return carry_down(r); /* what came before the reply was out has no event to come */
}

enum relay_verdict relay_client_ready(struct relay *r, unsigned events)
{
    if (events & STREAM_BROKEN) {
        return over(r, RELAY_CLIENT_BROKE, ERR_RESET);
    }
    events &= r->want;
    enum relay_verdict verdict = RELAY_GOES_ON;
    if (events & STREAM_WRITABLE) {
        verdict = carry_down(r);
    }
    if (verdict == RELAY_GOES_ON && (events & STREAM_READABLE)) {
        verdict = carry_up(r);
    }
    return verdict;
}

enum relay_verdict relay_tunnel_event(struct relay *r, unsigned events)
{
    if (events & STACK_TCP_FAILED) {
        return tunnel_broke(r);
    }
    enum relay_verdict verdict = RELAY_GOES_ON;
    if ((events & STACK_TCP_READABLE) && !r->down_done && !(r->want & STREAM_WRITABLE)) {
        verdict = carry_down(r);
    }
    if (verdict == RELAY_GOES_ON && (events & STACK_TCP_WRITABLE) && !r->up_done &&
        !(r->want & STREAM_READABLE)) {
        verdict = carry_up(r);
    }
    return verdict;
}

void relay_close(struct relay *r)
{
    if (r->verdict == RELAY_FINISHED) {
        stack_tcp_close(r->tunnel); /* lives on until the peer has everything */
    } else {
        stack_tcp_abort(r->tunnel);
    }
    /* When all that will ever come down was handed over and followed by FIN, an abort would only
     * tear it out of the socket's buffer; what the client still sends is answered with RST by the
     * system itself. */
    if (r->down_done) {
        stream_close(r->client);
    } else {
        stream_abort(r->client);
    }
}
