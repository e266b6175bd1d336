/* SPDX-License-Identifier: MIT */
/* Begins connections of the machine's own TCP. */
#include "io/io.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"
#include "io/tcp_stream.h"

static int connect_unix(struct io_loop *loop, const char *path, struct stream **out)
{
    static const struct endpoint nowhere = {0};
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    static_assert(sizeof sun.sun_path >= PLACE_PATH, "it fits");
    memcpy(sun.sun_path, path, strlen(path) + 1);
    if (descriptors_scarce(&loop->descriptors)) {
        return ERR_LIMIT;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return oserr(errno);
    }
    if (connect(fd, (const struct sockaddr *)&sun, sizeof sun) != 0) {
        /* EAGAIN is a full backlog, ENOENT nobody at all (unix(7)). */
        int err = errno == EAGAIN || errno == ENOENT ? ERR_REFUSED : oserr(errno);
        close(fd);
        return err;
    }
    return tcp_stream_new(loop, fd, &nowhere, &nowhere, out);
}

int io_connect_at(struct io_loop *loop, const struct place *to, struct stream **out)
{
    switch (to->kind) {
    case PLACE_IP:
        return io_connect(loop, &to->at, out);
    case PLACE_UNIX:
        return connect_unix(loop, to->path, out);
    case PLACE_FD:
        break;
    }
    return ERR_INVALID;
}

int io_connect(struct io_loop *loop, const struct endpoint *to, struct stream **out)
{
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, to);
    if (descriptors_scarce(&loop->descriptors)) {
        return ERR_LIMIT;
    }
    if (len == 0) {
        return ERR_INVALID;
    }
    int fd = socket(sa.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return oserr(errno);
    }
    if (connect(fd, &sa.sa, len) != 0 && errno != EINPROGRESS) {
        int err = oserr(errno);
        close(fd);
        return err;
    }
    tcp_stream_set_options(fd);
    struct endpoint local = sockaddr_local(fd);
    return tcp_stream_new(loop, fd, to, &local, out);
}
