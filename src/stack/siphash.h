/* SPDX-License-Identifier: MIT */
/* SipHash-2-4, a keyed hash for short inputs: strangers choose addresses and ports, and must be
 * able to guess neither sequence numbers nor hash buckets. (Aumasson and Bernstein, 2012.) */
#ifndef WGPROXY_STACK_SIPHASH_H
#define WGPROXY_STACK_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY 16

uint64_t siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t len);

#endif
