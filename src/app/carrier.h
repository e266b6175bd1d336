/* SPDX-License-Identifier: MIT */
/* A tunnel inside a tunnel: the world as it looks from inside another tunnel. Datagrams leave through that tunnel's stack, names
 * are resolved by its DNS servers; there is nothing to listen on. */
#ifndef WGPROXY_APP_CARRIER_H
#define WGPROXY_APP_CARRIER_H

#include "app/env.h"
#include "app/tunnel.h"

/* Their world is the struct tunnel that carries. Whatever uses it ends before that tunnel does. */
extern const struct env_ops carrier_ops;

#endif
