/* SPDX-License-Identifier: MIT */
/* The status port: a few answers over HTTP for whoever watches the program. It names peers and addresses, never keys' secrets.
 *
 *   /readyz     200 when every tunnel is fit for use, else 503; the last pong of each CheckAlive address in Unix seconds
 *   /metrics    the state of the peers, see metrics.h; in Prometheus's format for who accepts that
 *   /proxy.pac  for browsers, see pac.h */
#ifndef WGPROXY_APP_STATUS_H
#define WGPROXY_APP_STATUS_H

#include "app/alive.h"
#include "app/env.h"
#include "app/pac.h"

struct status;

/* It listens nowhere at first; so CheckAlive's pings can go on alone. 0 or ERR_NOMEM. */
int status_new(struct status **out, const struct env *env) MUST_USE;
void status_free(struct status *s); /* NULL is harmless; ends before the tunnels do */

/* To be asked there, at two places at most: *bound is where it stands. Errors as env's listen, of which the log tells, but
 * for that of a family which this machine may lack. */
int status_listen(struct status *s, const struct place *at, bool may_lack_family,
                  struct place *bound) MUST_USE;

/* A tunnel to tell of, with its configuration, which must outlive this, and its proxies. 0 or an error of alive_new. */
int status_add(struct status *s, struct tunnel *tunnel, const struct config *config,
               const struct pac_proxies *proxies, struct now now) MUST_USE;

uint64_t status_next_deadline(const struct status *s);
void status_tick(struct status *s, struct now now);

#endif
