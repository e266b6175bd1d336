/* SPDX-License-Identifier: MIT */
/* Receives batches of datagrams into slots of a large shared buffer.
 *
 * A slot holds any datagram of an ordinary path. What is longer spills into the message's own
 * overflow area, of which no page exists before the first such datagram, and is then put
 * together in a buffer of its own: no size is ever cut, and the usual ones cost neither a copy
 * nor 64 KiB each. */
#include "io/udp_port.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "io/sockaddr.h"

#define SLOTS 32
#define SLOT_SIZE 2048
#define BUFFER_SIZE (SLOTS * SLOT_SIZE)
#define OVERFLOW_SIZE (BUFFER_SIZE - SLOT_SIZE)
/* Below this many free slots a buffer that is still in use elsewhere is given up for a new one. */
#define SLOTS_MIN 8
/* After as many batches the other sockets of the loop get their turn. */
#define BATCHES_PER_WAKEUP 4
#define IDLE_BUFFERS 16

static_assert(BUFFER_SIZE >= 65535, "holds any datagram");

union control {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(int))]; /* TOS or traffic class */
};

struct udp_receiver {
    struct rxbuf_pool pool;
    struct rxbuf *current; /* NULL: none yet */
    unsigned slot;         /* the first one of `current` that nobody uses */
    uint8_t *overflow;     /* SLOTS areas */

    /* Scratch of one system call. */
    struct mmsghdr msgs[SLOTS];
    struct iovec iov[SLOTS][2];
    union sockaddr_any from[SLOTS];
    union control control[SLOTS];
    struct dgram_rx batch[SLOTS];
    struct rxbuf *large[SLOTS]; /* buffers of those that overflowed */
    unsigned n_large;
};

int udp_receiver_new(struct udp_receiver **out)
{
    struct udp_receiver *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return ERR_NOMEM;
    }
    r->overflow = malloc((size_t)SLOTS * OVERFLOW_SIZE);
    if (r->overflow == NULL) {
        free(r);
        return ERR_NOMEM;
    }
    rxbuf_pool_init(&r->pool, BUFFER_SIZE, IDLE_BUFFERS);
    *out = r;
    return 0;
}

void udp_receiver_free(struct udp_receiver *r)
{
    if (r == NULL) {
        return;
    }
    rxbuf_unref(r->current);
    rxbuf_pool_fini(&r->pool);
    free(r->overflow);
    free(r);
}

/* ---- slots ---- */

/* Slots that nobody holds any more are used again at once, while they are in the processor's
 * cache. */
static bool find_slots(struct udp_receiver *r)
{
    if (r->current != NULL && r->current->refs == 1) {
        r->slot = 0;
    }
    if (r->current != NULL && SLOTS - r->slot < SLOTS_MIN) {
        rxbuf_unref(r->current);
        r->current = NULL;
    }
    if (r->current == NULL) {
        r->current = rxbuf_new(&r->pool);
        r->slot = 0;
    }
    return r->current != NULL;
}

static uint8_t *slot_data(const struct udp_receiver *r, unsigned i)
{
    return r->current->data + (size_t)(r->slot + i) * SLOT_SIZE;
}

static uint8_t *overflow_data(const struct udp_receiver *r, unsigned i)
{
    return r->overflow + (size_t)i * OVERFLOW_SIZE;
}

static void prepare_message(struct udp_receiver *r, unsigned i)
{
    r->iov[i][0] = (struct iovec){slot_data(r, i), SLOT_SIZE};
    r->iov[i][1] = (struct iovec){overflow_data(r, i), OVERFLOW_SIZE};
    r->msgs[i].msg_hdr = (struct msghdr){
        .msg_name = &r->from[i],
        .msg_namelen = sizeof r->from[i],
        .msg_iov = r->iov[i],
        .msg_iovlen = 2,
        .msg_control = &r->control[i],
        .msg_controllen = sizeof r->control[i],
    };
}

/* ---- what arrived ---- */

static uint8_t find_tos(struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            return *CMSG_DATA(c);
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            int tclass;
            memcpy(&tclass, CMSG_DATA(c), sizeof tclass);
            return (uint8_t)tclass;
        }
    }
    return 0;
}

/* Puts a datagram that overflowed its slot together. False without memory. */
static bool gather(struct udp_receiver *r, unsigned i, struct dgram_rx *rx)
{
    struct rxbuf *b = rxbuf_new(&r->pool);
    if (b == NULL) {
        return false;
    }
    memcpy(b->data, slot_data(r, i), SLOT_SIZE);
    memcpy(b->data + SLOT_SIZE, overflow_data(r, i), rx->len - SLOT_SIZE);
    rx->buf = b;
    rx->data = b->data;
    r->large[r->n_large++] = b;
    return true;
}

/* The messages of one call as a batch; returns how many datagrams it holds. A message that the
 * kernel has gathered from several datagrams would be taken apart here. */
static size_t collect(struct udp_receiver *r, struct udp_port *p, unsigned n)
{
    size_t count = 0;
    for (unsigned i = 0; i < n; i++) {
        struct dgram_rx *rx = &r->batch[count];
        *rx = (struct dgram_rx){
            .buf = r->current,
            .data = slot_data(r, i),
            .len = r->msgs[i].msg_len,
            .from = sockaddr_to_endpoint(&r->from[i].sa),
            .tos = find_tos(&r->msgs[i].msg_hdr),
        };
        if (rx->len > SLOT_SIZE && !gather(r, i, rx)) {
            p->counters.receive_dropped++;
            continue;
        }
        count++;
    }
    p->counters.received += count;
    return count;
}

static void deliver(struct udp_receiver *r, struct udp_port *p, unsigned n, struct now now)
{
    r->n_large = 0;
    size_t count = collect(r, p, n);
    r->slot += n;
    if (count > 0) {
        p->dgram.handler->received(p->dgram.ctx, r->batch, count, now);
    }
    for (unsigned i = 0; i < r->n_large; i++) {
        rxbuf_unref(r->large[i]);
    }
}

/* Without memory the datagrams are lost, as they would be in the network; left in the socket
 * they would spin the loop. */
static void discard(struct udp_port *p, int fd)
{
    char nothing;
    for (unsigned i = 0; i < SLOTS && recv(fd, &nothing, sizeof nothing, 0) >= 0; i++) {
        p->counters.receive_dropped++;
    }
}

void udp_port_receive(struct udp_receiver *r, struct udp_port *p, int fd, struct now now)
{
    for (int i = 0; i < BATCHES_PER_WAKEUP && !p->closed; i++) {
        if (!find_slots(r)) {
            discard(p, fd);
            return;
        }
        unsigned room = SLOTS - r->slot;
        for (unsigned k = 0; k < room; k++) {
            prepare_message(r, k);
        }
        int n = recvmmsg(fd, r->msgs, room, 0, NULL);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            continue; /* an ICMP error, told by udp_errors.c; it is gone from the socket now */
        }
        deliver(r, p, (unsigned)n, now);
        if ((unsigned)n < room) {
            return;
        }
    }
}
