/* SPDX-License-Identifier: MIT */
/* The local end of a flow as an interface: an accepted socket (io/tcp_stream) or a scripted client of the
 * simulator. It holds no buffers of its own: bytes are read straight into the tunnel stream's send space, and
 * written straight from what the tunnel stream received (see stack/stack_tcp.h). The kernel's socket buffers
 * are the only ones on this side.
 *
 * Life: ready() is called from the loop, never from inside one of the ops, so that no call returns into its
 * caller. After close() or abort() the stream is gone and ready() is not called again. */
#ifndef WGPROXY_BASE_STREAM_H
#define WGPROXY_BASE_STREAM_H

#include "base/addr.h"
#include "base/now.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

enum stream_event {
    STREAM_READABLE = 1, /* read() will give bytes, end of file, or the error */
    STREAM_WRITABLE = 2, /* writev() will take bytes, or give the error */
    /* the connection was reset while nothing was wanted; never asked for, told once */
    STREAM_BROKEN = 4,
};

struct stream;

struct stream_handler {
    /* What was asked for with want() has come true; level-triggered: it comes again until handled or
     * no longer wanted. `events` holds at least one bit of enum stream_event. A stream that nothing is wanted of
     * calls with STREAM_BROKEN when it can only be closed or aborted any more. */
    void (*ready)(void *ctx, unsigned events, struct now now);
};

struct stream_ops {
    /* Bytes read (1..len), 0 at end of file, or an error: ERR_AGAIN (nothing there), ERR_RESET, ERR_IO... */
    ssize_t (*read)(struct stream *s, void *buf, size_t len);

    /* Bytes taken (1..total), or an error: ERR_AGAIN, ERR_CLOSED (other side gone), ERR_RESET... */
    ssize_t (*writev)(struct stream *s, const struct iovec *iov, int n);

    /* From now on call ready() for these events (a set of enum stream_event; 0 for none). Cheap when nothing changes. */
    void (*want)(struct stream *s, unsigned events);

    /* No more bytes will be written: send FIN after what was taken. Reading goes on. */
    void (*shutdown)(struct stream *s);

    void (*close)(struct stream *s); /* orderly: FIN if it was not sent. Frees. */
    void (*abort)(struct stream *s); /* RST, so that the other side sees an error. Frees. */
};

struct stream {
    const struct stream_ops *ops;
    const struct stream_handler *handler; /* set by the owner before the first want() */
    void *ctx;                            /* for the handler */
    struct endpoint remote;               /* who is there; family NONE for a Unix socket */
    struct endpoint local;                /* where it was accepted */
};

static inline ssize_t stream_read(struct stream *s, void *buf, size_t len)
{
    return s->ops->read(s, buf, len);
}

static inline ssize_t stream_writev(struct stream *s, const struct iovec *iov, int n)
{
    return s->ops->writev(s, iov, n);
}

static inline void stream_want(struct stream *s, unsigned events)
{
    s->ops->want(s, events);
}

static inline void stream_shutdown(struct stream *s)
{
    s->ops->shutdown(s);
}

static inline void stream_close(struct stream *s)
{
    s->ops->close(s);
}

static inline void stream_abort(struct stream *s)
{
    s->ops->abort(s);
}

#endif
