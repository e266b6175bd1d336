/* SPDX-License-Identifier: MIT */
/* Asks the system for its help with many datagrams, and remembers its refusals. */
#include "io/udp_offload.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#define ALONE "datagrams leave one by one, which costs more CPU"

static bool kernel_is_broken(const struct log *log)
{
    struct utsname u;
    if (uname(&u) != 0 || !udp_offload_is_broken(u.release)) {
        return false;
    }
    log_info(log, "this kernel (%s) damages what UDP_SEGMENT cuts; 7.1.5 does not -> " ALONE,
             u.release);
    return true;
}

/* A system without the option would take the message of several datagrams as one long datagram,
 * so it is asked first. Zero is what a new socket has: nothing changes. */
static bool system_lacks_gso(int fd, const struct log *log)
{
    int whole = 0;
    if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &whole, sizeof whole) == 0) {
        return false;
    }
    log_info(log, "the system has no UDP_SEGMENT (%s) -> " ALONE, strerror(errno));
    return true;
}

bool udp_offload_gso(struct udp_offload *o, int fd, const struct log *log)
{
    if (!o->asked_gso) {
        o->asked_gso = true;
        o->no_gso = system_lacks_gso(fd, log) || kernel_is_broken(log);
    }
    return !o->no_gso;
}

bool udp_offload_gro(struct udp_offload *o, int fd, const struct log *log)
{
    int on = 1;
    if (o->no_gro) {
        return false;
    }
    if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) {
        o->no_gro = true;
        log_info(
            log,
            "the system has no UDP_GRO (%s) -> datagrams arrive one by one, which costs more CPU",
            strerror(errno));
    }
    return !o->no_gro;
}

void udp_offload_tell_refusal(struct udp_offload *o, bool tunnel, int errnum, const struct log *log)
{
    bool *told = tunnel ? &o->told_tunnel_refusal : &o->told_local_refusal;
    if (!*told) {
        *told = true;
        log_info(log, "the system refuses UDP_SEGMENT %s (%s) -> " ALONE,
                 tunnel ? "on this path" : "towards a program of this network", strerror(errnum));
    }
}

/* EIO: the device does no checksums. EINVAL, EMSGSIZE: also a path that is too narrow. */
bool udp_offload_is_refusal(int errnum)
{
    return errnum == EIO || errnum == EINVAL || errnum == EMSGSIZE || errnum == EOPNOTSUPP ||
           errnum == ENOPROTOOPT || errnum == ENOSYS;
}

/* Broken by Linux b10b446, mended by 78effd8 and 5f17ae0. */
bool udp_offload_is_broken(const char *release)
{
    unsigned major, minor, patch = 0;
    if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) < 2) {
        return false;
    }
    return major == 7 && (minor == 0 || (minor == 1 && patch <= 4));
}
