/* SPDX-License-Identifier: MIT */
/* A door into the tunnel: accepted clients become sessions, which speak SOCKS5 (RFC 1928), dial,
 * and relay. */
#ifndef WGPROXY_PROXY_PROXY_H
#define WGPROXY_PROXY_PROXY_H

#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/stream.h"
#include "proxy/dial.h"

struct proxy;

struct proxy_config {
    struct dialer *dialer;
    unsigned max_sessions;     /* more are reset at once; 0: no limit of its own */
    uint64_t greeting_timeout; /* ns until the request must be whole; 0: 10 s */
    const struct log *log;     /* borrowed; may be NULL */
};

int proxy_new(struct proxy **out, const struct proxy_config *config) MUST_USE; /* 0, ERR_NOMEM */
void proxy_free(struct proxy *p); /* aborts what is left */

/* Takes ownership of `client`, also when it is refused. */
void proxy_accept(struct proxy *p, struct stream *client, struct now now);

/* No new sessions, and an end to those that have not asked for anything yet; true while some are
 * still running. */
bool proxy_drain(struct proxy *p);
unsigned proxy_sessions(const struct proxy *p);

/* When proxy_tick must run; NEVER while no client is being waited for. */
uint64_t proxy_next_deadline(const struct proxy *p);
void proxy_tick(struct proxy *p, struct now now);

#endif
