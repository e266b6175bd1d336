/* SPDX-License-Identifier: MIT */
/* Receives batches of datagrams. Each message of a call is given a slot of 2 KiB in a buffer that
 * all share, and behind it a large buffer of its own, into which it spills when it is longer: what
 * the system has gathered from many datagrams (UDP_GRO), or a jumbo. So small datagrams stand side
 * by side in little memory that stays warm, no size is ever cut, and a message that is long is
 * not copied: only the one datagram of it that stands across the border is put together, in the
 * large buffer, where the space of a slot is left free in front.
 *
 * Of a large buffer that nothing spilled into, hardly a page exists. */
#include "io/udp_port.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "io/sockaddr.h"

#define SLOTS 32
#define SLOT_SIZE 2048
#define BUFFER_SIZE (SLOTS * SLOT_SIZE)
/* Below this many free slots a buffer that is still in use elsewhere is given up for a new one. */
#define SLOTS_MIN 8
/* Messages of a call: few while they may be long, so that a call's datagrams fit the processor's
 * cache; many once a call was filled with short ones. */
#define MESSAGES_FEW 8
/* After as many calls or bytes the other sockets of the loop get their turn, and the buffers are
 * let go. */
#define CALLS_PER_WAKEUP 4
#define BYTES_PER_WAKEUP (512 << 10)
#define BATCH 256 /* datagrams that the handler is given at once */
#define IDLE_BUFFERS 16

static_assert(BUFFER_SIZE >= 65535, "holds any message");
static_assert(MESSAGES_FEW <= SLOTS_MIN, "there are slots for them");

/* TOS or traffic class, and the size of the datagrams that were gathered. */
union control {
    struct cmsghdr align;
    char space[2 * CMSG_SPACE(sizeof(int))];
};

struct udp_receiver {
    struct rxbuf_pool pool;
    struct rxbuf *current;      /* NULL: none yet */
    unsigned slot;              /* the first one of `current` that nobody uses */
    struct rxbuf *large[SLOTS]; /* by message; NULL: it was kept by those who read it */

    /* Scratch of one system call. */
    struct mmsghdr msgs[SLOTS];
    struct iovec iov[SLOTS][2];
    union sockaddr_any from[SLOTS];
    union control control[SLOTS];

    /* Datagrams on their way to a handler. */
    struct dgram_rx batch[BATCH];
    unsigned n_batch;
};

int udp_receiver_new(struct udp_receiver **out)
{
    struct udp_receiver *r = calloc(1, sizeof *r);
    if (r == NULL) {
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
    for (unsigned i = 0; i < SLOTS; i++) {
        rxbuf_unref(r->large[i]);
    }
    rxbuf_pool_fini(&r->pool);
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

/* As many messages of a call as there are buffers for, up to `most`. */
static unsigned prepare_messages(struct udp_receiver *r, unsigned most)
{
    unsigned n = 0;
    for (; n < most; n++) {
        if (r->large[n] == NULL && (r->large[n] = rxbuf_new(&r->pool)) == NULL) {
            break;
        }
        r->iov[n][0] = (struct iovec){slot_data(r, n), SLOT_SIZE};
        r->iov[n][1] = (struct iovec){r->large[n]->data + SLOT_SIZE, BUFFER_SIZE - SLOT_SIZE};
        r->msgs[n].msg_hdr = (struct msghdr){
            .msg_name = &r->from[n],
            .msg_namelen = sizeof r->from[n],
            .msg_iov = r->iov[n],
            .msg_iovlen = 2,
            .msg_control = &r->control[n],
            .msg_controllen = sizeof r->control[n],
        };
    }
    return n;
}

/* What nobody kept is used again at once. */
static void release_large(struct udp_receiver *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (r->large[i]->refs > 1) {
            rxbuf_unref(r->large[i]);
            r->large[i] = NULL;
        }
    }
}

/* ---- what arrived ---- */

/* What the system tells of a message. */
struct told {
    uint8_t tos;
    size_t piece; /* of so many bytes are its datagrams, the last maybe of less; 0: it is one */
};

static struct told read_control(struct msghdr *msg)
{
    struct told t = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        int value;
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            t.tos = *CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            memcpy(&value, CMSG_DATA(c), sizeof value);
            t.tos = (uint8_t)value;
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&value, CMSG_DATA(c), sizeof value);
            t.piece = value > 0 ? (size_t)value : 0;
        }
    }
    return t;
}

static void deliver(struct udp_receiver *r, struct udp_port *p, struct now now)
{
    if (r->n_batch > 0) {
        p->counters.received += r->n_batch;
        p->dgram.handler->received(p->dgram.ctx, r->batch, r->n_batch, now);
        r->n_batch = 0;
    }
}

/* `len` bytes of message `i` from `at` on, in one piece. */
static void find_piece(struct udp_receiver *r, unsigned i, size_t at, size_t len,
                       struct dgram_rx *out)
{
    uint8_t *slot = slot_data(r, i), *large = r->large[i]->data;
    bool in_slot = at + len <= SLOT_SIZE;
    if (!in_slot && at < SLOT_SIZE) {
        memcpy(large + at, slot + at, SLOT_SIZE - at);
    }
    out->buf = in_slot ? r->current : r->large[i];
    out->data = (in_slot ? slot : large) + at;
    out->len = len;
}

/* Takes message `i` apart. */
static void take_apart(struct udp_receiver *r, struct udp_port *p, unsigned i, struct now now)
{
    struct told told = read_control(&r->msgs[i].msg_hdr);
    struct dgram_rx rx = {.from = sockaddr_to_endpoint(&r->from[i].sa), .tos = told.tos};
    size_t whole = r->msgs[i].msg_len, at = 0;
    do {
        size_t left = whole - at;
        find_piece(r, i, at, told.piece > 0 && told.piece < left ? told.piece : left, &rx);
        if (r->n_batch == BATCH) {
            deliver(r, p, now);
        }
        r->batch[r->n_batch++] = rx;
        at += rx.len;
    } while (at < whole);
}

/* The messages of one call; returns how many bytes they had. */
static size_t take(struct udp_receiver *r, struct udp_port *p, unsigned n, struct now now)
{
    size_t bytes = 0;
    bool spilled = false;
    for (unsigned i = 0; i < n; i++) {
        bytes += r->msgs[i].msg_len;
        spilled |= r->msgs[i].msg_len > SLOT_SIZE;
        take_apart(r, p, i, now);
    }
    deliver(r, p, now);
    r->slot += n;
    p->counters.receive_calls++;
    p->many_small = !spilled && n >= MESSAGES_FEW;
    release_large(r, n);
    return bytes;
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
    size_t bytes = 0;
    for (int i = 0; i < CALLS_PER_WAKEUP && bytes < BYTES_PER_WAKEUP && !p->closed; i++) {
        unsigned room = find_slots(r) ? SLOTS - r->slot : 0;
        room = prepare_messages(r, p->many_small || room < MESSAGES_FEW ? room : MESSAGES_FEW);
        if (room == 0) {
            discard(p, fd);
            return;
        }
        int n = recvmmsg(fd, r->msgs, room, 0, NULL);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            continue; /* an ICMP error, told by udp_errors.c; it is gone from the socket now */
        }
        bytes += take(r, p, (unsigned)n, now);
        if ((unsigned)n < room) {
            return;
        }
    }
}
