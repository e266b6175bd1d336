/* SPDX-License-Identifier: MIT */
/* A tunnel's outside: the UDP port and the outbox in front of it. Embedded in struct tunnel. */
#ifndef WGPROXY_APP_OUTSIDE_H
#define WGPROXY_APP_OUTSIDE_H

#include "app/env.h"
#include "base/macros.h"
#include "base/outbox.h"
#include "wg/wg.h"

struct outside {
    const struct env *env;
    const struct dgram_handler *handler;
    void *ctx;           /* for the handler */
    struct dgram *port;  /* NULL until it is open */
    uint16_t configured; /* ListenPort; 0: any, so it may change */
    bool fragments;      /* allowed, since the path is too narrow otherwise */
    bool plain;          /* no_offload, of each port */
    unsigned tries;      /* initiations without an answer that earlier ports have had */
    struct outbox outbox;
    size_t release_room; /* what the packets released by one handshake may take */

    struct dgram_counters past; /* of ports that are closed */
};

/* Room for packets of up to `mtu` bytes. 0, ERR_NOMEM. */
int outside_init(struct outside *o, const struct env *env, uint16_t mtu) MUST_USE;
void outside_fini(struct outside *o); /* closes the port; harmless on zeroes */

/* Open the port: ListenPort, or 0 for any; `plain` if the system shall neither cut nor gather datagrams. Errors as env's
 * udp_open. */
int outside_open(struct outside *o, uint16_t port, bool plain, const struct dgram_handler *handler,
                 void *ctx) MUST_USE;

/* Make room for one packet of `len` bytes and what it may set off; or for all that one event of the core can. What
 * stands in the outbox leaves first, when it must. */
void outside_room_for_packet(struct outside *o, struct wg *wg, size_t len);
void outside_room_for_event(struct outside *o, struct wg *wg);

/* Seal and send what stands in the outbox. */
void outside_send(struct outside *o, struct wg *wg);

/* Of all ports so far. */
struct dgram_counters outside_counters(const struct outside *o);

/* What is too large for the path may be cut, on this port and those after it. */
void outside_allow_fragments(struct outside *o);

/* When the machine has changed its network, or a translator on the way has forgotten us, the old port may lead nowhere for
 * ever: after some initiations in vain, while no peer answers, another port is taken, where ListenPort leaves the choice. To be
 * called after wg_tick, so that the try that is about to leave uses it. */
void outside_renew(struct outside *o, const struct wg *wg);

#endif
