/* SPDX-License-Identifier: MIT */
/* What the machine knows of the path to an address: asked of a UDP socket that is connected,
 * which sends nothing. */
#include "io/io.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"

int io_source_for(const struct endpoint *to, struct addr *out)
{
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, to);
    int fd = len != 0 ? socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0) {
        return len != 0 ? oserr(errno) : ERR_INVALID;
    }
    int err = connect(fd, &sa.sa, len) == 0 ? 0 : oserr(errno);
    *out = err == 0 ? sockaddr_local(fd).addr : (struct addr){0};
    close(fd);
    return err;
}

unsigned io_path_mtu(const struct endpoint *to)
{
    union sockaddr_any sa;
    socklen_t sa_len = sockaddr_from_endpoint(&sa, to);
    bool v4 = to->addr.family == FAMILY_V4;
    int mtu = 0;
    socklen_t len = sizeof mtu;
    int fd = sa_len != 0 ? socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0) {
        return 0;
    }
    if (connect(fd, &sa.sa, sa_len) != 0 ||
        getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &len) != 0) {
        mtu = 0; /* no route yet, say */
    }
    close(fd);
    return mtu > 0 ? (unsigned)mtu : 0;
}
