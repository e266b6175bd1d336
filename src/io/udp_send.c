/* SPDX-License-Identifier: MIT */
/* Sends the outbox in order, many datagrams to a system call. Nothing is ever waited for: what
 * the system does not take is lost as it would be in the network, and the protocols inside the
 * tunnel repair it.
 *
 * Equal-sized neighbours to one destination are a run, which leaves as one message that the system
 * cuts again (UDP_SEGMENT). What it refuses as a run is sent datagram by datagram; if those are
 * taken, either the path is too narrow for them, or runs are given up for this port. */
#include "io/udp_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"

#define BATCH 64
#define RUN_DATAGRAMS 64 /* more only newer systems take */
#define RUN_BYTES 65507  /* what one IPv4 datagram can carry */

/* TOS or traffic class, and the size of the pieces. */
union control {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
};

/* Runs of one family, in the outbox's order. */
struct batch {
    unsigned n;
    unsigned first[BATCH], length[BATCH]; /* of each run, in messages of the outbox */
    struct mmsghdr msgs[BATCH];
    struct iovec iov[BATCH];
    union sockaddr_any to[BATCH];
    union control control[BATCH];
};

/* An outbox on its way. */
struct sending {
    struct udp_port *port;
    const struct outbox *ob;
    unsigned next; /* the first message that has not been dealt with */

    /* A run that was refused with `refusal`: its messages are sent alone, up to here. */
    unsigned alone_until;
    int refusal;
    bool alone_taken, alone_failed; /* at least one of them was */
};

/* ---- runs ---- */

static unsigned run_length(const struct sending *s, unsigned first)
{
    const struct outbox_msg *m = &s->ob->msgs[first];
    const struct udp_port *p = s->port;
    if (p->plain || p->alone || p->loop->offload.no_gso || first < s->alone_until ||
        m->len > p->run_most) {
        return 1;
    }
    unsigned most = s->ob->n - first < RUN_DATAGRAMS ? s->ob->n - first : RUN_DATAGRAMS, n = 1;
    size_t bytes = m->len;
    while (n < most && m[n - 1].len == m->len && m[n].len <= m->len && m[n].len > 0 &&
           bytes + m[n].len <= RUN_BYTES && m[n].tos == m->tos &&
           endpoint_equal(&m[n].to, &m->to)) {
        bytes += m[n++].len;
    }
    return n;
}

/* Appends to the control data of a message, whose space is large enough. */
static void add_control(struct msghdr *msg, int level, int type, const void *value, size_t len)
{
    struct cmsghdr *c = (void *)((char *)msg->msg_control + msg->msg_controllen);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), value, len);
    msg->msg_controllen += CMSG_SPACE(len);
}

static void set_control(struct msghdr *msg, union control *control, const struct outbox_msg *m,
                        unsigned n)
{
    bool v6 = m->to.addr.family == FAMILY_V6;
    *control = (union control){.space = {0}}; /* its padding is given to the system too */
    msg->msg_control = control;
    if (m->tos != 0) {
        int tos = m->tos;
        add_control(msg, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos,
                    sizeof tos);
    }
    if (n > 1) {
        add_control(msg, IPPROTO_UDP, UDP_SEGMENT, &m->len, sizeof m->len);
    }
}

static void add(struct batch *b, const struct outbox *ob, unsigned first, unsigned n)
{
    const struct outbox_msg *m = &ob->msgs[first], *last = m + n - 1;
    unsigned i = b->n++;
    b->first[i] = first;
    b->length[i] = n;
    b->iov[i] = (struct iovec){
        .iov_base = (void *)(uintptr_t)outbox_data(ob, m), /* only read */
        .iov_len = last->offset + last->len - m->offset,
    };
    b->msgs[i].msg_hdr = (struct msghdr){
        .msg_name = &b->to[i],
        .msg_namelen = sockaddr_from_endpoint(&b->to[i], &m->to),
        .msg_iov = &b->iov[i],
        .msg_iovlen = 1,
    };
    if (m->tos != 0 || n > 1) {
        set_control(&b->msgs[i].msg_hdr, &b->control[i], m, n);
    }
}

/* As many runs of the family of the next message as fit. Those that are sent alone after a refusal
 * are a batch of their own, after which it is judged. */
static void fill(struct batch *b, const struct sending *s)
{
    const struct outbox *ob = s->ob;
    unsigned i = s->next, end = s->refusal != 0 ? s->alone_until : ob->n;
    b->n = 0;
    while (i < end && b->n < BATCH &&
           ob->msgs[i].to.addr.family == ob->msgs[s->next].to.addr.family) {
        unsigned n = run_length(s, i);
        add(b, ob, i, n);
        i += n;
    }
}

