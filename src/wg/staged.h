/* SPDX-License-Identifier: MIT */
/* Inner packets that wait for a key: copies, first in first out, bounded (kernel module:
 * MAX_STAGED_PACKETS). */
#ifndef WGPROXY_WG_STAGED_H
#define WGPROXY_WG_STAGED_H

#include "base/macros.h"
#include "wg/messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct staged_packet {
    size_t len;
    uint8_t data[];
};

struct staged {
    struct staged_packet *ring[STAGED_MAX];
    unsigned first, n;
};

void staged_init(struct staged *s);
void staged_purge(struct staged *s); /* drop them all */

/* Copy a packet to the end; the oldest goes when there are too many. False without memory. */
bool staged_push(struct staged *s, const uint8_t *data, size_t len) MUST_USE;

/* The oldest, which stays; NULL when there is none. */
const struct staged_packet *staged_peek(const struct staged *s);
void staged_pop(struct staged *s);

static inline bool staged_is_empty(const struct staged *s)
{
    return s->n == 0;
}

#endif
