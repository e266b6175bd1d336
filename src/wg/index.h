/* SPDX-License-Identifier: MIT */
/* Our session indices: random, so that a stranger cannot guess one, and unique over open
 * handshakes and keypairs of all peers (paper 5.4.2). Entries are members of what they stand for:
 * inserting allocates nothing. */
#ifndef WGPROXY_WG_INDEX_H
#define WGPROXY_WG_INDEX_H

#include "base/macros.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wg_peer;

enum index_kind { INDEX_HANDSHAKE, INDEX_KEYPAIR };

struct index_entry {
    struct index_entry *next; /* in its bucket */
    struct wg_peer *peer;
    uint32_t index;
    enum index_kind kind;
    bool listed;
};

struct index_table {
    struct index_entry **buckets;
    uint32_t mask;
};

#define INDEX_PER_PEER 4 /* an open handshake and three keypairs */

void index_table_init(struct index_table *t);
void index_table_fini(struct index_table *t); /* the entries are not touched */

/* Make room for so many entries; the table only grows. 0 or ERR_NOMEM. */
int index_table_reserve(struct index_table *t, size_t entries) MUST_USE;

void index_entry_init(struct index_entry *e, enum index_kind kind, struct wg_peer *peer);

/* Give `e` a fresh random index; one that it had is forgotten. */
uint32_t index_insert(struct index_table *t, const struct rng *rng, struct index_entry *e);

/* `to` takes over the index of `from`, which is off the table afterwards. */
void index_move(struct index_table *t, struct index_entry *to, struct index_entry *from);

void index_remove(struct index_table *t, struct index_entry *e); /* harmless when not listed */

struct index_entry *index_lookup(const struct index_table *t, uint32_t index); /* or NULL */

#endif
