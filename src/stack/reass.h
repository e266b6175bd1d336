/* SPDX-License-Identifier: MIT */
/* Puts the fragments of inner packets together (RFC 791 3.2, RFC 8200 4.5), before lwIP sees them:
 * within fixed limits, and without mercy for overlaps (RFC 5722), which no honest sender makes.
 * Fragments are copied, so that an unfinished packet holds no receive buffer. */
#ifndef WGPROXY_STACK_REASS_H
#define WGPROXY_STACK_REASS_H

#include "base/list.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet;

struct reass {
    struct list partial; /* oldest first */
    unsigned n;          /* packets begun */
    size_t bytes;        /* memory that they hold */
};

enum {
    REASS_PACKETS_MAX = 64,        /* begun at a time; the oldest give way */
    REASS_BYTES_MAX = 1024 * 1024, /* held at a time; the oldest give way */
    REASS_FRAGMENTS_MAX = 256,     /* of one packet */
    REASS_SECONDS = 15, /* RFC 791's lower bound; a packet that is later has been resent */
};

void reass_init(struct reass *r);
void reass_fini(struct reass *r);

enum reass_result {
    REASS_WAITS, /* taken; more is to come */
    REASS_WHOLE, /* *ip, *len are the whole packet, for the caller to free() */
    REASS_BAD,   /* it contradicts the others, which are forgotten with it */
    REASS_NOMEM,
};

/* Take one fragment that passed the gate. */
enum reass_result reass_add(struct reass *r, const struct packet *fragment, uint8_t **ip,
                            size_t *len, uint64_t mono) MUST_USE;

uint64_t reass_next_deadline(const struct reass *r); /* NEVER when nothing is begun */
void reass_tick(struct reass *r, uint64_t mono);

#endif
