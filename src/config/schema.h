/* SPDX-License-Identifier: MIT */
/* Which sections a file may have, which keys stand in them, and what is done
 * with each. Tables only. */
#ifndef WGPROXY_CONFIG_SCHEMA_H
#define WGPROXY_CONFIG_SCHEMA_H

#include <stddef.h>

struct reading;

/* A bit each, so that a key can stand in several. NONE: the lines above the
 * first section. SKIPPED: what stands there was refused or is unknown. */
enum section {
    SECTION_SKIPPED = 0,
    SECTION_NONE = 1 << 0,
    SECTION_INTERFACE = 1 << 1,
    SECTION_PEER = 1 << 2,
    SECTION_PROXY = 1 << 3,
    SECTION_SOCKS5 = 1 << 4,
    SECTION_HTTP = 1 << 5,
    SECTION_SNI = 1 << 6,
    SECTION_TCP_CLIENT = 1 << 7,
    SECTION_UDP_CLIENT = 1 << 8,
    SECTION_TCP_SERVER = 1 << 9,
    SECTION_UDP_SERVER = 1 << 10,
    SECTION_STDIO = 1 << 11,
    SECTION_RESOLVE = 1 << 12,
    SECTION_ACCESS = 1 << 13,
    SECTION_LIMITS = 1 << 14,
    SECTION_STATUS = 1 << 15,
};

/* Those of doors that wireproxy's files have: written for that program, maybe. */
#define SECTIONS_OF_WIREPROXY                                                                \
    (SECTION_SOCKS5 | SECTION_HTTP | SECTION_SNI | SECTION_TCP_CLIENT | SECTION_UDP_CLIENT | \
     SECTION_TCP_SERVER | SECTION_STDIO)

/* What begins with the section. */
typedef void begin_fn(struct reading *r);

struct section_entry {
    enum section section;
    const char *name;
    begin_fn *begin; /* NULL: nothing */
};

enum key_kind {
    KEY_ONE,    /* the last one counts in wg(8)'s sections, elsewhere the first */
    KEY_LIST,   /* comma lists, and repeated keys add up */
    KEY_EACH,   /* one value a line, and repeated keys add up */
    KEY_SKIP,   /* of no use here: skipped, with one warning for all */
    KEY_REFUSE, /* without it the file means something else: an error */
};

enum key_flag {
    KEY_REQUIRED = 1, /* a section without it is an error */
    KEY_SECRET = 2,   /* its value is never quoted */
    KEY_MAY_BE_EMPTY = 4,
    KEY_PRIVATE = 16,  /* a file that has it belongs to its owner alone */
    KEY_FILE = 8,      /* the value is a file's path; the setter takes the first line of the file */
    KEY_WHOLE = 32,    /* of KEY_FILE: the setter takes all of it */
    KEY_INTEGER = 64,  /* what number.h takes comes to the setter in plain digits */
    KEY_DECIMAL = 128, /* of KEY_INTEGER: a leading zero says nothing */
    KEY_OURS = 256,    /* nothing to wireproxy, in sections that it has, too */
};

/* Takes one value, or one element of a list, never empty. NULL, or what is
 * wrong with it. */
typedef const char *setter_fn(struct reading *r, const char *text);

struct key_entry {
    unsigned sections; /* a set of enum section */
    const char *name;
    enum key_kind kind;
    unsigned flags;
    setter_fn *set;    /* all but KEY_SKIP and KEY_REFUSE */
    const char *words; /* KEY_REFUSE: why. KEY_FILE: the key that it stands for, or NULL */
};

#define SCHEMA_KEYS_MAX 128

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
