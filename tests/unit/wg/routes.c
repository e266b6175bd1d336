/* SPDX-License-Identifier: MIT */
#include "routes.h"

void routes_insert(struct routes *r, const struct prefix *p, struct wg_peer *who)
{
    for (unsigned i = 0; i < r->n; i++) {
        if (r->prefix[i].len == p->len && prefix_contains(&r->prefix[i], &p->addr)) {
            r->owner[i] = who;
            return;
        }
    }
    r->prefix[r->n] = *p;
    r->owner[r->n++] = who;
}

void routes_remove_peer(struct routes *r, const struct wg_peer *who)
{
    for (unsigned i = 0; i < r->n; i++) {
        r->owner[i] = r->owner[i] == who ? NULL : r->owner[i];
    }
}

struct wg_peer *routes_lookup(const struct routes *r, const struct addr *x)
{
    struct wg_peer *best = NULL;
    int best_len = -1;
    for (unsigned i = 0; i < r->n; i++) {
        if (r->owner[i] != NULL && r->prefix[i].len > best_len &&
            prefix_contains(&r->prefix[i], x)) {
            best = r->owner[i];
            best_len = r->prefix[i].len;
        }
    }
    return best;
}
