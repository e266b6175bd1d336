/* SPDX-License-Identifier: MIT */
/* A value, or each element of a list, to the setter of its key; and the words
 * for what the setter does not take. */
#include "config/assign.h"

#include "base/bytes.h"
#include "config/named.h"
#include "config/number.h"
#include "config/reading.h"
#include "config/setters.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ELEMENT_SIZE 320 /* more than the longest name with its port */

/* A file stands for the key that it holds: where the line of either is noted. */
static unsigned *seen(struct reading *r, const struct key_entry *key)
{
    bool stands_for_another = key->flags & KEY_FILE && key->words != NULL;
    const struct key_entry *of = stands_for_another ? schema_find_key(r->section, key->words) : key;
    return &r->seen[of - schema_keys];
}

static void complain(struct reading *r, const struct key_entry *key, const char *text,
                     const char *why)
{
    char quoted[QUOTE_SIZE];
    if (key->flags & KEY_SECRET) {
        report_error(r->report, r->line, "%s: %s", key->name, why);
    } else {
        report_error(r->report, r->line, "%s: %s: %s", key->name, report_quote(quoted, text), why);
    }
    assign_lost(r, key);
}

static void set_one(struct reading *r, const struct key_entry *key, const char *text)
{
    const char *why = key->set(r, text);
    if (why != NULL) {
        complain(r, key, text, why);
    }
}

/* One element, which does not end in NUL. */
static void set_element(struct reading *r, const struct key_entry *key, const char *text,
                        size_t len)
{
    char element[ELEMENT_SIZE];
    if (len >= sizeof element) {
        report_error(r->report, r->line, "%s: an element of %zu characters is too long", key->name,
                     len);
        return;
    }
    memcpy(element, text, len);
    element[len] = '\0';
    set_one(r, key, element);
}

/* Elements stand between commas or, as wg-quick(8) takes them too, blanks.
 * False when there is none. */
static bool set_list(struct reading *r, const struct key_entry *key, const char *value)
{
    bool found = false;
    bool empty = true; /* nothing since the last comma */
    unsigned gaps = 0;
    for (const char *p = value; !r->no_memory; p++) {
        size_t len = strcspn(p, ", \t\r\n");
        if (len > 0) {
            set_element(r, key, p, len);
            found = true;
            empty = false;
        }
        p += len;
        if (*p == ',' || *p == '\0') {
            gaps += empty;
            empty = true;
        }
        if (*p == '\0') {
            break;
        }
    }
    if (gaps > 0) {
        reading_warn(r, "%s: a comma too many, ignored", key->name);
    }
    return found;
}

/* The first line of a file is the value, or all of it. */
static void set_from_file(struct reading *r, const struct key_entry *key, const char *path)
{
    struct text text = {0};
    const char *why = r->sources != NULL ? r->sources->file(r->sources->ctx, path,
                                                            (key->flags & KEY_SECRET) != 0, &text)
                                         : "files cannot be read here";
    if (why != NULL) {
        char quoted[QUOTE_SIZE];
        report_error(r->report, r->line, "%s: %s: %s", key->name, report_quote(quoted, path), why);
        assign_lost(r, key);
    } else {
        if ((key->flags & KEY_WHOLE) == 0) {
            text.bytes[strcspn(text.bytes, "\r\n")] = '\0';
        }
        if (text.bytes[0] == '\0') {
            report_error(r->report, r->line, "%s: the file has nothing in %s", key->name,
                         key->flags & KEY_WHOLE ? "it" : "its first line");
            assign_lost(r, key);
        } else {
            r->value_path = text.path;
            set_one(r, key, text.bytes);
            r->value_path = NULL;
        }
    }
    text_fini(&text);
}

/* As digits without a prefix, where it is an integer at all. */
static const char *plain_integer(struct reading *r, const struct key_entry *key, const char *value,
                                 char out[NUMBER_TEXT])
{
    bool is_decimal = (key->flags & KEY_DECIMAL) != 0, is_doubtful;
    if (!number_read(out, value, is_decimal, &is_doubtful)) {
        return value;
    }
    if (is_doubtful) {
        reading_warn(r,
                     is_decimal
                         ? "%s: is %s, as for wg(8): wireproxy takes a leading zero for octal"
                         : "%s: is %s: a leading zero is taken for octal, as by wireproxy",
                     key->name, out);
    }
    return out;
}

