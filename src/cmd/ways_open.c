/* SPDX-License-Identifier: MIT */
#include "cmd/ways_open.h"

#include "base/err.h"
#include "cmd/announce.h"
#include "cmd/ways_in.h"
#include "config/listener.h"

/* ---- doors ---- */

/* A socket that was handed over by name. */
static int find_inherited(const struct ways *w, struct place *at)
{
    if (at->kind == PLACE_FD && at->fd < 0) {
        at->fd = io_inherited(at->path);
        if (at->fd < 0) {
            log_error(&w->world->log, "no socket named \"%s\" was handed over (LISTEN_FDNAMES)",
                      at->path);
            return ERR_NO_ADDRESS;
        }
    }
    return 0;
}

/* Only now it shows where such a socket stands. */
static int check_inherited(const struct ways *w, const struct place *at, const struct place *bound,
                           bool allowed)
{
    char text[PLACE_TEXT];
    if (at->kind != PLACE_FD || place_is_private(bound) || allowed) {
        return 0;
    }
    log_error(&w->world->log,
              "the socket that was handed over stands on %s: others could come in there; if they "
              "may, add AllowLan = yes, or --allow-lan",
              place_format(bound, text));
    return ERR_PERM;
}

/* A peer that is to reach us first must know where we are. */
static void warn_of_silent_reverse(const struct ways *w, const struct config_door *d, size_t tunnel)
{
    const struct config *c = w->files->file[tunnel].config;
    for (size_t i = 0; i < c->n_peers; i++) {
        if (c->peers[i].keepalive != 0) {
            return;
        }
    }
    if (d->kind == CONFIG_REVERSE && c->listen_port == 0) {
        log_warn(&w->world->log,
                 "port %u in the tunnel is reached only while the peer knows where we are: set "
                 "PersistentKeepalive = 25 in %s",
                 (unsigned)d->port, c->path);
    }
}

static int add_one_door(struct ways *w, size_t tunnel, const struct config_door *as_written)
{
    struct config_door d = *as_written; /* what it points to stays where it is */
    struct place bound = {.kind = PLACE_IP};
    int err = find_inherited(w, &d.bind);
    if (err == 0) {
        err = app_add_door(w->world->app, w->tunnels[tunnel], w->files->file[tunnel].config, &d,
                           &bound, NULL);
    }
    if (err == 0) {
        err = check_inherited(w, &d.bind, &bound, d.allow_lan || d.n_users > 0);
    }
    if (err == 0) {
        announce_door(&w->world->log, &d, &bound);
        warn_of_silent_reverse(w, &d, tunnel);
    }
    if (err == 0) {
        pac_proxies_add(&w->proxies[tunnel], &d, &bound);
    }
    return err;
}

static int add_door(struct ways *w, size_t tunnel, const struct config_door *d)
{
    struct config_door other;
    int err = add_one_door(w, tunnel, d);
    if (err == 0 && ways_in_other_family(w->files, w->options, d, &other)) {
        err = add_one_door(w, tunnel, &other);
        err = door_is_dispensable(&other, err) ? 0 : err;
    }
    return err;
}

static int add_usual_proxy(struct ways *w)
{
    struct endpoint usual = options_default_socks();
    struct config_door d = {.kind = CONFIG_PROXY,
                            .protocols = CONFIG_SOCKS5 | CONFIG_SOCKS4 | CONFIG_HTTP,
                            .bind = place_ip(&usual)};
    return add_door(w, 0, &d);
}

/* Those of the file, but for its proxies where -D says where they are, and for its standard input, which is another
 * door's (see own_stdio). */
static int add_doors_of_file(struct ways *w, size_t i, size_t *n)
{
    const struct config *c = w->files->file[i].config;
    int err = 0;
    for (size_t j = 0; err == 0 && j < c->n_doors; j++) {
        bool replaced = c->doors[j].kind == CONFIG_PROXY && w->options->has_proxy;
        if (!replaced && c->doors[j].kind != CONFIG_STDIO) {
            err = add_door(w, i, &c->doors[j]);
            ++*n;
        }
    }
    return err;
}

/* Where nothing at all is said, there is a proxy in the usual place; a command brings its own. */
int ways_open_doors(struct ways *w)
{
    const struct options *o = w->options;
    size_t n = o->n_doors;
    int err = 0;
    for (size_t i = 0; err == 0 && i < o->n_doors; i++) {
        err = add_door(w, 0, &o->doors[i]);
    }
    for (size_t i = 0; err == 0 && i < w->files->n; i++) {
        err = add_doors_of_file(w, i, &n);
    }
    return err == 0 && n == 0 && o->words == NULL ? add_usual_proxy(w) : err;
}

/* ---- the status ---- */

/* Where the status is told: the command line, else the first file that says. */
static const struct place *own_status(const struct files *f, const struct options *o,
                                      bool *allow_lan)
{
    *allow_lan = o->allow_lan;
    if (o->has_status) {
        return &o->status;
    }
    for (size_t i = 0; i < f->n; i++) {
        if (f->file[i].config->status_line != 0) {
            *allow_lan = f->file[i].config->status_allow_lan;
            return &f->file[i].config->status;
        }
    }
    return NULL;
}

/* CheckAlive's addresses are pinged even where nobody asks for the status, as by wireproxy: that keeps a NAT's way open. */
static bool any_is_watched(const struct files *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        any = any || f->file[i].config->n_check_alive > 0;
    }
    return any;
}

static int listen_for_status(struct ways *w, struct status *status, const struct place *wanted,
                             bool allow_lan, bool may_lack_family)
{
    struct place at = *wanted, bound;
    char text[PLACE_TEXT];
    int err = find_inherited(w, &at);
    if (err == 0) {
        err = status_listen(status, &at, may_lack_family, &bound);
    }
    if (err == 0) {
        err = check_inherited(w, &at, &bound, allow_lan);
    }
    if (err == 0) {
        log_info(&w->world->log, "status on %s: /readyz, /metrics, /proxy.pac",
                 place_format(&bound, text));
    }
    return err;
}

/* -i at all addresses is for both families, as wireproxy's: the probes of a pod may come by either. */
static int listen_for_status_by_the_other(struct ways *w, struct status *status)
{
    const struct options *o = w->options;
    if (!o->has_status || !place_is_everywhere(&o->status) || o->status.at.port == 0) {
        return 0;
    }
    struct place other = place_of_other_family(&o->status);
    bool may_lack = other.at.addr.family == FAMILY_V6;
    if (ways_in_is_named(w->files, o, &other, false)) {
        return 0;
    }
    int err = listen_for_status(w, status, &other, true, may_lack);
    return may_lack && err == ERR_NO_ADDRESS ? 0 : err;
}

int ways_open_status(struct ways *w)
{
    bool allow_lan;
    const struct place *wanted = own_status(w->files, w->options, &allow_lan);
    struct status *status;
    if (wanted == NULL && !any_is_watched(w->files)) {
        return 0;
    }
    int err = app_add_status(w->world->app, &status);
    if (err == 0 && wanted != NULL) {
        err = listen_for_status(w, status, wanted, allow_lan, false);
    }
    if (err == 0) {
        err = listen_for_status_by_the_other(w, status);
    }
    for (size_t i = 0; err == 0 && i < w->files->n; i++) {
        const struct config *c = w->files->file[i].config;
        if (wanted != NULL || c->n_check_alive > 0) {
            err = status_add(status, w->tunnels[i], c, &w->proxies[i], io_now(w->world->loop));
        }
    }
    return err;
}
