/* SPDX-License-Identifier: MIT */
/* Addresses between our form and lwIP's. */
#ifndef WGPROXY_STACK_LWIP_ADDR_H
#define WGPROXY_STACK_LWIP_ADDR_H

#include "base/addr.h"

#include <lwip/ip_addr.h>
#include <string.h>

static inline ip_addr_t lwip_from_addr(const struct addr *a)
{
    ip_addr_t ip;
    memset(&ip, 0, sizeof ip);
    if (a->family == FAMILY_V4) {
        memcpy(&ip.u_addr.ip4, a->bytes, 4);
        ip.type = IPADDR_TYPE_V4;
    } else {
        memcpy(&ip.u_addr.ip6, a->bytes, 16);
        ip.type = IPADDR_TYPE_V6;
    }
    return ip;
}

static inline struct addr addr_from_lwip(const ip_addr_t *ip)
{
    if (ip->type == IPADDR_TYPE_V4) {
        return addr_from_bytes(FAMILY_V4, (const uint8_t *)&ip->u_addr.ip4);
    }
    return addr_from_bytes(FAMILY_V6, (const uint8_t *)&ip->u_addr.ip6);
}

#endif
