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
    for (const char *p = value; (p = strchr(p, '%')) != NULL; p++) {
        size_t n = p[1] == '(' ? strcspn(p + 2, ")") : 0;
        if (n > 0 && p[2 + n] == ')' && p[3 + n] == 's') {
            *out = (struct part){.at = p, .name = p + 2, .name_len = n, .len = n + 4};
            return true;
        }
        p += n; /* whatever begins before this ')' ends at it, too */
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

/* NULL: there is no more of that form. */
static const char *next_form(const char *text, const char *form, size_t len)
{
    const char *p = strchr(text, '%');
    while (p != NULL && strncmp(p, form, len) != 0) {
        p = strchr(p + 1, '%');
    }
    return p;
}

/* `text` into `out`, with `value` for all that are written as this one is. False: there is no room. */
static bool replace(char *out, size_t size, const char *text, const struct part *part,
                    const char *value)
{
    char form[NAME_MAX_LEN + 5];
    size_t used = 0, n = strlen(value);
    memcpy(form, part->at, part->len);
    form[part->len] = '\0';
    for (const char *p; (p = next_form(text, form, part->len)) != NULL; text = p + part->len) {
        size_t before = (size_t)(p - text);
        if (before + n >= size - used) {
            return false;
        }
        memcpy(out + used, text, before);
        memcpy(out + used + before, value, n);
        used += before + n;
    }
    size_t rest = strlen(text);
    if (rest >= size - used) {
        return false;
    }
    memcpy(out + used, text, rest + 1);
    return true;
}

static const char *put(char *out, size_t size, const struct part *part, const char *value,
                       struct named *n)
{
    size_t len = strlen(out) + 1;
    char *text = malloc(len);
    if (text == NULL) {
        n->no_memory = true;
        return NULL;
    }
    memcpy(text, out, len);
    struct part there = *part;
    there.at = text + (part->at - out);
    bool has_room = replace(out, size, text, &there, value);
    wipe(text, len);
    free(text);
    return has_room ? NULL : "names keys in %(...)s that make it too long";
}

static const char *expand_part(char *out, size_t size, const struct part *part, struct named *n)
{
    char *found = part->name_len <= NAME_MAX_LEN ? look_up_everywhere(n, part) : NULL;
    if (found == NULL) {
        n->is_unknown = true;
        return NULL;
    }
    const char *why = put(out, size, part, found, n);
    let_go(found);
    return why;
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
    for (unsigned i = 0; why == NULL && !n->is_unknown && !n->no_memory && find_part(&part, out);
         i++) {
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
