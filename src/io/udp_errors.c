/* SPDX-License-Identifier: MIT */
/* Reads the ICMP errors that the system kept for a UDP socket. */
#include "io/udp_port.h"

#include <linux/errqueue.h>
#include <netinet/in.h>

#include "io/oserr.h"
#include "io/sockaddr.h"

#define ERRORS_PER_WAKEUP 64

/* The error in a message of the error queue; NULL if there is none that came from the network.
 * What the system itself refused was told by the send (RFC 1122 4.1.3.3 wants ICMP errors
 * passed up). */
static const struct sock_extended_err *find_error(struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
        bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
        const struct sock_extended_err *e = (const void *)CMSG_DATA(c);
        if ((v4 || v6) && e->ee_origin != SO_EE_ORIGIN_LOCAL) {
            return e;
        }
    }
    return NULL;
}

void udp_port_receive_errors(struct udp_port *p, int fd, struct now now)
{
    for (int i = 0; i < ERRORS_PER_WAKEUP && !p->closed; i++) {
        union sockaddr_any to = {.sa.sa_family = AF_UNSPEC};
        union {
            struct cmsghdr align;
            char space[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(union sockaddr_any)) +
                       CMSG_SPACE(sizeof(int))];
        } control;
        struct msghdr msg = {
            .msg_name = &to,
            .msg_namelen = sizeof to,
            .msg_control = &control,
            .msg_controllen = sizeof control,
        };
        if (recvmsg(fd, &msg, MSG_ERRQUEUE) < 0) {
            break;
        }
        const struct sock_extended_err *e = find_error(&msg);
        if (e != NULL) {
            struct endpoint dst = sockaddr_to_endpoint(&to.sa);
            p->counters.undelivered++;
            p->dgram.handler->undelivered(p->dgram.ctx, &dst, oserr((int)e->ee_errno), now);
        }
    }
}
