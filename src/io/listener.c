/* SPDX-License-Identifier: MIT */
/* Accepts connections ourselves, a bounded number per wake-up, and none when descriptors are
 * scarce: a listener that polls on while accept() fails would spin. */
#include "io/io.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"
#include "io/tcp_stream.h"

#define BACKLOG 4096
#define ACCEPTS_PER_WAKEUP 64

struct io_listener {
    struct io_loop *loop;
    uv_poll_t poll;
    int fd;
    bool closed;
    struct descriptors_waiter waiter; /* waits while accepting pauses */
    io_accept_fn *accepted;
    void *ctx;
};

/* ---- accepting ---- */

/* Everything else that accept() may report concerns the one connection, which is gone then
 * (accept(2)). */
static bool is_exhausted(int errnum)
{
    return errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM || errnum == ENOBUFS;
}

/* False when there is nothing to accept now. */
static bool accept_one(struct io_listener *l)
{
    union sockaddr_any sa;
    socklen_t len = sizeof sa;
    int fd = accept4(l->fd, &sa.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (is_exhausted(errno)) {
            descriptors_exhausted(&l->loop->descriptors);
        }
        return errno != EAGAIN;
    }
    struct endpoint remote = sockaddr_to_endpoint(&sa.sa);
    struct stream *s;
    if (tcp_stream_new(l->loop, fd, &remote, &s) == 0) {
        l->accepted(l->ctx, s, loop_enter(l->loop));
    }
    return true;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void resume(struct descriptors_waiter *w)
{
    struct io_listener *l = container_of(w, struct io_listener, waiter);
    uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

static void pause_accepting(struct io_listener *l)
{
    log_debug(l->loop->log, "file descriptors are scarce -> accepting pauses");
    uv_poll_stop(&l->poll);
    descriptors_wait(&l->loop->descriptors, &l->waiter);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct io_listener *l = poll->data;
    for (int i = 0; i < ACCEPTS_PER_WAKEUP; i++) {
        if (descriptors_scarce(&l->loop->descriptors)) {
            pause_accepting(l);
            return;
        }
        if (!accept_one(l)) {
            break;
        }
        if (l->closed) {
            return;
        }
    }
    if (status < 0) {
        uv_poll_start(&l->poll, UV_READABLE, on_poll); /* libuv stopped at the error */
    }
}

/* ---- life ---- */

static int open_socket(const struct endpoint *at, int *out)
{
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, at);
    if (len == 0) {
        return ERR_INVALID;
    }
    int fd = socket(sa.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return oserr(errno);
    }
    int on = 1;
    /* A restart need not wait for TIME_WAIT. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (sa.sa.sa_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, &sa.sa, len) != 0 || listen(fd, BACKLOG) != 0) {
        int err = oserr(errno);
        close(fd);
        return err;
    }
    *out = fd;
    return 0;
}

int io_listen(struct io_loop *loop, const struct endpoint *at, io_accept_fn *accepted, void *ctx,
              struct endpoint *bound, struct io_listener **out)
{
    struct io_listener *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return ERR_NOMEM;
    }
    *l = (struct io_listener){.loop = loop, .accepted = accepted, .ctx = ctx};
    l->waiter.resume = resume;
    list_init(&l->waiter.link);
    int err = open_socket(at, &l->fd);
    if (err != 0) {
        free(l);
        return err;
    }
    int rc = uv_poll_init(&loop->uv, &l->poll, l->fd);
    if (rc != 0) {
        close(l->fd);
        free(l);
        return oserr(rc);
    }
    l->poll.data = l;
    descriptors_opened(&loop->descriptors, l->fd);
    uv_poll_start(&l->poll, UV_READABLE, on_poll);
    *bound = sockaddr_local(l->fd);
    *out = l;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void io_listener_close(struct io_listener *l)
{
    l->closed = true;
    descriptors_cancel(&l->waiter);
    uv_close((uv_handle_t *)&l->poll, on_closed);
    descriptors_close(&l->loop->descriptors, l->fd);
}
