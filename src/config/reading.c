/* SPDX-License-Identifier: MIT */
/* A file half read: looks each section and key up in the tables, and says what
 * does not fit. */
#include "config/reading.h"

#include "base/err.h"
#include "config/assign.h"
#include "config/lines.h"
#include "config/named.h"
#include "config/nearest.h"
#include "config/setters.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void reading_init(struct reading *r, struct config *config, struct report *report)
{
    *r = (struct reading){.config = config, .report = report, .section = SECTION_NONE};
}

void reading_warn(struct reading *r, const char *fmt, ...)
{
    char words[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    report_warning(r->report, r->line, "%s", words);
}

static void skip_key(struct reading *r, const struct key_entry *key)
{
    r->skipped[key - schema_keys] = true;
    if (r->first_skipped == 0) {
        r->first_skipped = r->line;
    }
}

/* The section in which `name` would mean something; NULL: nowhere. */
static const char *where_it_belongs(const char *name)
{
    for (size_t i = 0; i < schema_n_sections; i++) {
        if (schema_find_key(schema_sections[i].section, name) != NULL) {
            return schema_sections[i].name;
        }
    }
    return NULL;
}

static const char *nearest_key(enum section section, const char *name)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; i < schema_n_keys; i++) {
        if (schema_keys[i].sections & section) {
            nearest_offer(&nearest, schema_keys[i].name);
        }
    }
    return nearest.best;
}

/* A name is quoted only where it is, or nearly is, one of ours: any other might
 * be the rest of a key that somebody broke over two lines. The number of the
 * line says enough. */
static void unknown_key(struct reading *r, const char *name)
{
    char quoted[QUOTE_SIZE];
    const char *home = where_it_belongs(name);
    const char *near = nearest_key(r->section, name);
    if (named_is_meant(r->text, r->len, name)) {
        return; /* it is there for others */
    }
    if (r->section == SECTION_NONE && home != NULL) {
        report_error(r->report, r->line, "a key above the first section");
    } else if (home != NULL) {
        report_error(r->report, r->line, "%s belongs in [%s], not in [%s]",
                     report_quote(quoted, name), home, schema_section_name(r->section));
    } else if (near != NULL) {
        report_error(r->report, r->line, "unknown key %s: did you mean \"%s\"?",
                     report_quote(quoted, name), near);
        const struct key_entry *meant = schema_find_key(r->section, near);
        if (meant->set != NULL) {
            assign_lost(r, meant);
        }
    } else {
        report_warning(r->report, r->line, "unknown key, ignored");
    }
}

/* In these sections a file may come from wireproxy, where it meant something shorter unless it was protected. */
static void warn_of_cut(struct reading *r, const struct key_entry *key, const char *value,
                        enum value_form form)
{
    size_t n = strcspn(value, "#;");
    bool is_cut = form == VALUE_PLAIN || form == VALUE_QUOTED;
    if (r->section & SECTIONS_OF_WIREPROXY && value[n] != '\0' && is_cut) {
        reading_warn(r, "%s: the %c is a part of it, although wireproxy ends the value there",
                     key->name, value[n]);
    }
    if (form == VALUE_PLAIN && value[0] == '"') {
        reading_warn(r, "%s: the quotation mark is a part of it: it does not enclose the value",
                     key->name);
    }
}

/* A file of wireproxy's may have it for other keys alone. */
static void warn_of_ours(struct reading *r, const struct key_entry *key)
{
    if (r->section & SECTIONS_OF_WIREPROXY && key->flags & KEY_OURS &&
        named_is_meant(r->text, r->len, key->name)) {
        reading_warn(
            r, "%s: other keys name it, and here it means something itself, unlike for wireproxy",
            key->name);
    }
}

/* Once in a section: some stand there many times. */
static void refuse_key(struct reading *r, const struct key_entry *key)
{
    unsigned *seen = &r->seen[key - schema_keys];
    if (*seen == 0) {
        report_error(r->report, r->line, "%s: %s", key->name, key->words);
    }
    *seen = r->line;
}

static void on_key(void *ctx, unsigned line, const char *name, const char *value,
                   enum value_form form)
{
    struct reading *r = ctx;
    if (r->no_memory || r->section == SECTION_SKIPPED) {
        return;
    }
    r->line = line;
    const struct key_entry *key = schema_find_key(r->section, name);
    if (key == NULL) {
        unknown_key(r, name);
    } else if (key->kind == KEY_SKIP) {
        skip_key(r, key);
    } else if (key->kind == KEY_REFUSE) {
        refuse_key(r, key);
    } else {
        warn_of_ours(r, key);
        warn_of_cut(r, key, value, form);
        assign(r, key, value);
    }
}

/* The line of a key in this section; 0: it has none. */
static unsigned line_of_key(const struct reading *r, const char *name)
{
    const struct key_entry *key = schema_find_key(r->section, name);
    return key != NULL ? r->seen[key - schema_keys] : 0;
}

