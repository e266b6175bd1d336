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
#include "cmd/announce.h"
#include "cmd/command.h"
#include "cmd/daemon.h"
#include "cmd/stdio_client.h"
#include "cmd/ways_open.h"
#include "cmd/world.h"

#define DRAIN_USUAL 5 /* seconds */

struct running {
    struct world world;
    const struct files *files;
    const struct options *options;
    struct tunnel *tunnels[FILES_MAX]; /* as in struct files */
    int status;                        /* of the process */
    bool draining;
    uint64_t drain_until;
    struct stdio_client stdio; /* -W */
    struct errand command;     /* -- COMMAND */
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

/* Whoever comes now is turned away, and what runs has some time to end. */
static void begin_to_end(struct running *r, int status, struct now now)
{
    r->status = status;
    r->draining = true;
    r->drain_until = now.mono + drain_time(r);
}

/* The first signal lets what runs come to its end, the second does not wait. */
static void on_signal(void *ctx, int signum, struct now now)
{
    struct running *r = ctx;
    if (command_signal(&r->command, signum)) {
        return;
    }
    if (signum == SIGUSR1 || signum == SIGUSR2) {
        return;
    }
    if (r->draining) {
        stop(r, STATUS_OK);
        return;
    }
    io_notify("STOPPING=1");
    begin_to_end(r, STATUS_OK, now);
    if (!app_drain(r->world.app)) {
        stop(r, STATUS_OK);
    } else {
        log_info(&r->world.log, "no new connections; what runs has %" PRIu64 " s to end",
                 drain_time(r) / NS_PER_S);
    }
}

/* To end while its last words are on their way would be a reset instead of them. Whoever waits for too long has signals. */
static bool stdio_is_done(const struct running *r)
{
    bool is_broken = stdio_client_status(&r->stdio) != STATUS_OK;
    return stdio_client_is_over(&r->stdio) && (is_broken || !app_is_delivering(r->world.app));
}

static uint64_t turn(void *ctx, struct now now)
{
    struct running *r = ctx;
    uint64_t at = app_turn(r->world.app, now);
    if (command_is_wanted(&r->command) && !r->draining) {
        at = deadline_min(at, command_look(&r->command, now));
        if (command_is_over(&r->command)) {
            begin_to_end(r, command_status(&r->command), now); /* what it said last is to arrive */
        }
    }
    if (r->draining) {
        if (!app_drain(r->world.app) || now.mono >= r->drain_until) {
            stop(r, r->status);
        }
        at = deadline_min(at, r->drain_until);
    }
    if (stdio_is_done(r)) {
        stop(r, stdio_client_status(&r->stdio));
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
            announce_tunnel(&r->world, r->files->file[i].config, r->tunnels[i]);
        }
    }
    return err;
}

/* -W goes alone, and where a file has nothing but [STDIOTunnel] there is no other door either. */
static int open_ways(struct running *r, const struct config_door *stdio, size_t tunnel)
{
    struct ways ways = {
        .world = &r->world, .files = r->files, .options = r->options, .tunnels = r->tunnels};
    if (r->options->stdio.target_host != NULL) {
        return 0;
    }
    bool is_alone = stdio != NULL && r->files->file[tunnel].config->n_doors == 1;
    int err = is_alone ? 0 : ways_open_doors(&ways);
    return err == 0 ? ways_open_status(&ways) : err;
}

static int set_up(struct running *r)
{
    size_t tunnel;
    const struct config_door *stdio = own_stdio(r->files, r->options, &tunnel);
    int err = set_up_tunnels(r);
    if (err == 0) {
        err = open_ways(r, stdio, tunnel);
    }
    if (err == 0 && stdio != NULL) {
        err = stdio_client_open(&r->stdio, &r->world, r->tunnels[tunnel],
                                r->files->file[tunnel].config, stdio);
    }
    if (err == 0 && r->options->words != NULL) {
        err = command_prepare(&r->command, &r->world, r->tunnels[0], r->files, r->options);
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
