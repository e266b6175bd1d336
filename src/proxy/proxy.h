/* SPDX-License-Identifier: MIT */
/* A door into the tunnel: accepted clients become sessions, which speak one of the door's protocols, dial,
 * and relay. */
#ifndef WGPROXY_PROXY_PROXY_H
#define WGPROXY_PROXY_PROXY_H

#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/stream.h"
#include "proxy/access.h"
#include "proxy/dial.h"
#include "proxy/door.h"
#include "proxy/udp_relay.h"
#include "proxy/users.h"

struct proxy;

struct proxy_config {
    struct dialer *dialer;
    struct stack *stack; /* for SOCKS' BIND; NULL: refused */
    /* a set of enum door_protocol, 0: DOOR_MIXED; SNI and FORWARD stand alone */
    unsigned protocols;
    struct target target;        /* DOOR_FORWARD: where to; DOOR_SNI: only its port counts */
    const struct users *users;   /* borrowed; NULL: nobody is asked who he is */
    const struct access *access; /* borrowed; NULL: everything is allowed */
    struct udp_relay *udp;       /* borrowed; NULL: UDP ASSOCIATE is refused */
    /* some more may ask, to be refused in words; the rest is reset. 0: no limit */
    unsigned max_sessions;
    /* ns without a byte either way after which a flow is reset; 0: never */
    uint64_t idle;
    uint64_t greeting_timeout; /* ns until the request must be whole; 0: 10 s */
    /* as errors in the log, with the target: DOOR_FORWARD has no other words */
    bool tells_failures;
    /* where each session goes is told at info, not at debug */
    bool tells_targets;
    const struct log *log; /* borrowed; may be NULL */
};

int proxy_new(struct proxy **out, const struct proxy_config *config) MUST_USE; /* 0, ERR_NOMEM */
void proxy_free(struct proxy *p); /* aborts what is left */

/* Takes ownership of `client`, also when it is refused. */
void proxy_accept(struct proxy *p, struct stream *client, struct now now);

/* One more waits, for whom the machine has no room: end a client that only rests. False where there is none. */
bool proxy_make_room(struct proxy *p);

/* No new sessions, and an end to those that have not asked for anything yet; true while some are
 * still running. */
bool proxy_drain(struct proxy *p);
unsigned proxy_sessions(const struct proxy *p);

/* When proxy_tick must run; NEVER while no client is being waited for. */
uint64_t proxy_next_deadline(const struct proxy *p);
void proxy_tick(struct proxy *p, struct now now);

#endif
