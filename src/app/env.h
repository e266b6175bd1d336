/* SPDX-License-Identifier: MIT */
/* The world as the application sees it: time, chance, datagram ports, listeners, names outside. The program fills it from
 * io; the simulator fills it with a virtual world. */
#ifndef WGPROXY_APP_ENV_H
#define WGPROXY_APP_ENV_H

#include "base/addr.h"
#include "base/dgram.h"
#include "base/log.h"
#include "base/place.h"
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
    int (*listen)(void *world, const struct place *at, env_accept_fn *accepted, void *ctx, struct place *bound,
                  struct env_listener **out);
    void (*listener_close)(struct env_listener *l);
    int (*resolve)(void *world, const char *host, uint16_t port, env_resolved_fn *done, void *ctx,
                   struct env_lookup **out, struct now now);
    void (*resolve_cancel)(struct env_lookup *l);

    /* The two below serve the local side of forwards and of SOCKS5's UDP; a world may lack them (NULL). */

    /* A UDP socket for programs of this machine or its network, not for a tunnel's datagrams: on exactly this address
     * (port 0: any), without the peers' TOS. Errors as udp_open, and ERR_NO_ADDRESS. */
    int (*udp_bind)(void *world, const struct endpoint *at, const struct dgram_handler *handler, void *ctx,
                    struct endpoint *bound, struct dgram **out);
    /* A stream to a service of this machine or its network, for what came out of the tunnel; writable when connected. */
    int (*connect)(void *world, const struct place *to, struct stream **out);
};

struct env {
    const struct env_ops *ops;
    void *world; /* first argument of the ops */
    struct rng rng;
    const struct log *log;
};

#endif
