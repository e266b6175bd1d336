/* SPDX-License-Identifier: MIT */
/* Inner packets by hand, for tests. Checksums are left at zero: nobody verifies them. */
#ifndef WGPROXY_TESTS_STACK_PACKETS_H
#define WGPROXY_TESTS_STACK_PACKETS_H

#include "base/bytes.h"
#include "stack/gate.h"
#include "unit/stack/wire.h"

/* An IP header without options before `len` bytes of payload; returns the whole length. */
size_t make_ip(uint8_t *out, const char *src, const char *dst, uint8_t proto, const void *payload,
               size_t len);
size_t make_tcp(uint8_t *out, const char *src, uint16_t src_port, const char *dst,
                uint16_t dst_port, uint32_t seq, uint32_t ack, uint8_t flags, const void *data,
                size_t len);
size_t make_udp(uint8_t *out, const char *src, uint16_t src_port, const char *dst,
                uint16_t dst_port, const void *data, size_t len);

/* An ICMP message of either family; `word` stands behind the checksum, `data` behind that. */
size_t make_icmp(uint8_t *out, const char *src, const char *dst, uint8_t type, uint8_t code,
                 uint32_t word, const void *data, size_t len);

/* One fragment of a packet without options: payload bytes offset..offset+len. */
size_t make_fragment(uint8_t *out, const uint8_t *whole, size_t whole_len, uint32_t id,
                     size_t offset, size_t len);

#endif
