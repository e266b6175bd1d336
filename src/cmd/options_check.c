/* SPDX-License-Identifier: MIT */
/* The same judgement as config/check.c has on the sections of a file, in the words of the options. */
#include "cmd/options_check.h"

#include "base/err.h"
#include "config/listener.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct verdict {
    char *why;
    size_t size;
};

PRINTF_LIKE(2, 3) static int refuse(const struct verdict *v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v->why, v->size, fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

static bool stands_here(const struct config_door *d)
{
    return d->kind == CONFIG_PROXY || d->kind == CONFIG_FORWARD;
}

static bool are_twins(const struct config_door *a, const struct config_door *b)
{
    if (a->udp != b->udp) {
        return false;
    }
    if (a->kind == CONFIG_REVERSE || b->kind == CONFIG_REVERSE) {
        return a->kind == b->kind && a->port == b->port;
    }
    return place_clashes(&a->bind, &b->bind);
}

static int check_door(const struct verdict *v, const struct options *o, size_t at, bool allow_lan)
{
    const struct config_door *d = &o->doors[at];
    char text[PLACE_TEXT] = "";
    place_format(&d->bind, text);
    if (stands_here(d) && !place_is_private(&d->bind) && !allow_lan) {
        return refuse(
            v, "-%c %s: others could use the tunnel from there; if they may, add --allow-lan",
            d->kind == CONFIG_PROXY ? 'D' : 'L', text);
    }
    for (size_t i = 0; i < at; i++) {
        if (!are_twins(d, &o->doors[i])) {
            continue;
        }
        return stands_here(d) ? refuse(v, "%s was given twice", text)
                              : refuse(v, "-R with port %u was given twice", (unsigned)d->port);
    }
    return 0;
}

static int check_status(const struct verdict *v, const struct options *o, bool allow_lan)
{
    char text[PLACE_TEXT];
    bool is_ours = o->command == COMMAND_RUN; /* else it is asked there */
    if (is_ours && o->has_status && !place_is_private(&o->status) && !allow_lan) {
        return refuse(v, "-i %s: others could read it there; if they may, add --allow-lan",
                      place_format(&o->status, text));
    }
    for (size_t i = 0; o->has_status && i < o->n_doors; i++) {
        const struct config_door *d = &o->doors[i];
        if (stands_here(d) && !d->udp && place_clashes(&o->status, &d->bind)) {
            return refuse(v, "%s was given twice", place_format(&o->status, text));
        }
    }
    return 0;
}

/* Standard input belongs to -W, to COMMAND, and to "-c -". */
static int check_stdio(const struct verdict *v, const struct options *o)
{
    bool has_stdio = o->stdio.target_host != NULL, reads_config = false;
    for (size_t i = 0; i < o->n_config; i++) {
        reads_config = reads_config || strcmp(o->config_path[i], "-") == 0;
    }
    if (has_stdio && (o->words != NULL || o->daemon || o->has_status || o->n_doors > 0)) {
        return refuse(v, "-W goes alone: not with -D, -L, -R, -i, -d or -- COMMAND");
    }
    if (has_stdio && reads_config) {
        return refuse(v, "-W and -c - both want standard input");
    }
    return o->words != NULL && o->daemon ? refuse(v, "-d does not go with -- COMMAND") : 0;
}

int options_check(const struct options *o, bool allow_lan, char *why, size_t size)
{
    const struct verdict v = {why, size};
    int err = 0;
    for (size_t i = 0; err == 0 && i < o->n_doors; i++) {
        err = check_door(&v, o, i, allow_lan);
    }
    if (err == 0) {
        err = check_status(&v, o, allow_lan);
    }
    if (err == 0) {
        err = check_stdio(&v, o);
    }
    if (err == 0 && o->command == COMMAND_DEMO &&
        (o->n_doors > 1 || o->doors[0].bind.kind != PLACE_IP)) {
        err = refuse(&v, "'demo' takes one -D, with a port");
    }
    return err;
}
