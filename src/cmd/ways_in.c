/* SPDX-License-Identifier: MIT */
#include "cmd/ways_in.h"

#include <stdio.h>

#include "config/listener.h"

struct said {
    config_message_fn *message;
    void *ctx;
    unsigned n;
};

static bool stands_here(const struct config_door *d)
{
    return d->kind == CONFIG_PROXY || d->kind == CONFIG_SNI || d->kind == CONFIG_FORWARD;
}

static bool doors_clash(const struct config_door *a, const struct config_door *b)
{
    return stands_here(a) && stands_here(b) && a->udp == b->udp &&
           place_clashes(&a->bind, &b->bind);
}

static void check_door(struct said *s, const struct config_door *d, const struct config *of,
                       const struct config *earlier)
{
    char text[512], at[PLACE_TEXT];
    for (size_t i = 0; i < earlier->n_doors; i++) {
        const struct config_door *other = &earlier->doors[i];
        if (doors_clash(d, other)) {
            snprintf(text, sizeof text, "%s:%u: BindAddress: \"%s\" is taken by %s:%u", of->path,
                     d->line, place_format(&d->bind, at), earlier->path, other->line);
            s->message(s->ctx, true, text);
            s->n++;
            return;
        }
    }
}

static void check_places(struct said *s, const struct files *f)
{
    for (size_t i = 1; i < f->n; i++) {
        const struct config *c = f->file[i].config;
        for (size_t j = 0; j < i; j++) {
            for (size_t k = 0; k < c->n_doors; k++) {
                check_door(s, &c->doors[k], c, f->file[j].config);
            }
        }
    }
}

static bool has_door(const struct files *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        n += f->file[i].config->n_doors;
    }
    return n > 0;
}

int ways_in_check(const struct files *f, const struct options *o, config_message_fn *message,
                  void *ctx)
{
    struct said s = {.message = message, .ctx = ctx};
    if (f->n == 1) {
        return STATUS_OK;
    }
    if (o->n_doors > 0 || o->stdio.target_host != NULL || o->words != NULL) {
        message(ctx, true,
                "wgproxy: -D, -L, -R, -W and -- COMMAND do not say into which of several tunnels: "
                "give one -c, or each file "
                "its sections");
        return STATUS_USAGE;
    }
    if (!has_door(f)) {
        message(ctx, true,
                "wgproxy: none of the tunnels has a section such as [Proxy] with a BindAddress: "
                "there is no way in");
        return STATUS_CONFIG;
    }
    check_places(&s, f);
    return s.n == 0 ? STATUS_OK : STATUS_CONFIG;
}

/* ---- both families ---- */

static bool any_stands_at(const struct config_door *doors, size_t n, const struct config_door *at)
{
    for (size_t i = 0; i < n; i++) {
        if (doors_clash(&doors[i], at)) {
            return true;
        }
    }
    return false;
}

bool ways_in_is_named(const struct files *f, const struct options *o, const struct place *at,
                      bool udp)
{
    const struct config_door there = {.kind = CONFIG_FORWARD, .udp = udp, .bind = *at};
    bool found = any_stands_at(o->doors, o->n_doors, &there) ||
                 (!udp && o->has_status && place_clashes(&o->status, at));
    for (size_t i = 0; !found && i < f->n; i++) {
        const struct config *c = f->file[i].config;
        found = any_stands_at(c->doors, c->n_doors, &there) ||
                (!udp && c->status_line != 0 && place_clashes(&c->status, at));
    }
    return found;
}

bool ways_in_other_family(const struct files *f, const struct options *o,
                          const struct config_door *d, struct config_door *out)
{
    if (!d->is_for_both_families) {
        return false;
    }
    *out = *d;
    out->bind = place_of_other_family(&d->bind);
    out->may_lack_family = out->bind.at.addr.family == FAMILY_V6;
    return !ways_in_is_named(f, o, &out->bind, d->udp);
}
