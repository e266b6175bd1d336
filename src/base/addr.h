/* SPDX-License-Identifier: MIT */
/* IP addresses, prefixes and endpoints as plain values, and their text forms. An IPv4-mapped IPv6
 * address never appears as family 6: addr_from_bytes and addr_parse unmap it, so that comparing,
 * hashing and rate limiting see one address only once. */
#ifndef WGPROXY_BASE_ADDR_H
#define WGPROXY_BASE_ADDR_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum family { FAMILY_NONE = 0, FAMILY_V4 = 4, FAMILY_V6 = 6 };

struct addr {
    uint8_t family;    /* enum family */
    uint8_t bytes[16]; /* network order; IPv4 in the first 4, the rest zero */
};

struct prefix {
    struct addr addr; /* bits beyond `len` are kept as written */
    uint8_t len;      /* 0..32 or 0..128 */
};

struct endpoint {
    struct addr addr; /* family NONE: no endpoint */
    uint16_t port;    /* host order */
    uint32_t scope;   /* IPv6 link-local interface index, else 0 */
};

/* Longest text forms with their NUL: "[xxxx:...:xxxx%4294967295]:65535". */
#define ADDR_TEXT 46
#define PREFIX_TEXT 50
#define ENDPOINT_TEXT 66

struct addr addr_from_bytes(enum family family, const uint8_t *bytes);
static inline size_t addr_len(const struct addr *a)
{
    return a->family == FAMILY_V4 ? 4 : a->family == FAMILY_V6 ? 16 : 0;
}
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_unspecified(const struct addr *a);
bool addr_is_loopback(const struct addr *a); /* 127.0.0.0/8, ::1 */
bool addr_is_multicast(const struct addr *a);

/* True and *out set when `text` is exactly one IPv4 (four decimal parts) or IPv6 address. */
bool addr_parse(struct addr *out, const char *text) MUST_USE;
const char *addr_format(const struct addr *a, char out[ADDR_TEXT]); /* returns out */

/* "ADDR" or "ADDR/LEN"; a bare address is a prefix of full length. */
bool prefix_parse(struct prefix *out, const char *text) MUST_USE;
const char *prefix_format(const struct prefix *p, char out[PREFIX_TEXT]);
bool prefix_contains(const struct prefix *p, const struct addr *a);

/* "1.2.3.4:80" or "[::1]:80". Names are not endpoints: see hostport_split. */
bool endpoint_parse(struct endpoint *out, const char *text) MUST_USE;
const char *endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT]);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Split "host:port" or "[v6]:port" into a host (without brackets) and a port 0..65535 in decimal.
 * False when there is no port, the host is empty or does not fit, or a bare IPv6 is ambiguous. */
bool hostport_split(const char *text, char *host, size_t host_size, uint16_t *port) MUST_USE;

/* A decimal port 0..65535 with nothing before or after it. */
bool port_parse(uint16_t *out, const char *text) MUST_USE;

#endif
