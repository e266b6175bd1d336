/* SPDX-License-Identifier: MIT */
/* Is a tunnel fit for use? CheckAlive's addresses are pinged inside; where there are none, a first handshake is the sign,
 * for which the peers are called once. */
#ifndef WGPROXY_APP_ALIVE_H
#define WGPROXY_APP_ALIVE_H

#include "app/tunnel.h"
#include "base/list.h"
#include "base/macros.h"
#include "config/config.h"

struct alive;

/* One address that is pinged. */
struct alive_target {
    struct addr addr;
    uint64_t last_pong;      /* now.wall; 0: never */
    uint64_t last_pong_mono; /* now.mono */
};

/* `config` is read for the whole life. 0, ERR_NOMEM, or an error of stack_ping_open. */
int alive_new(struct alive **out, struct tunnel *tunnel, const struct config *config,
              struct now now) MUST_USE;
void alive_free(struct alive *a); /* NULL is harmless */

uint64_t alive_next_deadline(const struct alive *a);
void alive_tick(struct alive *a, struct now now);

/* Every target has answered within the interval and 2 s; without targets, a peer has completed a handshake. */
bool alive_is_ready(const struct alive *a, struct now now);
const struct alive_target *alive_targets(const struct alive *a, size_t *n);
struct tunnel *alive_tunnel(const struct alive *a);
const struct config *alive_config(const struct alive *a);

#endif