/* TLS takes both, and a proxy without what was asked for would be an open one. */
static void check_tls(struct reading *r)
{
    unsigned certificate = line_of_key(r, "CertFile"), key = line_of_key(r, "KeyFile");
    if ((certificate == 0) != (key == 0)) {
        report_error(r->report, certificate + key, "%s: there is no %s beside it",
                     key == 0 ? "CertFile" : "KeyFile", key == 0 ? "KeyFile" : "CertFile");
    }
}

/* A user without a password, or a password for nobody, would be an open proxy. What is missing may be what could not be
 * read. */
static void check_users(struct reading *r)
{
    if (r->usernames != r->passwords && !r->lost_user) {
        bool names = r->usernames > r->passwords;
        report_error(r->report, r->section_line, "[%s] has a %s without a %s",
                     schema_section_name(r->section), names ? "Username" : "Password",
                     names ? "Password" : "Username");
    }
    r->usernames = 0;
    r->passwords = 0;
    r->lost_user = false;
}

static void end_section(struct reading *r)
{
    check_tls(r);
    check_users(r);
    for (size_t i = 0; i < schema_n_keys; i++) {
        const struct key_entry *key = &schema_keys[i];
        r->names_wg_config =
            r->names_wg_config || (key->sections == SECTION_NONE && r->seen[i] != 0);
        if (key->sections & r->section && key->flags & KEY_REQUIRED && r->seen[i] == 0) {
            report_error(r->report, r->section_line, "[%s] has no %s",
                         schema_section_name(r->section), key->name);
        }
    }
}

static void begin_section(struct reading *r, unsigned line, enum section section)
{
    end_section(r);
    memset(r->seen, 0, sizeof r->seen);
    r->line = line;
    r->section_line = line;
    r->section = section;
}

static void unknown_section(struct reading *r, const char *name)
{
    char quoted[QUOTE_SIZE];
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; i < schema_n_sections; i++) {
        nearest_offer(&nearest, schema_sections[i].name);
    }
    if (nearest.best != NULL) {
        report_error(r->report, r->line, "unknown section %s: did you mean [%s]?",
                     report_quote(quoted, name), nearest.best);
    } else {
        report_warning(r->report, r->line, "unknown section, skipped");
    }
}

static void begin_known_section(struct reading *r, const struct section_entry *entry)
{
    bool is_wireguard = entry->section & (SECTION_INTERFACE | SECTION_PEER);
    if (is_wireguard && r->wg_config != NULL) {
        reading_warn(r, "[%s] is skipped: WGConfig in line %u says where it is", entry->name,
                     r->wg_config_line);
        r->section = SECTION_SKIPPED;
    } else if (!is_wireguard && r->only_wireguard) {
        reading_warn(r, "[%s] is skipped: it belongs in the file with WGConfig", entry->name);
        r->section = SECTION_SKIPPED;
    } else if (entry->begin != NULL) {
        entry->begin(r);
    }
}

static void on_section(void *ctx, unsigned line, const char *name)
{
    struct reading *r = ctx;
    const struct section_entry *entry = schema_find_section(name);
    begin_section(r, line, entry != NULL ? entry->section : SECTION_SKIPPED);
    if (r->no_memory) {
        return;
    }
    if (entry != NULL) {
        begin_known_section(r, entry);
    } else {
        unknown_section(r, name);
    }
}

static bool hash_anywhere(void *ctx)
{
    const struct reading *r = ctx;
    return r->section & (SECTION_NONE | SECTION_INTERFACE | SECTION_PEER);
}

static void on_broken(void *ctx, unsigned line, const char *why)
{
    struct reading *r = ctx;
    if (r->section != SECTION_SKIPPED) {
        report_error(r->report, line, "%s", why);
    }
}

static void on_doubtful(void *ctx, unsigned line, const char *why)
{
    struct reading *r = ctx;
    if (r->section != SECTION_SKIPPED) {
        report_warning(r->report, line, "%s", why);
    }
}

static void on_broken_section(void *ctx, unsigned line, const char *why)
{
    struct reading *r = ctx;
    begin_section(r, line, SECTION_SKIPPED);
    report_error(r->report, line, "%s", why);
}

static void warn_of_skipped(struct reading *r)
{
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < schema_n_keys; i++) {
        if (r->skipped[i] && used < sizeof names) {
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                     used > 0 ? ", " : "", schema_keys[i].name);
        }
    }
    if (used > 0) {
        report_warning(r->report, r->first_skipped, "%s: of no use to wgproxy, skipped", names);
    }
}

int reading_take(struct reading *r, const char *text, size_t len)
{
    static const struct lines_handler handler = {
        .section = on_section,
        .key = on_key,
        .hash_anywhere = hash_anywhere,
        .broken = on_broken,
        .broken_section = on_broken_section,
        .doubtful = on_doubtful,
    };
    r->text = text;
    r->len = len;
    int err = lines_walk(text, len, &handler, r);
    if (err == 0 && !r->no_memory) {
        end_section(r);
        warn_of_skipped(r);
    }
    return r->no_memory ? ERR_NOMEM : err;
}
