/* SPDX-License-Identifier: MIT */
/* Reads test vectors: our text form (tests/vectors/README.md) and the published JSON files. A case
 * arrives as its named values. Of JSON it knows as much as those files need: strings are taken
 * without unescaping. */
#ifndef WGPROXY_TESTS_WG_VECTORS_H
#define WGPROXY_TESTS_WG_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vector_field {
    const char *name, *value;
    size_t name_len, value_len;
};

struct vector {
    struct vector_field field[32];
    unsigned n;
};

/* Called for each block, or at the end of each JSON object, innermost first. */
typedef void (*vector_fn)(void *ctx, const struct vector *v);

/* A file of tests/vectors. Fails the test when it cannot be read. */
void vectors_of_tree(const char *name, vector_fn fn, void *ctx);

/* A published file. Skips the test, loudly, when it is not there. */
void vectors_published(const char *name, vector_fn fn, void *ctx);

bool vector_has(const struct vector *v, const char *name);
bool vector_is(const struct vector *v, const char *name, const char *value);

/* Decode a hex value into `out`; its length in bytes. Fails the test when absent, odd or longer
 * than `max`. */
size_t vector_hex(const struct vector *v, const char *name, uint8_t *out, size_t max);

#endif