/* ---- refusals ---- */

/* The handler hears of it from the loop: send() may have been called from anywhere. */
static void tell(struct udp_port *p, const struct endpoint *to, int err)
{
    p->failed_to = *to;
    p->failed_err = err == ERR_NO_ADDRESS ? ERR_UNREACHABLE : err;
    loop_soon(p->loop, &p->report);
}

static void failed(struct udp_port *p, const struct outbox_msg *m, unsigned n, int err)
{
    p->counters.undelivered += n;
    tell(p, &m->to, err);
}

/* The longest datagram that the path takes whole, as far as the system knows. */
static unsigned path_takes(const struct endpoint *to)
{
    unsigned mtu = io_path_mtu(to), around = (to->addr.family == FAMILY_V4 ? 20 : 40) + 8;
    return mtu > around ? mtu - around : UINT16_MAX;
}

/* The datagrams of a run that was refused have left, or not, one by one. When they were too long
 * for the path, the system has cut them into fragments, which it does not do for a run: whoever
 * makes them should make them shorter. */
static void judge(struct sending *s)
{
    struct udp_port *p = s->port;
    const struct outbox_msg *last = &s->ob->msgs[s->alone_until - 1];
    unsigned length = last[-1].len; /* of all but the last, which may be shorter */
    unsigned takes = path_takes(&last->to);
    if (takes < length) {
        p->run_most = (uint16_t)(takes < p->run_most ? takes : p->run_most);
        if (p->tunnel && s->alone_taken) {
            tell(p, &last->to, ERR_LIMIT);
        }
    } else if (s->alone_taken && !s->alone_failed) {
        p->alone = true;
        udp_offload_tell_refusal(&p->loop->offload, p->tunnel, s->refusal, p->loop->log);
    }
    s->refusal = 0;
    s->alone_taken = s->alone_failed = false;
}

/* ---- sending ---- */

static unsigned datagrams(const struct batch *b, unsigned from, unsigned n)
{
    unsigned sum = 0;
    for (unsigned i = from; i < from + n; i++) {
        sum += b->length[i];
    }
    return sum;
}

/* Run `i` was refused twice. False when it is to be sent again, datagram by datagram. */
static bool give_up(struct sending *s, const struct batch *b, unsigned i, int errnum)
{
    if (b->length[i] > 1 && udp_offload_is_refusal(errnum)) {
        s->refusal = errnum;
        s->alone_until = b->first[i] + b->length[i];
        return false;
    }
    s->alone_failed = s->refusal != 0;
    failed(s->port, &s->ob->msgs[b->first[i]], b->length[i], oserr(errnum));
    return true;
}

/* One message's own error may really be an ICMP error of an earlier one, which the socket tells
 * only once: so a message counts as failed when it fails twice. */
static void send_batch(struct sending *s, int fd, struct batch *b)
{
    struct dgram_counters *c = &s->port->counters;
    bool failed_before = false;
    unsigned at = 0;
    while (at < b->n) {
        int sent = sendmmsg(fd, b->msgs + at, b->n - at, 0);
        unsigned done = sent > 0 ? (unsigned)sent : 1;
        if (sent > 0) {
            c->send_calls++;
            s->alone_taken = s->refusal != 0;
            c->sent += datagrams(b, at, done);
        } else if (errno == EAGAIN) {
            done = b->n - at;
            c->send_dropped += datagrams(b, at, done);
        } else if (errno == ENOBUFS || errno == ENOMEM) {
            /* the device's queue was full; the next may find room */
            c->send_dropped += b->length[at];
        } else if (!failed_before) {
            failed_before = true;
            continue;
        } else if (!give_up(s, b, at, errno)) {
            return;
        }
        s->next += datagrams(b, at, done);
        at += done;
        failed_before = false;
    }
}

void udp_port_send(struct dgram *d, const struct outbox *ob)
{
    struct sending s = {.port = container_of(d, struct udp_port, dgram), .ob = ob};
    struct batch b;
    while (s.next < ob->n) {
        const struct outbox_msg *m = &ob->msgs[s.next];
        int fd = s.port->sockets[m->to.addr.family == FAMILY_V6 ? UDP_V6 : UDP_V4].fd;
        fill(&b, &s);
        if (fd >= 0) {
            send_batch(&s, fd, &b);
        } else {
            unsigned n = datagrams(&b, 0, b.n);
            failed(s.port, m, n, ERR_UNREACHABLE);
            s.next += n;
        }
        if (s.refusal != 0 && s.next >= s.alone_until) {
            judge(&s);
        }
    }
}
