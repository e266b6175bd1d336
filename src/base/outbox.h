/* SPDX-License-Identifier: MIT */
/* The batch of datagrams that one turn sends. Messages stand one behind the other in a single buffer,
 * so that equal-sized neighbours to one destination can leave in one GSO call. Writers take the tail,
 * build or seal a message there in place, and commit it; whoever owns the socket sends and clears. */
#ifndef WGPROXY_BASE_OUTBOX_H
#define WGPROXY_BASE_OUTBOX_H

#include "base/addr.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbox_msg {
    uint32_t offset; /* into outbox.buf */
    uint16_t len;
    uint8_t tos; /* outer DSCP and ECN bits, as in the IPv4 TOS byte */
    struct endpoint to;
};

struct outbox {
    uint8_t *buf; /* `size` bytes, 16-byte aligned */
    size_t size;
    size_t used; /* the next message starts here */
    struct outbox_msg *msgs;
    unsigned n, max;
};

/* ERR_NOMEM or 0. */
int outbox_init(struct outbox *ob, size_t size, unsigned max_msgs) MUST_USE;
void outbox_fini(struct outbox *ob); /* wipes nothing: what stands here is public */

/* Room for one more message of up to `len` bytes? When not: send, clear, ask again. */
static inline bool outbox_has_room(const struct outbox *ob, size_t len)
{
    return ob->n < ob->max && ob->size - ob->used >= len;
}

/* Where the next message is to be written. Valid for as much as outbox_has_room() promised. */
static inline uint8_t *outbox_tail(struct outbox *ob)
{
    return ob->buf + ob->used;
}

/* The `len` bytes at the tail become a message. Asserts the room. */
void outbox_commit(struct outbox *ob, size_t len, const struct endpoint *to, uint8_t tos);

static inline const uint8_t *outbox_data(const struct outbox *ob, const struct outbox_msg *m)
{
    return ob->buf + m->offset;
}

static inline void outbox_clear(struct outbox *ob)
{
    ob->n = 0;
    ob->used = 0;
}

#endif
