/* SPDX-License-Identifier: MIT */
/* Values that other keys have a part in. Such keys are looked for in the text itself, each time: they are few, and what
 * they say may be secret, so it is not kept. */
#include "config/named.h"

#include "base/bytes.h"
#include "base/err.h"
#include "config/lines.h"
#include "config/schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 99    /* as wireproxy's reader has it */
#define NAME_MAX_LEN 60 /* longer ones name nothing */

struct part {
    const char *at; /* its "%(" */
    const char *name;
    size_t name_len, len; /* the latter from "%(" to ")s" */
};

static bool find_part(struct part *out, const char *value)
{
    for (const char *p = value; (p = strstr(p, "%(")) != NULL; p++) {
        size_t n = strcspn(p + 2, ")");
        if (n > 0 && p[2 + n] == ')' && p[3 + n] == 's') {
            *out = (struct part){.at = p, .name = p + 2, .name_len = n, .len = n + 4};
            return true;
        }
    }
    return false;
}

bool named_is_in(const char *value)
{
    struct part part;
    return find_part(&part, value);
}

static bool is_name(const struct part *p, const char *key)
{
    return strlen(key) == p->name_len && strncasecmp(key, p->name, p->name_len) == 0;
}

bool named_is_meant(const char *text, size_t len, const char *key)
{
    size_t n = strlen(key);
    const char *end = text + len;
    for (const char *p = text; (p = memchr(p, '%', (size_t)(end - p))) != NULL; p++) {
        if ((size_t)(end - p) >= n + 4 && p[1] == '(' && strncasecmp(p + 2, key, n) == 0 &&
            p[2 + n] == ')' && p[3 + n] == 's') {
            return true;
        }
    }
    return false;
}

/* ---- the key in the text ---- */

struct search {
    const struct part *part;
    unsigned wanted, section; /* the lines of their sections */
    bool is_wireguard;
    char *found;
    bool no_memory;
};

static void on_section(void *ctx, unsigned line, const char *name)
{
    struct search *s = ctx;
    const struct section_entry *entry = schema_find_section(name);
    s->section = line;
    s->is_wireguard = entry != NULL && (entry->section & (SECTION_INTERFACE | SECTION_PEER)) != 0;
}

static void on_broken_section(void *ctx, unsigned line, const char *why)
{
    (void)why;
    on_section(ctx, line, "");
}

/* Of repeated ones the first. */
static void on_key(void *ctx, unsigned line, const char *key, const char *value,
                   enum value_form form)
{
    (void)line;
    (void)form;
    struct search *s = ctx;
    if (s->section == s->wanted && s->found == NULL && is_name(s->part, key)) {
        size_t size = strlen(value) + 1;
        s->found = malloc(size);
        s->no_memory |= s->found == NULL;
        if (s->found != NULL) {
            memcpy(s->found, value, size);
        }
    }
}

static bool hash_anywhere(void *ctx)
{
    const struct search *s = ctx;
    return s->section == 0 || s->is_wireguard;
}

static void ignore(void *ctx, unsigned line, const char *why)
{
    (void)ctx;
    (void)line;
    (void)why;
}

/* What the key has, to be wiped and freed; NULL: there is none. */
static char *look_up(struct named *n, const struct part *part, unsigned section)
{
    static const struct lines_handler handler = {
        .section = on_section,
        .key = on_key,
        .hash_anywhere = hash_anywhere,
        .broken = ignore,
        .broken_section = on_broken_section,
        .doubtful = ignore,
    };
    struct search s = {.part = part, .wanted = section};
    int err = lines_walk(n->text, n->len, &handler, &s);
    n->no_memory |= err != 0 || s.no_memory;
    return s.found;
}

static void let_go(char *value)
{
    if (value != NULL) {
        wipe(value, strlen(value));
        free(value);
    }
}

static char *look_up_everywhere(struct named *n, const struct part *part)
{
    char *value = n->section == 0 || is_name(part, n->key) ? NULL : look_up(n, part, n->section);
    return value != NULL ? value : look_up(n, part, 0);
}

/* ---- in its place ---- */

/* All that are written as this one is, but not those in what it stands for. False: there is no room. */
static bool put(char *out, size_t size, const struct part *part, const char *value)
{
    char form[NAME_MAX_LEN + 5];
    size_t n = strlen(value), len = strlen(out);
    memcpy(form, part->at, part->len);
    form[part->len] = '\0';
    for (char *p = out; (p = strstr(p, form)) != NULL; p += n) {
        size_t rest = strlen(p + part->len);
        len += n - part->len;
        if (len >= size) {
            return false;
        }
        memmove(p + n, p + part->len, rest + 1);
        memcpy(p, value, n);
    }
    return true;
}

static const char *expand_part(char *out, size_t size, const struct part *part, struct named *n)
{
    char *found = part->name_len <= NAME_MAX_LEN ? look_up_everywhere(n, part) : NULL;
    if (found == NULL) {
        n->is_unknown = true;
        return NULL;
    }
    bool has_room = put(out, size, part, found);
    let_go(found);
    return has_room ? NULL : "names keys in %(...)s that make it too long";
}

const char *named_expand(char *out, size_t size, const char *value, struct named *n)
{
    struct part part;
    const char *why = NULL;
    n->is_unknown = false;
    if (strlen(value) >= size) {
        return "is too long";
    }
    memcpy(out, value, strlen(value) + 1);
    for (unsigned i = 0; why == NULL && !n->is_unknown && find_part(&part, out); i++) {
        if (i == DEPTH_MAX) {
            return "names keys in %(...)s that name each other without end";
        }
        if (n->looked_up++ == NAMED_MAX) {
            return "is one too many that names other keys in %(...)s";
        }
        why = expand_part(out, size, &part, n);
    }
    return why;
}
