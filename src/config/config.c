/* SPDX-License-Identifier: MIT */
/* From a text in memory to a configuration, and the end of one. */
#include "config/config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "config/check.h"
#include "config/doors.h"
#include "config/lines.h"
#include "config/listener.h"
#include "config/reading.h"
#include "config/report.h"
#include "config/setters.h"
#include "config/sources.h"

#include <stdlib.h>
#include <string.h>

static void free_peer(struct config_peer *peer)
{
    free(peer->allowed_ips);
    free(peer->endpoint_host);
    wipe(peer, sizeof *peer);
}

void config_free(struct config *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->n_peers; i++) {
        free_peer(&c->peers[i]);
    }
    for (size_t i = 0; i < c->n_search; i++) {
        free(c->search[i]);
    }
    for (size_t i = 0; i < c->n_secret_variables; i++) {
        free(c->secret_variables[i]);
    }
    free(c->peers);
    free(c->search);
    free(c->secret_variables);
    free(c->through);
    free(c->addresses);
    free(c->dns);
    for (size_t i = 0; i < c->n_doors; i++) {
        door_fini(&c->doors[i]);
    }
    for (size_t i = 0; i < c->n_rules; i++) {
        rule_fini(&c->rules[i]);
    }
    free(c->doors);
    free(c->rules);
    free(c->check_alive);
    free(c->path);
    wipe(c, sizeof *c);
    free(c);
}

static struct config *config_new(const char *name)
{
    size_t size = strlen(name) + 1;
    struct config *c = calloc(1, sizeof *c);
    char *path = malloc(size);
    if (c == NULL || path == NULL) {
        free(c);
        free(path);
        return NULL;
    }
    c->path = memcpy(path, name, size);
    return c;
}

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;
    for (const char *p = text; p < at; p++) {
        line += *p == '\n';
    }
    return line;
}

/* False, and said so, for what is no text that could be read line by line. */
static bool is_text(struct report *report, const char *text, size_t len)
{
    if (len > LINES_TEXT_MAX) {
        report_error(report, 0, "is larger than %u bytes", LINES_TEXT_MAX);
        return false;
    }
    if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
        report_error(report, 1, "is UTF-16: save it as UTF-8");
        return false;
    }
    const char *nul = len > 0 ? memchr(text, '\0', len) : NULL;
    if (nul != NULL) {
        report_error(report, line_of(text, nul), "holds a zero byte: this is not a text file");
        return false;
    }
    return true;
}

/* One text: what its lines say, and what is wrong with them. */
struct reading_of {
    struct reading reading;
    struct report report;
    bool is_text;
};

static void begin_reading(struct reading_of *o, struct config *c, const char *name,
                          const struct sources *sources)
{
    report_init(&o->report, name);
    reading_init(&o->reading, c, &o->report);
    o->reading.sources = sources;
}

static int take_text(struct reading_of *o, const char *text, size_t len)
{
    o->is_text = is_text(&o->report, text, len);
    return o->is_text ? reading_take(&o->reading, text, len) : 0;
}

/* [Interface] and [Peer] from the file that WGConfig names. Its messages come before those about the whole. */
static int take_wg_config(struct reading_of *main, unsigned *errors, config_message_fn *message,
                          void *ctx)
{
    struct reading *r = &main->reading;
    struct reading_of other;
    struct text text = {0};
    const char *why = r->sources != NULL
                          ? r->sources->file(r->sources->ctx, r->wg_config, true, &text)
                          : "files cannot be read here";
    if (why != NULL) {
        char quoted[QUOTE_SIZE];
        report_error(&main->report, r->wg_config_line, "WGConfig: %s: %s",
                     report_quote(quoted, r->wg_config), why);
        free(r->wg_config);
        r->wg_config = NULL;
        return 0;
    }
    bool has_secrets = r->config->has_secrets;
    begin_reading(&other, r->config, r->wg_config, r->sources);
    other.reading.only_wireguard = true;
    int err = take_text(&other, text.bytes, text.len);
    r->config->has_secrets = has_secrets; /* those are that file's */
    r->interface_line = other.reading.interface_line;
    text_fini(&text);
    if (err == 0 && other.report.no_memory) {
        err = ERR_NOMEM;
    }
    if (err == 0) {
        report_deliver(&other.report, message, ctx);
        *errors += other.report.errors;
    }
    free(other.reading.wg_config);
    report_fini(&other.report);
    return err;
}

/* A file with doors of its own is wireproxy's or ours: there a peer without AllowedIPs has everything, a proxy
 * without Protocols has all, and [UDPProxyTunnel] keeps its flows for ever where no key says otherwise. */
static void give_defaults(struct reading *r)
{
    static const struct prefix everything[] = {{.addr = {.family = FAMILY_V4}},
                                               {.addr = {.family = FAMILY_V6}}};
    struct config *c = r->config;
    for (size_t i = 0; i < c->n_doors; i++) {
        if (c->doors[i].kind == CONFIG_PROXY && c->doors[i].protocols == 0) {
            c->doors[i].protocols = CONFIG_SOCKS5 | CONFIG_SOCKS4 | CONFIG_HTTP;
        }
        if (c->doors[i].kind == CONFIG_FORWARD && c->doors[i].udp && !c->doors[i].has_idle) {
            c->doors[i].has_idle = c->limits.udp_idle_timeout == 0;
        }
    }
    for (size_t i = 0; c->n_doors > 0 && i < c->n_peers; i++) {
        struct config_peer *peer = &c->peers[i];
        if (peer->n_allowed_ips == 0 && (peer->allowed_ips = malloc(sizeof everything)) != NULL) {
            memcpy(peer->allowed_ips, everything, sizeof everything);
            peer->n_allowed_ips = 2;
        }
        r->no_memory |= peer->n_allowed_ips == 0;
    }
}

static void allow_lan(struct config *c)
{
    c->status_allow_lan = true;
    for (size_t i = 0; i < c->n_doors; i++) {
        c->doors[i].allow_lan = true;
    }
}

static int take_all(struct reading_of *o, const char *text, size_t len, unsigned *errors,
                    config_message_fn *message, void *ctx)
{
    int err = take_text(o, text, len);
    if (err == 0 && o->reading.wg_config != NULL) {
        err = take_wg_config(o, errors, message, ctx);
    }
    if (err == 0 && o->is_text) {
        if (o->reading.sources != NULL && o->reading.sources->allow_lan) {
            allow_lan(o->reading.config);
        }
        check_whole(&o->reading);
        give_defaults(&o->reading);
    }
    return err == 0 && (o->report.no_memory || o->reading.no_memory) ? ERR_NOMEM : err;
}

int config_parse_with(struct config **out, const char *name, const char *text, size_t len,
                      const struct sources *sources, config_message_fn *message, void *ctx)
{
    struct reading_of o;
    unsigned errors = 0; /* outside this text */
    *out = NULL;
    struct config *c = config_new(name);
    if (c == NULL) {
        return ERR_NOMEM;
    }
    begin_reading(&o, c, name, sources);
    int err = take_all(&o, text, len, &errors, message, ctx);
    if (err == 0) {
        report_deliver(&o.report, message, ctx);
        err = o.report.errors + errors > 0 ? ERR_INVALID : 0;
    }
    free(o.reading.wg_config);
    report_fini(&o.report);
    if (err != 0) {
        config_free(c);
        return err;
    }
    *out = c;
    return 0;
}

int config_parse(struct config **out, const char *name, const char *text, size_t len,
                 config_message_fn *message, void *ctx)
{
    return config_parse_with(out, name, text, len, NULL, message, ctx);
}
