/* SPDX-License-Identifier: MIT */
/* A file half read: what its lines do to the configuration, one after the
 * other. */
#ifndef WGPROXY_CONFIG_READING_H
#define WGPROXY_CONFIG_READING_H

#include "base/macros.h"
#include "config/config.h"
#include "config/report.h"
#include "config/schema.h"
#include "config/sources.h"
#include "config/values.h"

#include <stdbool.h>

struct reading {
    struct config *config;
    struct report *report;
    const struct sources *sources; /* NULL: none */
    enum section section;
    unsigned section_line;
    unsigned interface_line; /* 0: there was none */
    unsigned line;           /* being read */
    bool no_memory;          /* nothing more is taken */
    bool only_wireguard;     /* the file that WGConfig names: other sections do not count */
    const char *text;        /* all of it, of `len` bytes */
    size_t len;
    unsigned named;  /* keys of it that were looked up for others */
    char *wg_config; /* WGConfig; NULL: none */
    unsigned wg_config_line;
    bool names_wg_config;        /* a WGConfig was there, if only one that could not be read */
    size_t usernames, passwords; /* of the section; the first belongs to the first */
    bool lost_user;              /* one of them could not be had, and has its own message */
    unsigned resolve_line;       /* of [Resolve]; 0: there was none */
    unsigned dns_line;           /* of the first server */

    /* The file that the value was read from; NULL: none, or not known. */
    const char *value_path;

    /* By place in the table of keys: the line where this section gave it last,
     * and whether it was skipped anywhere. */
    unsigned seen[SCHEMA_KEYS_MAX];
    bool skipped[SCHEMA_KEYS_MAX];
    unsigned first_skipped; /* line; 0: none */

    char why[WHY_SIZE]; /* for words of a setter that cannot be constant */
};

void reading_init(struct reading *r, struct config *config, struct report *report);

/* Take the whole text. 0 or ERR_NOMEM; what is wrong with the text goes to the
 * report. */
int reading_take(struct reading *r, const char *text, size_t len) MUST_USE;

/* A warning about the line that is being read. */
void reading_warn(struct reading *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
