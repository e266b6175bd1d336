/* SPDX-License-Identifier: MIT */
/* Spreads names over buckets. Every table here is bounded to a few thousand entries, so that a
 * client who picks names that collide only makes a list of that length. */
#ifndef WGPROXY_DNS_HASH_H
#define WGPROXY_DNS_HASH_H

#include "base/addr.h"

#include <stdint.h>

/* FNV-1a, 32 bits. */
static inline uint32_t hash_name(const char *name, enum family family)
{
    uint32_t h = UINT32_C(2166136261) ^ (uint32_t)family;
    for (; *name != '\0'; name++) {
        h = (h ^ (uint8_t)*name) * UINT32_C(16777619);
    }
    return h;
}

#endif
