/* SPDX-License-Identifier: MIT */
/* Which known word was meant by a misspelt one. */
#ifndef WGPROXY_CONFIG_NEAREST_H
#define WGPROXY_CONFIG_NEAREST_H

#include <stddef.h>

/* Letters left out, put in, replaced or swapped with their neighbour that turn
 * `a` into `b`, case aside; anything above NEAREST_MAX is NEAREST_MAX + 1. */
unsigned nearest_distance(const char *a, const char *b);
#define NEAREST_MAX 2

/* Keeps the best of the words that are offered one by one. */
struct nearest {
    const char *wanted;
    const char *best; /* NULL: nothing is near enough */
    unsigned distance;
};

void nearest_init(struct nearest *n, const char *wanted);
void nearest_offer(struct nearest *n, const char *word); /* `word` is kept, not copied */

#endif
