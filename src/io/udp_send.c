/* SPDX-License-Identifier: MIT */
/* Sends the outbox in order, many datagrams to a system call. Nothing is ever waited for: what
 * the system does not take is lost as it would be in the network, and the protocols inside the
 * tunnel repair it. */
#include "io/udp_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"

#define BATCH 64

union control {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(int))]; /* TOS or traffic class */
};

/* Messages of one family, in the outbox's order. Equal-sized neighbours to one destination
 * stand contiguous in the outbox: joining them into one message for the kernel to cut again
 * would happen in fill(). */
struct batch {
    unsigned n;
    struct mmsghdr msgs[BATCH];
    struct iovec iov[BATCH];
    union sockaddr_any to[BATCH];
    union control control[BATCH];
};

static void set_tos(struct msghdr *msg, union control *control, uint8_t tos, bool v6)
{
    int value = tos;
    *control = (union control){.space = {0}}; /* its padding is given to the system too */
    msg->msg_control = control;
    msg->msg_controllen = sizeof control->space;
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    c->cmsg_type = v6 ? IPV6_TCLASS : IP_TOS;
    c->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(c), &value, sizeof value);
}

static void add(struct batch *b, const struct outbox *ob, const struct outbox_msg *m)
{
    unsigned i = b->n++;
    b->iov[i] = (struct iovec){(void *)(uintptr_t)outbox_data(ob, m), m->len}; /* only read */
    b->msgs[i].msg_hdr = (struct msghdr){
        .msg_name = &b->to[i],
        .msg_namelen = sockaddr_from_endpoint(&b->to[i], &m->to),
        .msg_iov = &b->iov[i],
        .msg_iovlen = 1,
    };
    if (m->tos != 0) {
        set_tos(&b->msgs[i].msg_hdr, &b->control[i], m->tos, m->to.addr.family == FAMILY_V6);
    }
}

/* As many neighbours of the family of message `first` as fit; returns their number. */
static unsigned fill(struct batch *b, const struct outbox *ob, unsigned first)
{
    b->n = 0;
    unsigned i = first;
    while (i < ob->n && b->n < BATCH &&
           ob->msgs[i].to.addr.family == ob->msgs[first].to.addr.family) {
        add(b, ob, &ob->msgs[i++]);
    }
    return b->n;
}

/* The handler hears of it from the loop: send() may have been called from anywhere. */
static void failed(struct udp_port *p, const struct outbox_msg *m, int err)
{
    p->counters.undelivered++;
    p->failed_to = m->to;
    p->failed_err = err == ERR_NO_ADDRESS ? ERR_UNREACHABLE : err;
    loop_soon(p->loop, &p->report);
}

/* One message's own error may really be an ICMP error of an earlier one, which the socket tells
 * only once: so a message counts as failed when it fails twice. */
static void send_batch(struct udp_port *p, int fd, struct batch *b, const struct outbox_msg *msgs)
{
    bool failed_before = false;
    unsigned at = 0;
    while (at < b->n) {
        int sent = sendmmsg(fd, b->msgs + at, b->n - at, 0);
        if (sent > 0) {
            p->counters.sent += (unsigned)sent;
            at += (unsigned)sent;
            failed_before = false;
        } else if (errno == EAGAIN) {
            p->counters.send_dropped += b->n - at;
            return;
        } else if (errno == ENOBUFS || errno == ENOMEM) {
            p->counters.send_dropped++; /* the device's queue was full; the next may find room */
            at++;
        } else if (!failed_before) {
            failed_before = true;
        } else {
            failed(p, &msgs[at++], oserr(errno));
            failed_before = false;
        }
    }
}

void udp_port_send(struct dgram *d, const struct outbox *ob)
{
    struct udp_port *p = container_of(d, struct udp_port, dgram);
    struct batch b;
    for (unsigned first = 0; first < ob->n; first += b.n) {
        unsigned n = fill(&b, ob, first);
        const struct outbox_msg *msgs = &ob->msgs[first];
        int fd = p->sockets[msgs->to.addr.family == FAMILY_V6 ? UDP_V6 : UDP_V4].fd;
        if (fd >= 0) {
            send_batch(p, fd, &b, msgs);
        } else {
            for (unsigned i = 0; i < n; i++) {
                failed(p, &msgs[i], ERR_UNREACHABLE);
            }
        }
    }
}
