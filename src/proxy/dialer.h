/* SPDX-License-Identifier: MIT */
/* A dialer as its own files see it.
 *
 *   dial.c         races connections
 *   dial_lookup.c  names: who is asked, and which of their addresses come first */
#ifndef WGPROXY_PROXY_DIALER_H
#define WGPROXY_PROXY_DIALER_H

#include "base/list.h"
#include "proxy/dial.h"
#include "proxy/users.h"

struct dialer {
    struct dialer_config config; /* with its defaults */
    struct list running;         /* every dial, by deadline */
    struct list graced;          /* those that have more time, by deadline */
    struct list pacing;          /* those with addresses still to try, by next_attempt */
    struct list lookups;         /* under way */
    struct list known;           /* whose answer is told at the next tick */
};

static inline bool dialer_peer_is_silent(const struct dialer *d)
{
    return d->config.peer_is_silent != NULL && d->config.peer_is_silent(d->config.ctx);
}

/* ---- dial_lookup.c ---- */

/* "10.0.0.1", "::1" and "[::1]" are addresses, whichever way they were sent. */
bool dialer_literal(struct addr *out, const char *name);

void dialer_tell_known(struct dialer *d, struct now now);
void dialer_forget_lookups(struct dialer *d);

#endif
