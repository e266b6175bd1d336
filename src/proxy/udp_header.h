/* SPDX-License-Identifier: MIT */
/* The header before each datagram between a SOCKS5 client and its relay (RFC 1928 section 7). */
#ifndef WGPROXY_PROXY_UDP_HEADER_H
#define WGPROXY_PROXY_UDP_HEADER_H

#include "proxy/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_HEADER_MAX 22 /* of those that we write: RSV FRAG ATYP, an IPv6 address, a port */

/* The header's length, with its target and fragment number; 0 for what is none: too short, an unknown
 * type, a name that is empty or has a NUL in it, port 0. */
size_t udp_header_parse(struct target *to, uint8_t *fragment, const uint8_t *data, size_t len);

/* Writes the header for a datagram that came from there; returns its length. */
size_t udp_header_write(uint8_t out[UDP_HEADER_MAX], const struct endpoint *from);

#endif
