/* SPDX-License-Identifier: MIT */
/* The world as the application sees it: time, chance, datagram ports, listeners, names outside. The program fills it from
 * io; the simulator fills it with a virtual world. */
#ifndef WGPROXY_APP_ENV_H
#define WGPROXY_APP_ENV_H

#include "base/addr.h"
#include "base/dgram.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/stream.h"

struct env_listener;
struct env_lookup;

typedef void env_accept_fn(void *ctx, struct stream *s, struct now now);
typedef void env_resolved_fn(void *ctx, int err, const struct endpoint *found, size_t n, struct now now);

struct env_ops {
    int (*udp_open)(void *world, uint16_t port, const struct dgram_handler *handler, void *ctx, struct dgram **out);
    /* The largest IP packet to `to`, 0 where that is not known. */
    unsigned (*path_mtu)(void *world, const struct endpoint *to);
    int (*listen)(void *world, const struct endpoint *at, env_accept_fn *accepted, void *ctx, struct endpoint *bound,
                  struct env_listener **out);
    void (*listener_close)(struct env_listener *l);
    int (*resolve)(void *world, const char *host, uint16_t port, env_resolved_fn *done, void *ctx,
                   struct env_lookup **out, struct now now);
    void (*resolve_cancel)(struct env_lookup *l);
};

struct env {
    const struct env_ops *ops;
    void *world; /* first argument of the ops */
    struct rng rng;
    const struct log *log;
};

#endif
