/* SPDX-License-Identifier: MIT */
/* From a text in memory to a configuration, and the end of one. */
#include "config/config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "config/check.h"
#include "config/lines.h"
#include "config/reading.h"
#include "config/report.h"

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
    free(c->peers);
    free(c->search);
    free(c->through);
    free(c->addresses);
    free(c->dns);
    free(c->doors);
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
    if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 ||
                     memcmp(text, "\xfe\xff", 2) == 0)) {
        report_error(report, 1, "is UTF-16: save it as UTF-8");
        return false;
    }
    const char *nul = len > 0 ? memchr(text, '\0', len) : NULL;
    if (nul != NULL) {
        report_error(report, line_of(text, nul),
                     "holds a zero byte: this is not a text file");
        return false;
    }
    return true;
}

static int take_text(struct config *c, struct report *report, const char *text,
                     size_t len)
{
    struct reading reading;
    if (!is_text(report, text, len)) {
        return 0;
    }
    reading_init(&reading, c, report);
    int err = reading_take(&reading, text, len);
    if (err == 0) {
        check_whole(&reading);
    }
    return err;
}

int config_parse(struct config **out, const char *name, const char *text,
                 size_t len, config_message_fn *message, void *ctx)
{
    struct report report;
    *out = NULL;
    struct config *c = config_new(name);
    if (c == NULL) {
        return ERR_NOMEM;
    }
    report_init(&report, name);
    int err = take_text(c, &report, text, len);
    if (report.no_memory) {
        err = ERR_NOMEM;
    }
    if (err == 0) {
        report_deliver(&report, message, ctx);
        err = report.errors > 0 ? ERR_INVALID : 0;
    }
    report_fini(&report);
    if (err != 0) {
        config_free(c);
        return err;
    }
    *out = c;
    return 0;
}
