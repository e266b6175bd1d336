/* SPDX-License-Identifier: MIT */
/* Where the peers are, for those whose Endpoint is a name. The machine's resolver is asked, again and again until there is
 * an answer, so that a tunnel may start before the network does. While a peer does not answer, its addresses are tried
 * in turn, and when all were tried the name is asked for again. In a tunnel that is used it is also asked for every few
 * minutes, with the renewal of a session, so that a peer that moved is followed; an idle tunnel asks nobody. */
#ifndef WGPROXY_APP_ENDPOINTS_H
#define WGPROXY_APP_ENDPOINTS_H

#include "app/env.h"
#include "base/macros.h"
#include "base/now.h"
#include "wg/wg.h"

struct endpoints;

int endpoints_new(struct endpoints **out, const struct env *env) MUST_USE; /* 0, ERR_NOMEM */
void endpoints_free(struct endpoints *e);                                  /* NULL is harmless */

/* Peer `peer` is at `host` (a name; copied) and `port`. 0, ERR_NOMEM. */
int endpoints_add(struct endpoints *e, struct wg_peer *peer, const char *host,
                  uint16_t port) MUST_USE;

/* See how the peers are doing: cheap, once per turn. What it decides becomes due. */
void endpoints_look(struct endpoints *e, struct now now);

/* The network may be there now: names without an address are asked for at once. */
void endpoints_hurry(struct endpoints *e, struct now now);

uint64_t endpoints_next_deadline(const struct endpoints *e);

/* Start what is due. The answers come later and set the peers' endpoints. */
void endpoints_tick(struct endpoints *e, struct now now);

#endif
