/* SPDX-License-Identifier: MIT */
/* As much of an inner packet as WireGuard has to understand: version, length, addresses and the
 * ECN bits. */
#ifndef WGPROXY_WG_INNER_H
#define WGPROXY_WG_INNER_H

#include "base/addr.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inner {
    struct addr src, dst;
    size_t len;  /* as the header says: never more than was given to inner_parse */
    uint8_t tos; /* DSCP and ECN */
};

/* False unless `data` begins with a whole IPv4 or IPv6 packet. */
bool inner_parse(struct inner *out, const uint8_t *data, size_t len) MUST_USE;

/* RFC 6040, normal mode. The outer TOS byte for a packet whose inner one is `tos`; DSCP stays
 * inside. */
static inline uint8_t inner_ecn_encapsulate(uint8_t tos)
{
    return tos & 3;
}

/* Carry the outer mark into the packet that inner_parse has read. False when it must be dropped:
 * congestion marked on the way, and the inner transport cannot be told. */
bool inner_ecn_decapsulate(uint8_t *packet, const struct inner *inner, uint8_t outer_tos) MUST_USE;

#endif
