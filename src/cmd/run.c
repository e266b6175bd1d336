/* SPDX-License-Identifier: MIT */
/* The tunnels and their doors, from checked configurations to the end of the process. What drives the end differs: a
 * signal, standard input and output that are done, or a command that has exited. */
#include "cmd/run.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cmd/command.h"
#include "cmd/daemon.h"
#include "cmd/stdio_client.h"
#include "cmd/ways_in.h"
#include "cmd/world.h"
#include "config/listener.h"

#define DRAIN_USUAL 5 /* seconds */

struct running {
    struct world world;
    const struct files *files;
    const struct options *options;
    struct tunnel *tunnels[FILES_MAX]; /* as in struct files */
    int status;                        /* of the process */
    bool draining;
    uint64_t drain_until;
    struct pac_proxies proxies[FILES_MAX]; /* of each tunnel */
    struct stdio_client stdio;             /* -W */
    struct errand command;                 /* -- COMMAND */
};

/* The tunnel that carries file `i`, which stands before it. */
static struct tunnel *carrier_of(const struct running *r, const struct files *f, size_t i)
{
    const char *through = f->file[i].config->through;
    for (size_t j = 0; through != NULL && j < i; j++) {
        if (strcmp(f->file[j].name, through) == 0) {
            return r->tunnels[j];
        }
    }
    return NULL;
}

static int add_tunnel(struct running *r, const struct files *f, size_t i)
{
    struct world *w = &r->world;
    const struct config *c = f->file[i].config;
    const char *name = f->n > 1 ? f->file[i].name : NULL;
    int err = app_add_tunnel(w->app, c, name, carrier_of(r, f, i), &r->tunnels[i], io_now(w->loop));
    if (err == ERR_IN_USE || err == ERR_PERM) {
        log_error(&w->log, "%s: cannot open UDP port %u (ListenPort): %s", c->path,
                  (unsigned)c->listen_port, err_text(err));
    } else if (err != 0) {
        log_error(&w->log, "%s: cannot set the tunnel up: %s", c->path, err_text(err));
    }
    return err;
}

/* What was configured, in one look. */
static void announce(const struct running *r, const struct files *f, size_t i)
{
    const struct config *c = f->file[i].config;
    const struct log *log = &r->world.log;
    char addresses[256] = "", workers[24] = "";
    for (size_t a = 0; a < c->n_addresses; a++) {
        char text[ADDR_TEXT];
        size_t used = strlen(addresses);
        snprintf(addresses + used, sizeof addresses - used, "%s%s", a > 0 ? ", " : "",
                 addr_format(&c->addresses[a].addr, text));
    }
    if (r->world.env.parallel != NULL) {
        snprintf(workers, sizeof workers, " on %u cores", r->world.parallel.workers + 1);
    }
    log_info(log, "tunnel %s: %s; %zu peer%s; MTU %u; UDP port %u%s%s; %s%s", c->path, addresses,
             c->n_peers, c->n_peers == 1 ? "" : "s", (unsigned)tunnel_mtu(r->tunnels[i]),
             (unsigned)tunnel_port(r->tunnels[i]), c->through != NULL ? " through " : "",
             c->through != NULL ? c->through : "", wg_suite_name(), workers);
    if (c->n_dns == 0) {
        log_info(log, "no DNS in %s: names are %s", c->path,
                 c->names_outside
                     ? "looked up by this machine, outside the tunnel, as [Resolve] says"
                     : "refused, never looked up outside -> set DNS = a server in the tunnel");
    }
}

/* ---- doors ---- */

static const char *protocols_text(const struct config_door *d)
{
    bool socks = d->protocols & (CONFIG_SOCKS5 | CONFIG_SOCKS4), http = d->protocols & CONFIG_HTTP;
    return socks && http ? "SOCKS and HTTP proxy" : http ? "HTTP proxy" : "SOCKS proxy";
}

