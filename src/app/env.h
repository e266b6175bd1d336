/* SPDX-License-Identifier: MIT */
/* The world as the application sees it: time, chance, datagram ports, listeners, names outside. The program fills it from
 * io; the simulator fills it with a virtual world. */
#ifndef WGPROXY_APP_ENV_H
#define WGPROXY_APP_ENV_H

#include "base/addr.h"
#include "base/dgram.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/place.h"
#include "base/rng.h"
#include "base/stream.h"
#include "proxy/local.h"

struct config_door;
struct env_listener;

typedef void env_accept_fn(void *ctx, struct stream *s, struct now now);
/* Somebody waits, and there is no room: can anything be given up for him? */
typedef bool env_wanted_fn(void *ctx, struct now now);

struct env_ops {
    int (*udp_open)(void *world, uint16_t port, const struct dgram_handler *handler, void *ctx,
                    struct dgram **out);
    /* The largest IP packet to `to`, 0 where that is not known. */
    unsigned (*path_mtu)(void *world, const struct endpoint *to);
    int (*listen)(void *world, const struct place *at, env_accept_fn *accepted, void *ctx,
                  struct place *bound, struct env_listener **out);
    /* With the context of `accepted`. NULL: a world that always has room. */
    void (*listener_wanted)(struct env_listener *l, env_wanted_fn *wanted);
    void (*listener_close)(struct env_listener *l);
    /* Who comes in from now on speaks TLS, shown the door's certificate and proven with its key. NULL: a world
     * without. */
    int (*listener_tls)(struct env_listener *l, const struct config_door *door);
    /* Names outside, for peers' endpoints and where a file allows it for destinations; and for the local side of forwards
     * and of SOCKS5's UDP, streams and bound sockets, which a world may lack (NULL). */
    struct local_ops local;
};

struct env {
    const struct env_ops *ops;
    void *world; /* first argument of the ops */
    struct rng rng;
    const struct log *log;
    const struct parallel *parallel; /* other cores; NULL: none */
    /* TCP makes packets of a multiple of so many bytes; 0: of any size */
    uint16_t segment_block;
};

/* The part of it that the proxy may use. */
static inline struct local env_local(const struct env *env)
{
    return (struct local){.ops = &env->ops->local, .world = env->world};
}

#endif
