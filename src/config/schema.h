/* SPDX-License-Identifier: MIT */
/* Which sections a file may have, which keys stand in them, and what is done
 * with each. Tables only. */
#ifndef WGPROXY_CONFIG_SCHEMA_H
#define WGPROXY_CONFIG_SCHEMA_H

#include <stddef.h>

struct reading;

/* None: the lines above the first section. Skipped: what stands there was
 * refused or is unknown. */
enum section {
    SECTION_NONE,
    SECTION_SKIPPED,
    SECTION_INTERFACE,
    SECTION_PEER,
    SECTION_SOCKS5,
};

struct section_entry {
    enum section section; /* SECTION_SKIPPED: known, but refused */
    const char *name;
};

enum key_kind {
    KEY_ONE,    /* the last one counts */
    KEY_LIST,   /* comma lists, and repeated keys add up */
    KEY_SKIP,   /* of no use here: skipped, with one warning for all */
    KEY_REFUSE, /* without it the file means something else: an error */
};

enum key_flag {
    KEY_REQUIRED = 1, /* a section without it is an error */
    KEY_SECRET = 2,   /* its value is never quoted */
    KEY_MAY_BE_EMPTY = 4,
};

/* Takes one value, or one element of a list, never empty. NULL, or what is
 * wrong with it. */
typedef const char *setter_fn(struct reading *r, const char *text);

struct key_entry {
    enum section section;
    const char *name;
    enum key_kind kind;
    unsigned flags;
    setter_fn *set;    /* KEY_ONE, KEY_LIST */
    const char *words; /* KEY_REFUSE: why */
};

#define SCHEMA_KEYS_MAX 64

extern const struct key_entry schema_keys[];
extern const size_t schema_n_keys; /* at most SCHEMA_KEYS_MAX */

extern const struct section_entry schema_sections[];
extern const size_t schema_n_sections;

/* Both without regard to case; NULL when there is none. */
const struct section_entry *schema_find_section(const char *name);
const struct key_entry *schema_find_key(enum section section, const char *name);

/* The section's name as it is to be written. */
const char *schema_section_name(enum section section);

#endif
