/* SPDX-License-Identifier: MIT */
/* A text as sections and keys: the glue to inih, which does the reading.
 * Comments and blanks are gone from what arrives here, and so are the marks around a value that is quoted. Lines may
 * have any length and end in LF or CRLF. */
#ifndef WGPROXY_CONFIG_LINES_H
#define WGPROXY_CONFIG_LINES_H

#include "base/macros.h"
#include "config/long_value.h"

#include <stdbool.h>
#include <stddef.h>

struct lines_handler {
    void (*section)(void *ctx, unsigned line, const char *name);
    /* `line` is where the key stands, whatever its value goes on to. */
    void (*key)(void *ctx, unsigned line, const char *key, const char *value, enum value_form form);
    /* Does '#' begin a comment wherever it stands, as for wg(8), in the section that is being read?
     * Elsewhere it must follow a blank, as ';' must. */
    bool (*hash_anywhere)(void *ctx);
    /* A line that is none of these. What follows a broken section line belongs
     * to no section. */
    void (*broken)(void *ctx, unsigned line, const char *why);
    void (*broken_section)(void *ctx, unsigned line, const char *why);
    /* A line that was taken, and may have been meant otherwise. */
    void (*doubtful)(void *ctx, unsigned line, const char *why);
};

/* Bytes of a whole file; inih takes lines of a mebibyte. */
#define LINES_TEXT_MAX 1000000u

/* `text` need not end in NUL and may hold none. Lines come in their order,
 * counted from 1. 0 or ERR_NOMEM. The buffers that a key's line passed through
 * are wiped. */
int lines_walk(const char *text, size_t len, const struct lines_handler *handler,
               void *ctx) MUST_USE;

#endif
