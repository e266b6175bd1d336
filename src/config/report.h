/* SPDX-License-Identifier: MIT */
/* Gathers what is to be said about a file, and says it in the order of its
 * lines. */
#ifndef WGPROXY_CONFIG_REPORT_H
#define WGPROXY_CONFIG_REPORT_H

#include "base/macros.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

struct report_item {
    unsigned line;
    bool is_error;
    char *text;
};

struct report {
    const char *name; /* of the file, stands before each message; borrowed */
    struct report_item *items;
    size_t n;
    size_t left_out; /* past REPORT_MAX */
    unsigned errors;
    bool no_memory;
};

/* Messages kept: a file that earns more is no configuration. */
#define REPORT_MAX 100

void report_init(struct report *r, const char *name);
void report_fini(struct report *r);

/* Line 0 is the file as a whole. */
void report_error(struct report *r, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);
void report_warning(struct report *r, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Hand over everything, sorted by line; what was said first about a line comes
 * first. */
void report_deliver(struct report *r, config_message_fn *message, void *ctx);

#define QUOTE_SIZE 80

/* Returns out: `text` in double quotes, fit for a terminal and not too long; or
 * words in its place when it might be a key that stands where none belongs. */
const char *report_quote(char out[QUOTE_SIZE], const char *text);

#endif
