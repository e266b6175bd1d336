/* SPDX-License-Identifier: MIT */
/* One tunnel, put together: the WireGuard core, the TCP/IP stack above it, the resolver and the dialer inside it, and
 * the UDP port below. This is where inner packets and datagrams meet. */
#ifndef WGPROXY_APP_TUNNEL_H
#define WGPROXY_APP_TUNNEL_H

#include "app/env.h"
#include "base/macros.h"
#include "config/config.h"
#include "proxy/dial.h"
#include "stack/stack.h"
#include "wg/wg.h"

#include <stdbool.h>

struct tunnel;

/* The inner MTU where the file gives none: what the path to the peers leaves, at most 1420 (1500 less IPv6, UDP and the data
 * message's 32 bytes), at least what IP needs inside: 1280 with an IPv6 address, else 576. */
#define TUNNEL_MTU_MOST 1420
#define TUNNEL_MTU_LEAST 1280
#define TUNNEL_MTU_LEAST_V4 576 /* of a tunnel without IPv6 */

/* Build the tunnel and open its UDP port. `config` is only read during the call, `env` is borrowed for life.
 * 0, ERR_NOMEM, ERR_INVALID (a key that is no key; said in the log), or the error of udp_open, as ERR_IN_USE. */
int tunnel_new(struct tunnel **out, const struct env *env, const struct config *config,
               struct now now) MUST_USE;

/* Ends what is still open without a word: a last tunnel_turn before it lets the RSTs of aborted streams leave. NULL is
 * harmless. */
void tunnel_free(struct tunnel *t);

/* Begin: peers' names are looked up, keepalives sent. */
void tunnel_start(struct tunnel *t, struct now now);

/* The machine woke, or has a new address: a second later, when its routes stand too, peers that have a session hear from
 * us, and names are looked up that could not be. */
void tunnel_machine_changed(struct tunnel *t, struct now now);

/* The work of one loop turn: tick what is due, run handlers that have news, emit, seal, send. Returns when it must run
 * again at the latest. */
uint64_t tunnel_turn(struct tunnel *t, struct now now);

struct dialer *tunnel_dialer(struct tunnel *t);
struct stack *tunnel_stack(struct tunnel *t);
struct resolver *tunnel_resolver(struct tunnel *t); /* NULL without DNS */
uint16_t tunnel_mtu(const struct tunnel *t);
struct wg *tunnel_wg(struct tunnel *t);
uint16_t tunnel_port(const struct tunnel *t); /* of the UDP socket */
struct dgram_counters tunnel_datagrams(const struct tunnel *t);

#endif
