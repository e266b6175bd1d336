/* SPDX-License-Identifier: MIT */
/* Standard input and output under the stream contract.
 *
 * Both may be shared with the shell that started us and with its other children, who would meet a
 * non-blocking terminal after our end. So pipes and terminals are opened anew for ourselves, where
 * the system lets us; sockets cannot be, and are ours alone in practice. Files are always ready:
 * epoll takes none. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "io/loop.h"
#include "io/oserr.h"

struct end {
    uv_poll_t poll;
    struct stdio_stream *owner;
    int fd; /* -1: closed */
    int flags_before;
    bool polled; /* else it is a file */
    bool watched;
    unsigned event;
};

struct stdio_stream {
    struct stream stream;
    struct io_loop *loop;
    struct end in, out;
    struct soon ready; /* for what cannot be polled */
    unsigned wanted;
    unsigned
        holds; /* who needs the memory: the owner, libuv for each end that it polls, and ready() */
    bool closed;
};

static struct stdio_stream *from_stream(struct stream *s)
{
    return container_of(s, struct stdio_stream, stream);
}

static void let_go(struct stdio_stream *s)
{
    if (--s->holds == 0) {
        free(s);
    }
}

/* ---- readiness ---- */

static void watch(struct stdio_stream *s);

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status; /* the next operation tells */
    (void)events;
    struct end *e = poll->data;
    struct stdio_stream *s = e->owner;
    uv_poll_stop(poll);
    e->watched = false;
    if (s->wanted & e->event) {
        s->stream.handler->ready(s->stream.ctx, e->event, loop_enter(s->loop));
    }
    if (!s->closed) {
        watch(s);
    }
}

static void on_soon(struct soon *soon, struct now now)
{
    struct stdio_stream *s = container_of(soon, struct stdio_stream, ready);
    unsigned files = (s->in.polled ? 0 : STREAM_READABLE) | (s->out.polled ? 0 : STREAM_WRITABLE);
    s->holds++; /* the owner may leave meanwhile */
    if (s->wanted & files) {
        s->stream.handler->ready(s->stream.ctx, s->wanted & files, now);
    }
    if (!s->closed) {
        watch(s);
    }
    let_go(s);
}

static void watch_end(struct stdio_stream *s, struct end *e)
{
    bool wanted = (s->wanted & e->event) != 0 && e->fd >= 0;
    if (!wanted || e->watched) {
        return;
    }
    if (e->polled) {
        e->watched = true;
        uv_poll_start(&e->poll, e->event == STREAM_READABLE ? UV_READABLE : UV_WRITABLE, on_poll);
    } else {
        loop_soon(s->loop, &s->ready);
    }
}

static void watch(struct stdio_stream *s)
{
    watch_end(s, &s->in);
    watch_end(s, &s->out);
}

static void want(struct stream *stream, unsigned events)
{
    struct stdio_stream *s = from_stream(stream);
    s->wanted = events;
    watch(s);
}

/* ---- bytes ---- */

static ssize_t read_bytes(struct stream *stream, void *buf, size_t len)
{
    struct stdio_stream *s = from_stream(stream);
    ssize_t n;
    do {
        n = read(s->in.fd, buf, len);
    } while (n < 0 && errno == EINTR);
    /* A terminal that is gone says EIO: there is nothing more to come. */
    return n >= 0 ? n : errno == EIO ? 0 : oserr(errno);
}

static ssize_t write_bytes(struct stream *stream, const struct iovec *iov, int n_iov)
{
    struct stdio_stream *s = from_stream(stream);
    ssize_t n;
    if (s->out.fd < 0) {
        return ERR_CLOSED;
    }
    do {
        n = writev(s->out.fd, iov, n_iov < IOV_MAX ? n_iov : IOV_MAX);
    } while (n < 0 && errno == EINTR);
    return n >= 0 ? n : errno == EPIPE ? ERR_CLOSED : oserr(errno);
}

/* ---- ends ---- */

static void on_closed(uv_handle_t *handle)
{
    struct end *e = handle->data;
    let_go(e->owner);
}

static void close_end(struct stdio_stream *s, struct end *e)
{
    if (e->fd < 0) {
        return;
    }
    if (e->flags_before >= 0) {
        fcntl(e->fd, F_SETFL, e->flags_before);
    }
    if (e->polled) {
        uv_close((uv_handle_t *)&e->poll, on_closed);
    }
    descriptors_close(&s->loop->descriptors, e->fd);
    e->fd = -1;
    e->polled = false;
}

static void shutdown_write(struct stream *stream)
{
    struct stdio_stream *s = from_stream(stream);
    if (s->out.fd >= 0) {
        shutdown(s->out.fd, SHUT_WR); /* a socket that is our input too */
    }
    close_end(s, &s->out);
}

static void release(struct stream *stream)
{
    struct stdio_stream *s = from_stream(stream);
    s->closed = true;
    loop_soon_cancel(&s->ready);
    close_end(s, &s->in);
    close_end(s, &s->out);
    let_go(s);
}

static const struct stream_ops ops = {
    .read = read_bytes,
    .writev = write_bytes,
    .want = want,
    .shutdown = shutdown_write,
    .close = release,
    .abort = release,
};

/* ---- life ---- */

/* A description of our own; else a second name for the one there is. */
static int open_anew(int fd, int how)
{
    char path[32];
    struct stat st;
    int own = -1;
    if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        own = open(path, how | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    }
    return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* Takes the place of `fd`, where nothing of it stays, so that its other side sees our end. */
static int open_end(struct stdio_stream *s, struct end *e, int fd, int how, unsigned event)
{
    e->owner = s;
    e->event = event;
    e->fd = open_anew(fd, how);
    if (e->fd < 0) {
        return oserr(errno);
    }
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, fd);
        close(nothing);
    }
    e->flags_before = fcntl(e->fd, F_GETFL);
    e->polled = uv_poll_init(&s->loop->uv, &e->poll, e->fd) == 0;
    e->poll.data = e;
    s->holds += e->polled;
    descriptors_opened(&s->loop->descriptors, e->fd);
    return 0;
}

int io_stdio(struct io_loop *loop, struct stream **out)
{
    struct stdio_stream *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return ERR_NOMEM;
    }
    s->loop = loop;
    s->holds = 1; /* the owner's */
    s->stream.ops = &ops;
    s->in.fd = s->out.fd = -1;
    s->ready.run = on_soon;
    list_init(&s->ready.link);
    int err = open_end(s, &s->in, STDIN_FILENO, O_RDONLY, STREAM_READABLE);
    if (err == 0) {
        err = open_end(s, &s->out, STDOUT_FILENO, O_WRONLY, STREAM_WRITABLE);
    }
    if (err != 0) {
        release(&s->stream);
        return err;
    }
    *out = &s->stream;
    return 0;
}
