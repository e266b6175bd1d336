/* SPDX-License-Identifier: MIT */
/* Begins connections of the machine's own TCP. */
#include "io/io.h"

#include <errno.h>
#include <unistd.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"
#include "io/tcp_stream.h"

int io_connect(struct io_loop *loop, const struct endpoint *to, struct stream **out)
{
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, to);
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
    return tcp_stream_new(loop, fd, to, out);
}
