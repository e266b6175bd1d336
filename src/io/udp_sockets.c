/* SPDX-License-Identifier: MIT */
/* Opens the two sockets of a UDP port: one per address family, both on one number. */
#include "io/udp_port.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"

/* Many milliseconds of a fast link, for the moments in which this thread is busy with something
 * else. */
#define BUFFER_BYTES (4 << 20)
/* How often a free port is sought that the other family has free too. */
#define PORT_TRIES 100

/* The sysctls net.core.{r,w}mem_max bound what an ordinary user gets; an administrator may go
 * beyond. */
static void ask_buffer(int fd, int force, int plain)
{
    int bytes = BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof bytes) != 0) {
        setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
    }
}

static void set_flag(int fd, int level, int option)
{
    int on = 1;
    setsockopt(fd, level, option, &on, sizeof on);
}

/* All of these are wishes: a system that lacks one still moves datagrams. V6ONLY is seen to by
 * bind(), which fails with EADDRINUSE without it. */
static void set_options(int fd, int family)
{
    ask_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    ask_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    if (family == AF_INET) {
        set_flag(fd, IPPROTO_IP, IP_RECVTOS);
        set_flag(fd, IPPROTO_IP, IP_RECVERR);
    } else {
        set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
        set_flag(fd, IPPROTO_IPV6, IPV6_RECVTCLASS);
        set_flag(fd, IPPROTO_IPV6, IPV6_RECVERR);
    }
}

static int open_socket(enum family family, uint16_t port, int *out)
{
    struct endpoint any = {.addr.family = (uint8_t)family, .port = port};
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, &any);
    int fd = socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return oserr(errno);
    }
    set_options(fd, sa.sa.sa_family);
    if (bind(fd, &sa.sa, len) != 0) {
        int err = oserr(errno);
        close(fd);
        return err;
    }
    *out = fd;
    return 0;
}

/* An error that says no more than that the machine has not got this family. */
static bool is_absent(int err)
{
    return err == ERR_NO_ADDRESS || err == ERR_IO || err == ERR_INVALID;
}

/* Both families on one port; `fds` is -1 where one is absent. */
static int open_both(uint16_t port, int fds[UDP_FAMILIES])
{
    fds[UDP_V4] = fds[UDP_V6] = -1;
    int err = open_socket(FAMILY_V4, port, &fds[UDP_V4]);
    if (err != 0 && !is_absent(err)) {
        return err;
    }
    if (err == 0) {
        port = sockaddr_local(fds[UDP_V4]).port;
    }
    err = open_socket(FAMILY_V6, port, &fds[UDP_V6]);
    if (err != 0 && is_absent(err)) {
        err = fds[UDP_V4] >= 0 ? 0 : ERR_IO;
    }
    if (err != 0 && fds[UDP_V4] >= 0) {
        close(fds[UDP_V4]);
    }
    return err;
}

int udp_sockets_open(uint16_t port, int fds[UDP_FAMILIES])
{
    int err = ERR_IN_USE;
    int tries = port == 0 ? PORT_TRIES : 1;
    for (int i = 0; i < tries && err == ERR_IN_USE; i++) {
        err = open_both(port, fds);
    }
    return err;
}

int udp_sockets_bind(const struct endpoint *at, int fds[UDP_FAMILIES])
{
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, at);
    fds[UDP_V4] = fds[UDP_V6] = -1;
    if (len == 0) {
        return ERR_INVALID;
    }
    int fd = socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return oserr(errno);
    }
    if (sa.sa.sa_family == AF_INET6) {
        set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    }
    if (bind(fd, &sa.sa, len) != 0) {
        int err = oserr(errno);
        close(fd);
        return err;
    }
    fds[at->addr.family == FAMILY_V6 ? UDP_V6 : UDP_V4] = fd;
    return 0;
}

/* What a socket may really use; the system tells twice that, for its own book-keeping. */
static int granted(int fd, int option)
{
    int bytes = 0;
    socklen_t len = sizeof bytes;
    return getsockopt(fd, SOL_SOCKET, option, &bytes, &len) == 0 ? bytes / 2 : BUFFER_BYTES;
}

void udp_sockets_tell_buffers(struct udp_port *p)
{
    int fd = p->sockets[p->sockets[UDP_V4].fd >= 0 ? UDP_V4 : UDP_V6].fd;
    int receive = granted(fd, SO_RCVBUF), send = granted(fd, SO_SNDBUF);
    if (p->loop->offload.told_buffers || (receive >= BUFFER_BYTES && send >= BUFFER_BYTES)) {
        return;
    }
    p->loop->offload.told_buffers = true;
    log_info(p->loop->log,
             "the UDP socket's buffers are %d KiB to receive and %d KiB to send, not %d: bursts of "
             "a fast link may be lost"
             " -> sysctl -w net.core.rmem_max=%d net.core.wmem_max=%d lifts that",
             receive >> 10, send >> 10, BUFFER_BYTES >> 10, BUFFER_BYTES, BUFFER_BYTES);
}

uint64_t udp_sockets_dropped(const struct udp_port *p)
{
    uint64_t dropped = 0;
    for (int i = 0; i < UDP_FAMILIES; i++) {
        uint32_t info[SK_MEMINFO_VARS] = {0};
        socklen_t len = sizeof info;
        if (p->sockets[i].fd >= 0 &&
            getsockopt(p->sockets[i].fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0) {
            dropped += info[SK_MEMINFO_DROPS];
        }
    }
    return dropped;
}

void udp_sockets_allow_fragments(struct udp_port *p)
{
    int v4 = IP_PMTUDISC_DONT, v6 = IPV6_PMTUDISC_DONT;
    if (p->sockets[UDP_V4].fd >= 0) {
        setsockopt(p->sockets[UDP_V4].fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof v4);
    }
    if (p->sockets[UDP_V6].fd >= 0) {
        setsockopt(p->sockets[UDP_V6].fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof v6);
    }
}