static void announce_door(const struct running *r, const struct config_door *d,
                          const struct place *bound)
{
    char at[PLACE_TEXT] = "", target[300] = "";
    const struct log *log = &r->world.log;
    if (d->target_path != NULL) {
        snprintf(target, sizeof target, "unix:%s", d->target_path);
    } else if (d->target_host != NULL) {
        snprintf(target, sizeof target, "%s:%u", d->target_host, (unsigned)d->target_port);
    }
    place_format(bound, at);
    switch (d->kind) {
    case CONFIG_PROXY:
        log_info(log, "%s on %s%s%s", protocols_text(d), at,
                 d->tls_certificate != NULL ? ", by TLS" : "",
                 d->n_users > 0 ? ", for its users" : "");
        break;
    case CONFIG_SNI:
        log_info(log, "TLS by server name on %s", at);
        break;
    case CONFIG_FORWARD:
        log_info(log, "%s%s leads to %s in the tunnel", d->udp ? "UDP " : "", at, target);
        break;
    case CONFIG_REVERSE:
        log_info(log, "%sport %u in the tunnel leads to %s here", d->udp ? "UDP " : "",
                 (unsigned)d->port, target);
        break;
    case CONFIG_STDIO:
        break;
    }
}

/* A socket that was handed over by name. */
static int find_inherited(const struct running *r, struct place *at)
{
    if (at->kind == PLACE_FD && at->fd < 0) {
        at->fd = io_inherited(at->path);
        if (at->fd < 0) {
            log_error(&r->world.log, "no socket named \"%s\" was handed over (LISTEN_FDNAMES)",
                      at->path);
            return ERR_NO_ADDRESS;
        }
    }
    return 0;
}

/* Only now it shows where such a socket stands. */
static int check_inherited(const struct running *r, const struct place *at,
                           const struct place *bound, bool allowed)
{
    char text[PLACE_TEXT];
    if (at->kind != PLACE_FD || place_is_private(bound) || allowed) {
        return 0;
    }
    log_error(&r->world.log,
              "the socket that was handed over stands on %s: others could come in there; if they "
              "may, add AllowLan = yes, or --allow-lan",
              place_format(bound, text));
    return ERR_PERM;
}

/* A peer that is to reach us first must know where we are. */
static void warn_of_silent_reverse(const struct running *r, const struct config_door *d,
                                   size_t tunnel)
{
    const struct config *c = r->files->file[tunnel].config;
    for (size_t i = 0; i < c->n_peers; i++) {
        if (c->peers[i].keepalive != 0) {
            return;
        }
    }
    if (d->kind == CONFIG_REVERSE && c->listen_port == 0) {
        log_warn(&r->world.log,
                 "port %u in the tunnel is reached only while the peer knows where we are: set "
                 "PersistentKeepalive = 25 in %s",
                 (unsigned)d->port, c->path);
    }
}

static int add_one_door(struct running *r, size_t tunnel, const struct config_door *as_written)
{
    struct config_door d = *as_written; /* what it points to stays where it is */
    struct place bound = {.kind = PLACE_IP};
    int err = find_inherited(r, &d.bind);
    if (err == 0) {
        err = app_add_door(r->world.app, r->tunnels[tunnel], r->files->file[tunnel].config, &d,
                           &bound, NULL);
    }
    if (err == 0) {
        err = check_inherited(r, &d.bind, &bound, d.allow_lan || d.n_users > 0);
    }
    if (err == 0) {
        announce_door(r, &d, &bound);
        warn_of_silent_reverse(r, &d, tunnel);
    }
    if (err == 0) {
        pac_proxies_add(&r->proxies[tunnel], &d, &bound);
    }
    return err;
}

static int add_door(struct running *r, size_t tunnel, const struct config_door *d)
{
    struct config_door other;
    int err = add_one_door(r, tunnel, d);
    if (err == 0 && ways_in_other_family(r->files, r->options, d, &other)) {
        err = add_one_door(r, tunnel, &other);
        err = door_is_dispensable(&other, err) ? 0 : err;
    }
    return err;
}

static int add_usual_proxy(struct running *r)
{
    struct endpoint usual = options_default_socks();
    struct config_door d = {.kind = CONFIG_PROXY,
                            .protocols = CONFIG_SOCKS5 | CONFIG_SOCKS4 | CONFIG_HTTP,
                            .bind = place_ip(&usual)};
    return add_door(r, 0, &d);
}

/* Those of the file, but for its proxies where -D says where they are, and for its standard input, which is another
 * door's (see own_stdio). */
