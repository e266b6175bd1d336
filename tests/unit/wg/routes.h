/* SPDX-License-Identifier: MIT */
/* What wg/allowedips does, done slowly: a list of prefixes, all looked at. */
#ifndef WGPROXY_TESTS_WG_ROUTES_H
#define WGPROXY_TESTS_WG_ROUTES_H

#include "wg/allowedips.h"

#define ROUTES_MAX 300

struct routes {
    struct prefix prefix[ROUTES_MAX];
    struct wg_peer *owner[ROUTES_MAX]; /* NULL: gone */
    unsigned n;
};

void routes_insert(struct routes *r, const struct prefix *p, struct wg_peer *who);
void routes_remove_peer(struct routes *r, const struct wg_peer *who);
struct wg_peer *routes_lookup(const struct routes *r, const struct addr *x);

#endif
