/* SPDX-License-Identifier: MIT */
/* What a receiver says that it has beyond the first hole: RFC 2018, and RFC 2883 for what it has
 * twice. Sequence numbers wrap; a block is [left, right). Knows bytes, not lwIP. */
#ifndef WGPROXY_STACK_SACK_H
#define WGPROXY_STACK_SACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SACK_BLOCKS_MAX = 4 /* in one segment */, SACK_SET_MAX = 6 };

struct sack_block {
    uint32_t left, right;
};

/* Blocks that do not touch each other, in no order. */
struct sack_set {
    struct sack_block block[SACK_SET_MAX];
    uint8_t n;
};

/* The blocks of a TCP header of `len` bytes, options and all; how many were written to `out`. None
 * where the options are malformed before them. */
size_t sack_parse(const uint8_t *tcp, size_t len, struct sack_block out[SACK_BLOCKS_MAX]);

/* False when there is no room for one more: the set is as before. */
bool sack_add(struct sack_set *set, struct sack_block block);

/* Is all of [left, right) in the set? */
bool sack_covers(const struct sack_set *set, uint32_t left, uint32_t right);

/* Does the first of `n` blocks report what arrived twice (RFC 2883 4)? `una` is what the segment
 * acknowledges. */
bool sack_is_duplicate(const struct sack_block *blocks, size_t n, uint32_t una);

#endif