static int add_doors_of_file(struct running *r, size_t i, size_t *n)
{
    const struct config *c = r->files->file[i].config;
    int err = 0;
    for (size_t j = 0; err == 0 && j < c->n_doors; j++) {
        bool replaced = c->doors[j].kind == CONFIG_PROXY && r->options->has_proxy;
        if (!replaced && c->doors[j].kind != CONFIG_STDIO) {
            err = add_door(r, i, &c->doors[j]);
            ++*n;
        }
    }
    return err;
}

/* Where nothing at all is said, there is a proxy in the usual place; a command brings its own. */
static int add_doors(struct running *r)
{
    const struct options *o = r->options;
    size_t n = o->n_doors;
    int err = 0;
    for (size_t i = 0; err == 0 && i < o->n_doors; i++) {
        err = add_door(r, 0, &o->doors[i]);
    }
    for (size_t i = 0; err == 0 && i < r->files->n; i++) {
        err = add_doors_of_file(r, i, &n);
    }
    return err == 0 && n == 0 && o->words == NULL ? add_usual_proxy(r) : err;
}

/* What leads standard input and output: -W, or the file's [STDIOTunnel]. */
static const struct config_door *own_stdio(const struct files *f, const struct options *o,
                                           size_t *tunnel)
{
    *tunnel = 0;
    if (o->stdio.target_host != NULL) {
        return &o->stdio;
    }
    for (size_t i = 0; i < f->n && o->words == NULL; i++) {
        for (size_t j = 0; j < f->file[i].config->n_doors; j++) {
            if (f->file[i].config->doors[j].kind == CONFIG_STDIO) {
                *tunnel = i;
                return &f->file[i].config->doors[j];
            }
        }
    }
    return NULL;
}

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

/* Helper threads: what the first file says that says anything, else what pays on so many cores. */
static unsigned own_workers(const struct files *f)
{
    static_assert(WG_WORKERS_MAX >= 32, "the file may ask for so many");
    for (size_t i = 0; i < f->n; i++) {
        if (f->file[i].config->limits.has_workers) {
            return f->file[i].config->limits.workers;
        }
    }
    return io_workers_usual(io_cores());
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

static int listen_for_status(struct running *r, struct status *status, const struct place *wanted,
                             bool allow_lan, bool may_lack_family)
{
    struct place at = *wanted, bound;
    char text[PLACE_TEXT];
    int err = find_inherited(r, &at);
    if (err == 0) {
        err = status_listen(status, &at, may_lack_family, &bound);
    }
    if (err == 0) {
        err = check_inherited(r, &at, &bound, allow_lan);
    }
    if (err == 0) {
        log_info(&r->world.log, "status on %s: /readyz, /metrics, /proxy.pac",
                 place_format(&bound, text));
    }
    return err;
}

/* -i at all addresses is for both families, as wireproxy's: the probes of a pod may come by either. */
static int listen_for_status_by_the_other(struct running *r, struct status *status)
{
    const struct options *o = r->options;
    if (!o->has_status || !place_is_everywhere(&o->status) || o->status.at.port == 0) {
        return 0;
    }
    struct place other = place_of_other_family(&o->status);
    bool may_lack = other.at.addr.family == FAMILY_V6;
    if (ways_in_is_named(r->files, o, &other, false)) {
        return 0;
    }
    int err = listen_for_status(r, status, &other, true, may_lack);
    return may_lack && err == ERR_NO_ADDRESS ? 0 : err;
}

static int add_status(struct running *r)
{
    bool allow_lan;
    const struct place *wanted = own_status(r->files, r->options, &allow_lan);
    struct status *status;
    if (wanted == NULL && !any_is_watched(r->files)) {
        return 0;
    }
    int err = app_add_status(r->world.app, &status);
    if (err == 0 && wanted != NULL) {
        err = listen_for_status(r, status, wanted, allow_lan, false);
    }
    if (err == 0) {
        err = listen_for_status_by_the_other(r, status);
    }
    for (size_t i = 0; err == 0 && i < r->files->n; i++) {
        const struct config *c = r->files->file[i].config;
        if (wanted != NULL || c->n_check_alive > 0) {
            err = status_add(status, r->tunnels[i], c, &r->proxies[i], io_now(r->world.loop));
        }
    }
    return err;
}

/* ---- the turn, and the end ---- */

static void stop(struct running *r, int status)
{
    r->status = status;
    io_loop_stop(r->world.loop);
}

static uint64_t drain_time(const struct running *r)
{
    const struct config_limits *l = &r->files->file[0].config->limits;
    return (l->has_drain_timeout ? l->drain_timeout : DRAIN_USUAL) * NS_PER_S;
}

/* The first signal lets what runs come to its end, the second does not wait. */
static void on_signal(void *ctx, int signum, struct now now)
{
    struct running *r = ctx;
    if (command_signal(&r->command, signum)) {
        return;
    }
    if (signum != SIGINT && signum != SIGTERM) {
        return;
    }
    if (r->draining) {
        stop(r, STATUS_OK);
        return;
    }
    io_notify("STOPPING=1");
    r->draining = true;
    r->drain_until = now.mono + drain_time(r);
    if (!app_drain(r->world.app)) {
        stop(r, STATUS_OK);
    } else {
        log_info(&r->world.log, "no new connections; what runs has %" PRIu64 " s to end",
                 drain_time(r) / NS_PER_S);
    }
}

static uint64_t turn(void *ctx, struct now now)
{
    struct running *r = ctx;
    uint64_t at = app_turn(r->world.app, now);
    if (r->draining) {
        if (!app_drain(r->world.app) || now.mono >= r->drain_until) {
            stop(r, STATUS_OK);
        }
        at = deadline_min(at, r->drain_until);
    }
    if (stdio_client_is_over(&r->stdio)) {
        stop(r, stdio_client_status(&r->stdio));
    }
    if (command_is_wanted(&r->command)) {
        at = deadline_min(at, command_look(&r->command, now));
        if (command_is_over(&r->command)) {
            stop(r, command_status(&r->command));
        }
    }
    return at;
}

/* ---- life ---- */

static int set_up_tunnels(struct running *r)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < r->files->n; i++) {
        err = add_tunnel(r, r->files, i);
        if (err == 0) {
            announce(r, r->files, i);
        }
    }
    return err;
}

