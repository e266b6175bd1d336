/* SPDX-License-Identifier: MIT */
/* A non-blocking socket under the stream contract. What the owner wants and what epoll watches
 * are kept apart: changing the latter costs system calls, so that an event nobody wants any
 * more is only unwatched once it has really come. */
#include "io/tcp_stream.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "io/oserr.h"

struct tcp_stream {
    struct stream stream;
    struct io_loop *loop;
    uv_poll_t poll;
    int fd;
    unsigned wanted;  /* by the owner */
    unsigned watched; /* by epoll */
    bool closed;
    bool got_fin;  /* all that the other side sent has been read */
    bool sent_fin; /* nothing more is written */
};

static_assert((int)STREAM_READABLE == (int)UV_READABLE, "passed through unchanged");
static_assert((int)STREAM_WRITABLE == (int)UV_WRITABLE, "passed through unchanged");

static struct tcp_stream *from_stream(struct stream *s)
{
    return container_of(s, struct tcp_stream, stream);
}

/* ---- readiness ---- */

static void watch(struct tcp_stream *t, unsigned events);

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct tcp_stream *t = poll->data;
    unsigned came = (unsigned)events & (STREAM_READABLE | STREAM_WRITABLE);
    if (status < 0) {
        /* An error on the socket: libuv has stopped watching. The next operation will tell
         * which. */
        came = STREAM_READABLE | STREAM_WRITABLE;
        t->watched = 0;
    }
    unsigned unwanted = came & ~t->wanted;
    if ((came & t->wanted) != 0) {
        t->stream.handler->ready(t->stream.ctx, came & t->wanted, loop_enter(t->loop));
    } else if (status < 0 && t->wanted == 0) {
        t->stream.handler->ready(t->stream.ctx, STREAM_BROKEN, loop_enter(t->loop));
        return;
    }
    if (!t->closed && ((unwanted & ~t->wanted) != 0 || (t->wanted & ~t->watched) != 0)) {
        watch(t, t->wanted);
    }
}

static void watch(struct tcp_stream *t, unsigned events)
{
    if (events == t->watched) {
        return;
    }
    t->watched = events;
    /* Nobody sends urgent data, but epoll tells of a reset to whoever waits for it, and not of bytes
     * and FIN that nobody wants. */
    int rc = uv_poll_start(&t->poll, events != 0 ? (int)events : UV_PRIORITIZED, on_poll);
    assert(rc == 0);
    (void)rc;
}

static void want(struct stream *s, unsigned events)
{
    struct tcp_stream *t = from_stream(s);
    assert(!t->closed);
    t->wanted = events;
    if ((events & ~t->watched) != 0) {
        watch(t, events);
    }
}

/* ---- bytes ---- */

static ssize_t result(ssize_t n)
{
    return n >= 0 ? n : oserr(errno);
}

static ssize_t read_bytes(struct stream *s, void *buf, size_t len)
{
    struct tcp_stream *t = from_stream(s);
    assert(!t->closed && len > 0);
    ssize_t n;
    do {
        n = recv(t->fd, buf, len, 0);
    } while (n < 0 && errno == EINTR);
    t->got_fin = t->got_fin || n == 0;
    return result(n);
}

static ssize_t write_bytes(struct stream *s, const struct iovec *iov, int n_iov)
{
    struct tcp_stream *t = from_stream(s);
    assert(!t->closed);
    struct msghdr msg = {
        .msg_iov = (struct iovec *)iov, /* only read */
        .msg_iovlen = (size_t)(n_iov < IOV_MAX ? n_iov : IOV_MAX),
    };
    ssize_t n;
    do {
        n = sendmsg(t->fd, &msg, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return result(n);
}

/* ---- ends ---- */

static void shutdown_write(struct stream *s)
{
    struct tcp_stream *t = from_stream(s);
    if (!t->sent_fin) {
        t->sent_fin = true;
        shutdown(t->fd, SHUT_WR);
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* The memory stays until libuv has let go of the handle, so that this is safe inside ready(). */
static void release(struct tcp_stream *t)
{
    assert(!t->closed);
    t->closed = true;
    uv_close((uv_handle_t *)&t->poll, on_closed);
    descriptors_close(&t->loop->descriptors, t->fd);
}

/* Linux answers close() with RST when bytes were left unread, and that RST may overtake what we
 * wrote last (RFC 1122 4.2.2.13). Reading them first lets the other side see our last words and
 * then FIN. Bounded: it may send for ever. */
static void discard_unread(int fd)
{
    char scrap[16384];
    for (int i = 0; i < 256; i++) {
        if (recv(fd, scrap, sizeof scrap, MSG_DONTWAIT) <= 0) {
            return;
        }
    }
}

static void close_orderly(struct stream *s)
{
    struct tcp_stream *t = from_stream(s);
    if (!t->got_fin) {
        shutdown_write(s);
        discard_unread(t->fd);
    }
    release(t);
}

static void close_by_reset(struct stream *s)
{
    struct tcp_stream *t = from_stream(s);
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    release(t);
}

static const struct stream_ops ops = {
    .read = read_bytes,
    .writev = write_bytes,
    .want = want,
    .shutdown = shutdown_write,
    .close = close_orderly,
    .abort = close_by_reset,
};

void tcp_stream_set_options(int fd)
{
    int on = 1; /* the tunnel's segments set the pace, not Nagle's algorithm */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* Whoever is gone without a word must not stay for good: the system asks, as seldom as it is set to. */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

int tcp_stream_new(struct io_loop *loop, int fd, const struct endpoint *remote,
                   const struct endpoint *local, struct stream **out)
{
    struct tcp_stream *t = calloc(1, sizeof *t);
    if (t == NULL) {
        close(fd);
        return ERR_NOMEM;
    }
    int rc = uv_poll_init(&loop->uv, &t->poll, fd);
    if (rc != 0) {
        close(fd);
        free(t);
        return oserr(rc);
    }
    t->stream = (struct stream){.ops = &ops, .remote = *remote, .local = *local};
    t->loop = loop;
    t->poll.data = t;
    t->fd = fd;
    descriptors_opened(&loop->descriptors, fd);
    *out = &t->stream;
    return 0;
}
