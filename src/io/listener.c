/* SPDX-License-Identifier: MIT */
/* Accepts connections ourselves, a bounded number per wake-up, and none when descriptors are
 * scarce: a listener that polls on while accept() fails would spin. */
#include "io/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"
#include "io/tcp_stream.h"
#include "io/tls.h"

#define BACKLOG 4096
#define ACCEPTS_PER_WAKEUP 64

struct io_listener {
    struct io_loop *loop;
    uv_poll_t poll;
    int fd;
    bool closed;
    struct endpoint local; /* where it listens; family NONE for a Unix socket */
    bool is_for_any;       /* of the machine's addresses */
    struct stat file;      /* of a Unix socket: its file, as we made it */
    char path[PLACE_PATH];
    struct descriptors_waiter waiter; /* waits while accepting pauses */
    struct io_tls *tls;               /* NULL: none */
    io_accept_fn *accepted;
    io_wanted_fn *wanted; /* NULL: nothing can be done without */
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
    struct endpoint local = l->is_for_any ? sockaddr_local(fd) : l->local;
    struct stream *s;
    int err = tcp_stream_new(l->loop, fd, &remote, &local, &s);
    if (err == 0 && l->tls != NULL) {
        tls_look(l->tls, l->loop->log, loop_enter(l->loop));
        err = tls_stream_new(l->loop, l->tls, s, &s);
    }
    if (err == 0) {
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

/* For one more, whom somebody else may have to make room for. */
static bool is_room(struct io_listener *l)
{
    const struct descriptors *d = &l->loop->descriptors;
    return !descriptors_scarce(d) ||
           (l->wanted != NULL && l->wanted(l->ctx, loop_enter(l->loop)) && !descriptors_scarce(d));
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct io_listener *l = poll->data;
    for (int i = 0; i < ACCEPTS_PER_WAKEUP; i++) {
        if (!is_room(l)) {
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

/* A socket file whose listener is gone refuses connections. */
static bool is_stale(const struct sockaddr_un *sun)
{
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool stale = fd >= 0 && lstat(sun->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
                 connect(fd, (const struct sockaddr *)sun, sizeof *sun) != 0 &&
                 errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    return stale;
}

/* Its mode is set before anybody can connect: nobody listens yet. */
static int bind_unix(int fd, const struct sockaddr_un *sun)
{
    mode_t mask = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)sun, sizeof *sun);
    if (rc != 0 && errno == EADDRINUSE && is_stale(sun) && unlink(sun->sun_path) == 0) {
        rc = bind(fd, (const struct sockaddr *)sun, sizeof *sun);
    }
    int errnum = errno;
    umask(mask);
    errno = errnum;
    return rc;
}

static int open_unix(struct io_listener *l, const char *path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    static_assert(sizeof sun.sun_path >= PLACE_PATH, "it fits");
    memcpy(sun.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return oserr(errno);
    }
    if (bind_unix(fd, &sun) != 0 || listen(fd, BACKLOG) != 0 || lstat(path, &l->file) != 0) {
        int err = oserr(errno);
        close(fd);
        return err;
    }
    memcpy(l->path, path, strlen(path) + 1);
    l->fd = fd;
    return 0;
}

/* What was handed over may be anything: it must be a listening socket. */
static int take_inherited(struct io_listener *l, int fd)
{
    int listening = 0;
    socklen_t len = sizeof listening;
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 || !listening) {
        return ERR_INVALID;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC); /* whoever is started from here on has no part in it */
    l->fd = fd;
    return 0;
}

static int open_place(struct io_listener *l, const struct place *at)
{
    switch (at->kind) {
    case PLACE_IP:
        return open_socket(&at->at, &l->fd);
    case PLACE_UNIX:
        return open_unix(l, at->path);
    case PLACE_FD:
        return take_inherited(l, at->fd);
    }
    return ERR_INVALID;
}

/* Not what somebody else has put there since. */
static void remove_file(const struct io_listener *l)
{
    struct stat st;
    if (l->path[0] != '\0' && lstat(l->path, &st) == 0 && st.st_ino == l->file.st_ino &&
        st.st_dev == l->file.st_dev) {
        unlink(l->path);
    }
}

int io_listen(struct io_loop *loop, const struct endpoint *at, io_accept_fn *accepted, void *ctx,
              struct endpoint *bound, struct io_listener **out)
{
    struct place place = place_ip(at), stands;
    int err = io_listen_at(loop, &place, accepted, ctx, &stands, out);
    if (err == 0) {
        *bound = stands.at;
    }
    return err;
}

int io_listen_at(struct io_loop *loop, const struct place *at, io_accept_fn *accepted, void *ctx,
                 struct place *bound, struct io_listener **out)
{
    struct io_listener *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return ERR_NOMEM;
    }
    *l = (struct io_listener){.loop = loop, .accepted = accepted, .ctx = ctx};
    l->waiter.resume = resume;
    list_init(&l->waiter.link);
    int err = open_place(l, at);
    if (err != 0) {
        free(l);
        return err;
    }
    int rc = uv_poll_init(&loop->uv, &l->poll, l->fd);
    if (rc != 0) {
        remove_file(l);
        close(l->fd);
        free(l);
        return oserr(rc);
    }
    l->poll.data = l;
    tcp_stream_set_options(l->fd);
    l->local = sockaddr_local(l->fd);
    l->is_for_any = l->local.addr.family != FAMILY_NONE && addr_is_unspecified(&l->local.addr);
    descriptors_opened(&loop->descriptors, l->fd);
    uv_poll_start(&l->poll, UV_READABLE, on_poll);
    *bound = *at;
    if (at->kind != PLACE_UNIX) {
        bound->at = l->local;
        bound->kind = bound->at.addr.family != FAMILY_NONE ? PLACE_IP : PLACE_FD;
    }
    *out = l;
    return 0;
}

void io_listener_set_wanted(struct io_listener *l, io_wanted_fn *wanted)
{
    l->wanted = wanted;
}

void io_listener_set_tls(struct io_listener *l, struct io_tls *tls)
{
    io_tls_free(l->tls);
    l->tls = tls;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void io_listener_close(struct io_listener *l)
{
    l->closed = true;
    remove_file(l);
    descriptors_cancel(&l->waiter);
    io_tls_free(l->tls);
    l->tls = NULL;
    uv_close((uv_handle_t *)&l->poll, on_closed);
    descriptors_close(&l->loop->descriptors, l->fd);
}
