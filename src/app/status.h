/* SPDX-License-Identifier: MIT */
/* The status port: a few answers over HTTP for whoever watches the program. It names peers and addresses, never keys' secrets.
 *
 *   /readyz     200 when every tunnel is fit for use, else 503; the last pong of each CheckAlive address in Unix seconds
 *   /metrics    the state of the peers in the words of WireGuard's cross-platform interface, "get"
 *   /proxy.pac  for browsers, see pac.h */
#ifndef WGPROXY_APP_STATUS_H
#define WGPROXY_APP_STATUS_H

#include "app/alive.h"
#include "app/env.h"

struct status;

/* Listen there. 0, ERR_NOMEM, or errors as env's listen; the log says which. */
int status_new(struct status **out, const struct env *env, const struct place *at, struct place *bound) MUST_USE;
void status_free(struct status *s); /* NULL is harmless; ends before the tunnels do */

/* A tunnel to tell of, with its configuration, which must outlive this. 0 or an error of alive_new. */
int status_add(struct status *s, struct tunnel *tunnel, const struct config *config, struct now now) MUST_USE;
/* Where browsers are sent, for SOCKS5 and HTTP; port 0: nowhere. Browsers give passwords over HTTP only. */
void status_set_proxy(struct status *s, const struct place *proxy, bool has_users);

uint64_t status_next_deadline(const struct status *s);
void status_tick(struct status *s, struct now now);

#endif
