/* SPDX-License-Identifier: MIT */
/* Where the peers are: literal endpoints are set at once, names are looked up with the machine's resolver, again and
 * again until there is an answer, so that a tunnel may start before the network does. */
#ifndef WGPROXY_APP_ENDPOINTS_H
#define WGPROXY_APP_ENDPOINTS_H

#include "app/env.h"
#include "base/macros.h"
#include "base/now.h"
#include "wg/wg.h"

struct endpoints;

int endpoints_new(struct endpoints **out, const struct env *env) MUST_USE; /* 0, ERR_NOMEM */
void endpoints_free(struct endpoints *e); /* NULL is harmless */

/* Peer `peer` is at `host` (a name; copied) and `port`. 0, ERR_NOMEM. */
int endpoints_add(struct endpoints *e, struct wg_peer *peer, const char *host, uint16_t port) MUST_USE;

uint64_t endpoints_next_deadline(const struct endpoints *e);

/* Start what is due. The answers come later and set the peers' endpoints. */
void endpoints_tick(struct endpoints *e, struct now now);

#endif
