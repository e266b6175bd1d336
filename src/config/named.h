/* SPDX-License-Identifier: MIT */
/* Values that other keys have a part in: "%(name)s" is what the key of that name has, in the same section or else above
 * the first one, as wireproxy's files may have it. */
#ifndef WGPROXY_CONFIG_NAMED_H
#define WGPROXY_CONFIG_NAMED_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* Keys that may be looked up for one file. */
#define NAMED_MAX 1000

/* Where such a value stands. */
struct named {
    const char *text; /* of the whole file */
    size_t len;
    unsigned section; /* the line of its section; 0: above the first */
    const char *key;  /* its own, which does not mean itself */
    unsigned looked_up;
    bool is_unknown; /* one that there is not was left as it stands */
    bool no_memory;
};

/* Does it have such a part? */
bool named_is_in(const char *value);

/* Does any value of the file name this key? */
bool named_is_meant(const char *text, size_t len, const char *key);

/* `value` with all of them in place, those in what they stand for, too. The first one that there is not ends it, and is
 * left. NULL, or what is wrong. */
const char *named_expand(char *out, size_t size, const char *value, struct named *n) MUST_USE;

#endif
