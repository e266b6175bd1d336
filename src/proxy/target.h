/* SPDX-License-Identifier: MIT */
/* Where a client wants to go, as its door understood it. */
#ifndef WGPROXY_PROXY_TARGET_H
#define WGPROXY_PROXY_TARGET_H

#include "base/addr.h"

#define TARGET_NAME_MAX 255 /* what a SOCKS5 request can carry; more than a host name may have */
#define TARGET_TEXT (TARGET_NAME_MAX + 7)

/* A literal address, or a name when addr.family is NONE. */
struct target {
    struct addr addr;
    char name[TARGET_NAME_MAX + 1]; /* as it came, NUL-terminated; "" for a literal */
    uint16_t port;
};

/* "10.0.0.1:80", "[::1]:80", "example.com:80"; what does not print becomes '?', for a log line.
 * Returns out. */
const char *target_format(const struct target *to, char out[TARGET_TEXT]);

#endif
