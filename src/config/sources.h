/* SPDX-License-Identifier: MIT */
/* Where values come from that do not stand in the file themselves: environment variables and other
 * files. What parses a text from memory has none, and refuses such values. */
#ifndef WGPROXY_CONFIG_SOURCES_H
#define WGPROXY_CONFIG_SOURCES_H

#include "base/macros.h"
#include "config/config.h"
#include "config/text.h"

#include <stdbool.h>

struct sources {
    bool allow_lan; /* as config_load has it */
    /* The value of a variable, or NULL when it is not set. */
    const char *(*variable)(void *ctx, const char *name);
    /* The whole file into *out, to be wiped by text_fini. A relative path is looked for beside the
     * configuration first. NULL, or why not; warns where others may read a file that is secret. */
    const char *(*file)(void *ctx, const char *path, bool is_secret, struct text *out);
    void *ctx;
};

/* config_parse with sources; NULL for none. */
int config_parse_with(struct config **out, const char *name, const char *text, size_t len,
                      const struct sources *sources, config_message_fn *message,
                      void *ctx) MUST_USE;

/* What a value stands for, into `out` of `size` bytes: "$NAME" and "${NAME}" are variables, "$NAME/rest" too where
 * it is a path, and "$$rest" is "$rest". NULL, or what is wrong with it, where the words may be written to `why`. */
const char *value_expand(char *out, size_t size, const char *text, bool is_path,
                         const struct sources *sources, char why[], size_t why_size) MUST_USE;

/* Enough for what most values stand for; one that stands for itself needs no more than its own. */
#define EXPANDED_SIZE 65536

/* The name of the variable that such a value begins with; false where there is none. */
#define VARIABLE_NAME 128
bool value_variable(char name[VARIABLE_NAME], const char *text) MUST_USE;

/* Does it stand for itself? */
bool value_is_plain(const char *text);

#endif
