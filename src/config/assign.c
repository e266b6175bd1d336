/* SPDX-License-Identifier: MIT */
/* A value, or each element of a list, to the setter of its key; and the words
 * for what the setter does not take. */
#include "config/assign.h"

#include "config/reading.h"

#include <stdbool.h>
#include <string.h>

#define ELEMENT_SIZE 320 /* more than the longest name with its port */

static void set_one(struct reading *r, const struct key_entry *key,
                    const char *text)
{
    char quoted[QUOTE_SIZE];
    const char *why = key->set(r, text);
    if (why == NULL) {
        return;
    }
    if (key->flags & KEY_SECRET) {
        report_error(r->report, r->line, "%s: %s", key->name, why);
    } else {
        report_error(r->report, r->line, "%s: %s: %s", key->name,
                     report_quote(quoted, text), why);
    }
}

/* One element, which does not end in NUL. */
static void set_element(struct reading *r, const struct key_entry *key,
                        const char *text, size_t len)
{
    char element[ELEMENT_SIZE];
    if (len >= sizeof element) {
        report_error(r->report, r->line,
                     "%s: an element of %zu characters is too long", key->name,
                     len);
        return;
    }
    memcpy(element, text, len);
    element[len] = '\0';
    set_one(r, key, element);
}

/* Elements stand between commas or, as wg-quick(8) takes them too, blanks.
 * False when there is none. */
static bool set_list(struct reading *r, const struct key_entry *key,
                     const char *value)
{
    bool found = false;
    bool empty = true; /* nothing since the last comma */
    unsigned gaps = 0;
    for (const char *p = value; !r->no_memory; p++) {
        size_t len = strcspn(p, ", \t");
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

static void set_only(struct reading *r, const struct key_entry *key,
                     const char *value, unsigned line_before)
{
    if (*value == '\0') {
        report_error(r->report, r->line, "%s: has no value", key->name);
        return;
    }
    if (line_before != 0) {
        reading_warn(r, "%s: replaces the one in line %u", key->name,
                     line_before);
    }
    set_one(r, key, value);
}

void assign(struct reading *r, const struct key_entry *key, const char *value)
{
    unsigned *seen = &r->seen[key - schema_keys];
    bool may_be_empty = key->kind == KEY_LIST || key->flags & KEY_MAY_BE_EMPTY;
    if (*value == '\0' && may_be_empty) {
        reading_warn(r, "%s: has no value, ignored", key->name);
    } else if (key->kind == KEY_ONE) {
        set_only(r, key, value, *seen);
        *seen = r->line;
    } else if (set_list(r, key, value)) {
        *seen = r->line;
    }
}