static int set_up(struct running *r)
{
    size_t tunnel;
    const struct config_door *stdio = own_stdio(r->files, r->options, &tunnel);
    int err = set_up_tunnels(r);
    if (err == 0 && r->options->stdio.target_host == NULL) {
        err = stdio != NULL && r->files->file[tunnel].config->n_doors == 1 ? 0 : add_doors(r);
    }
    if (err == 0 && r->options->stdio.target_host == NULL) {
        err = add_status(r);
    }
    if (err == 0 && stdio != NULL) {
        err = stdio_client_open(&r->stdio, &r->world, r->tunnels[tunnel],
                                r->files->file[tunnel].config, stdio);
    }
    if (err == 0 && r->options->words != NULL) {
        err = command_prepare(&r->command, &r->world, r->tunnels[0], r->files->file[0].config,
                              r->options);
    }
    return err;
}

static void run_to_the_end(struct running *r)
{
    struct world *w = &r->world;
    io_hide_memory();
    app_start(w->app, io_now(w->loop));
    stdio_client_start(&r->stdio, io_now(w->loop));
    command_start(&r->command, io_now(w->loop));
    log_info(&w->log, "ready");
    daemon_ready();
    io_notify("READY=1");
    io_loop_set_turn(w->loop, turn, r);
    io_loop_run(w->loop);
}

int run(const struct files *files, const struct options *options)
{
    struct running r = {.files = files, .options = options, .status = STATUS_OK};
    /* ssh's ProxyCommand shows what is said; only what went wrong is of use there. */
    bool quiet = options->stdio.target_host != NULL && options->level == LOG_INFO;
    if (world_init(&r.world, quiet ? LOG_WARN : options->level) != 0) {
        return STATUS_FAILED;
    }
    int err = io_loop_on_signal(r.world.loop, options->words != NULL, on_signal, &r);
    if (err == 0) {
        world_share(&r.world, own_workers(files));
        err = set_up(&r);
    }
    if (err == 0) {
        run_to_the_end(&r);
    }
    command_fini(&r.command);
    world_fini(&r.world);
    return err == 0 ? r.status : STATUS_FAILED;
}
