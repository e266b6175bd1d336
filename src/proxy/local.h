/* SPDX-License-Identifier: MIT */
/* What the proxy may ask of this machine, for the local side of forwards and of SOCKS5's UDP. Nothing that a client
 * sends into the tunnel ever goes through here. The operations are those of app/env.h under the same names. */
#ifndef WGPROXY_PROXY_LOCAL_H
#define WGPROXY_PROXY_LOCAL_H

#include "base/dgram.h"
#include "base/place.h"
#include "base/stream.h"

struct local_lookup;
typedef void local_resolved_fn(void *ctx, int err, const struct endpoint *found, size_t n,
                               struct now now);

struct local_ops {
    int (*connect)(void *world, const struct place *to, struct stream **out);
    int (*udp_bind)(void *world, const struct endpoint *at, const struct dgram_handler *handler,
                    void *ctx, struct endpoint *bound, struct dgram **out);
    /* The address of this machine that what it sends to there comes from: 0, or an error without a way. May be NULL. */
    int (*source_for)(void *world, const struct endpoint *to, struct addr *out);
    /* The machine's resolver; done() comes later, never from inside the call. */
    int (*resolve)(void *world, const char *host, uint16_t port, local_resolved_fn *done, void *ctx,
                   struct local_lookup **out, struct now now);
    void (*resolve_cancel)(struct local_lookup *l);
};

struct local {
    const struct local_ops *ops;
    void *world;
};

#endif
