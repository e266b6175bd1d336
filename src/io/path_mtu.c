/* SPDX-License-Identifier: MIT */
/* What the machine knows of the path to an address: asked of a UDP socket that is connected,
 * which sends nothing. */
#include "io/io.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sockaddr.h"

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
