/* SPDX-License-Identifier: MIT */
/* The ways between this machine and a tunnel, built from what the configuration says: proxies, forwards, and
 * whatever later stands beside them. app.c keeps them and gives them their time. */
#ifndef WGPROXY_APP_DOORS_H
#define WGPROXY_APP_DOORS_H

#include "app/env.h"
#include "app/tunnel.h"
#include "base/list.h"
#include "base/macros.h"
#include "config/config.h"

struct door {
    struct list link; /* of whoever keeps it */
    const struct env *env;
    struct local local;
    struct env_listener *listener;
    struct dgram *port; /* UDP on this machine */
    struct users *users;
    struct access *access;
    struct proxy *proxy;
    struct udp_relay *relay;
    struct udp_forward *forward;
    struct reverse *reverse;
};

/* Both configurations are only read during the call: `c` for its rules and limits. *bound is where the door stands; of a
 * reverse forward it is not set. A door for standard input has no listener and gets its client by door_accept. Errors
 * as env's listen and udp_bind, and of the stack's listen; the log says which. */
int door_new(struct door **out, const struct env *env, struct tunnel *tunnel,
             const struct config *c, const struct config_door *d, struct place *bound) MUST_USE;
void door_free(struct door *d); /* resets what runs */

/* Is `err` of door_new only that this machine lacks the family of a door which came beside another? */
bool door_is_dispensable(const struct config_door *d, int err);

void door_accept(struct door *d, struct stream *client, struct now now);

void door_tick(struct door *d, struct now now);
void door_flush(struct door *d); /* after the tunnels ran */
uint64_t door_next_deadline(const struct door *d);

/* Nobody comes in any more; true while something still runs. */
bool door_drain(struct door *d);

#endif
