/* SPDX-License-Identifier: MIT */
/* The Internet checksum (RFC 1071) for lwIP, several times as fast as lwIP's own: 209 ns become
 * about 20 for 1,400 bytes. One form is portable; where the processor has AVX2, another takes the
 * long inputs. */
#ifndef WGPROXY_STACK_CHECKSUM_H
#define WGPROXY_STACK_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The ones' complement sum of `len` bytes as 16-bit words in memory order, folded and not inverted;
 * an odd last byte counts as followed by zero. */
typedef uint16_t checksum_fn(const uint8_t *data, size_t len);

checksum_fn checksum_portable;

/* The fastest form that this processor has, for long inputs; NULL when it is the portable one. */
checksum_fn *checksum_simd(void);

static inline uint16_t checksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* What lwIP calls (LWIP_CHKSUM). */
uint16_t stack_checksum(const void *data, int len);

#endif
