/* SPDX-License-Identifier: MIT */
/* The cryptokey routing table (paper 2): which peer an inner address belongs to, by longest
 * prefix. The same table routes what goes out and checks the source of what comes in. */
#ifndef WGPROXY_WG_ALLOWEDIPS_H
#define WGPROXY_WG_ALLOWEDIPS_H

#include "base/addr.h"
#include "base/macros.h"

struct wg_peer;
struct allowedips_node;

struct allowedips {
    struct allowedips_node *root_v4, *root_v6;
};

void allowedips_init(struct allowedips *a);
void allowedips_fini(struct allowedips *a);

/* Give the prefix to `peer`; bits beyond its length do not count. *previous (may be NULL) is the
 * peer that had exactly this prefix, or NULL. 0; ERR_NOMEM, and nothing changed; ERR_INVALID for a
 * length or family that is none. */
int allowedips_insert(struct allowedips *a, const struct prefix *p, struct wg_peer *peer,
                      struct wg_peer **previous) MUST_USE;

/* Take all its prefixes from a peer. */
void allowedips_remove_peer(struct allowedips *a, const struct wg_peer *peer);

/* The owner of the longest prefix that contains the address; NULL. */
struct wg_peer *allowedips_lookup(const struct allowedips *a, const struct addr *addr);

#endif