static void set_only(struct reading *r, const struct key_entry *key, const char *value,
                     unsigned line_before)
{
    if (*value == '\0') {
        report_error(r->report, r->line, "%s: has no value", key->name);
        assign_lost(r, key);
        return;
    }
    if (line_before != 0 && key->kind == KEY_ONE) {
        reading_warn(r, "%s: replaces the one in line %u", key->name, line_before);
    }
    char number[NUMBER_TEXT];
    if (key->flags & KEY_INTEGER) {
        value = plain_integer(r, key, value, number);
    }
    if (key->flags & KEY_FILE) {
        set_from_file(r, key, value);
    } else {
        set_one(r, key, value);
    }
}

/* wg(8) lets the last of repeated keys count, and wireproxy the first. */
static bool is_overruled(const struct reading *r, const struct key_entry *key, unsigned line_before)
{
    return key->kind == KEY_ONE && line_before != 0 &&
           (r->section & (SECTION_INTERFACE | SECTION_PEER)) == 0;
}

static void assign_expanded(struct reading *r, const struct key_entry *key, const char *value)
{
    unsigned line_before = *seen(r, key);
    if (*value == '\0' && key->kind == KEY_LIST) {
        reading_warn(r, "%s: has no value, ignored", key->name);
    } else if (is_overruled(r, key, line_before)) {
        reading_warn(r, "%s: is ignored, for the one in line %u counts", key->name, line_before);
    } else if (key->kind != KEY_LIST) {
        set_only(r, key, value, line_before);
        *seen(r, key) = r->line;
    } else if (set_list(r, key, value)) {
        *seen(r, key) = r->line;
    }
}

static void let_go(char *buffer, size_t size)
{
    if (buffer != NULL) {
        wipe(buffer, size);
        free(buffer);
    }
}

static char *buffer_for(struct reading *r, const char *value, size_t *size)
{
    *size = strlen(value) + EXPANDED_SIZE;
    char *buffer = malloc(*size);
    r->no_memory |= buffer == NULL;
    return buffer;
}

/* Where a secret is: in the file, or in a variable. */
static void note_secret(struct reading *r, const char *value)
{
    struct config *c = r->config;
    char name[VARIABLE_NAME];
    if (!value_variable(name, value)) {
        c->has_secrets = true;
        return;
    }
    char **names = setters_grow(r, c->secret_variables, c->n_secret_variables, sizeof *names);
    if (names != NULL) {
        c->secret_variables = names;
        names[c->n_secret_variables] = setters_copy(r, name);
        c->n_secret_variables += names[c->n_secret_variables] != NULL;
    }
}

/* Last, so that nothing of what a variable holds stands for anything else. */
static void assign_variable(struct reading *r, const struct key_entry *key, const char *value)
{
    size_t size;
    if (key->flags & KEY_PRIVATE) {
        note_secret(r, value);
    }
    if (value_is_plain(value)) {
        assign_expanded(r, key, value);
        return;
    }
    char *expanded = buffer_for(r, value, &size);
    if (expanded == NULL) {
        return;
    }
    const char *why = value_expand(expanded, size, value, key->flags & KEY_FILE, r->sources, r->why,
                                   sizeof r->why);
    if (why != NULL) {
        complain(r, key, value, why);
    } else {
        assign_expanded(r, key, expanded);
    }
    let_go(expanded, size);
}

static void assign_named(struct reading *r, const struct key_entry *key, const char *value)
{
    size_t size;
    struct named n = {.text = r->text,
                      .len = r->len,
                      .section = r->section == SECTION_NONE ? 0 : r->section_line,
                      .key = key->name,
                      .looked_up = r->named};
    char *expanded = buffer_for(r, value, &size);
    if (expanded == NULL) {
        return;
    }
    const char *why = named_expand(expanded, size, value, &n);
    r->named = n.looked_up;
    r->no_memory |= n.no_memory;
    if (n.is_unknown) {
        reading_warn(r, "%s: no key has the name in its %%(...)s, which is left as it stands",
                     key->name);
    }
    if (why != NULL) {
        complain(r, key, value, why);
    } else if (!r->no_memory) {
        assign_variable(r, key, expanded);
    }
    let_go(expanded, size);
}

void assign(struct reading *r, const struct key_entry *key, const char *value)
{
    if (*value == '\0' && key->flags & KEY_MAY_BE_EMPTY) {
        reading_warn(r, "%s: has no value, ignored", key->name);
    } else if (named_is_in(value)) {
        assign_named(r, key, value);
    } else {
        assign_variable(r, key, value);
    }
}

void assign_lost(struct reading *r, const struct key_entry *key)
{
    *seen(r, key) = r->line;
    setters_lost(r, key);
}
