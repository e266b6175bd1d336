/* SPDX-License-Identifier: MIT */
/* The tunnels and their doors, from checked configurations to the end of the process. */
#include "cmd/run.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cmd/world.h"

struct running {
    struct world world;
    struct tunnel *tunnels[FILES_MAX]; /* as in struct files */
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
        log_error(&w->log, "%s: cannot open UDP port %u (ListenPort): %s", c->path, (unsigned)c->listen_port,
                  err_text(err));
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
    char addresses[256] = "";
    for (size_t a = 0; a < c->n_addresses; a++) {
        char text[ADDR_TEXT];
        size_t used = strlen(addresses);
        snprintf(addresses + used, sizeof addresses - used, "%s%s", a > 0 ? ", " : "",
                 addr_format(&c->addresses[a].addr, text));
    }
    log_info(log, "tunnel %s: %s; %zu peer%s; MTU %u; UDP port %u%s%s; %s", c->path, addresses, c->n_peers,
             c->n_peers == 1 ? "" : "s", (unsigned)tunnel_mtu(r->tunnels[i]), (unsigned)tunnel_port(r->tunnels[i]),
             c->through != NULL ? " through " : "", c->through != NULL ? c->through : "", wg_suite_name());
    if (c->n_dns == 0) {
        log_info(log, "no DNS in %s: names are refused, never looked up outside the tunnel", c->path);
    }
}

static int add_door(struct running *r, struct tunnel *tunnel, const struct endpoint *at)
{
    char text[ENDPOINT_TEXT];
    struct endpoint bound;
    int err = app_add_socks(r->world.app, tunnel, at, &bound);
    if (err == 0) {
        log_info(&r->world.log, "SOCKS5 proxy on %s", endpoint_format(&bound, text));
    }
    return err;
}

/* Where SOCKS5 is offered: the command line, else the files, else the usual place. */
static int add_doors(struct running *r, const struct files *f, const struct options *o)
{
    struct endpoint usual = options_default_socks();
    int err = 0;
    size_t n = o->n_socks;
    for (size_t i = 0; err == 0 && i < o->n_socks; i++) {
        err = add_door(r, r->tunnels[0], &o->socks[i]);
    }
    for (size_t i = 0; o->n_socks == 0 && i < f->n; i++) {
        const struct config *c = f->file[i].config;
        for (size_t j = 0; err == 0 && j < c->n_doors; j++, n++) {
            err = add_door(r, r->tunnels[i], &c->doors[j].bind.at);
        }
    }
    return err == 0 && n == 0 ? add_door(r, r->tunnels[0], &usual) : err;
}

/* With several tunnels each door must say where it leads. */
static int check_doors(const struct files *f, const struct options *o)
{
    size_t n = 0;
    if (f->n == 1) {
        return STATUS_OK;
    }
    if (o->n_socks > 0) {
        fputs("wgproxy: -D does not say into which of several tunnels: give each file a [Socks5]\n", stderr);
        return STATUS_USAGE;
    }
    for (size_t i = 0; i < f->n; i++) {
        n += f->file[i].config->n_doors;
    }
    if (n == 0) {
        fputs("wgproxy: none of the tunnels has a [Socks5] with a BindAddress: there is no way in\n", stderr);
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

static int set_up(struct running *r, const struct files *f, const struct options *o)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < f->n; i++) {
        err = add_tunnel(r, f, i);
        if (err == 0) {
            announce(r, f, i);
        }
    }
    return err != 0 ? err : add_doors(r, f, o);
}

int run(const struct files *files, const struct options *options)
{
    struct running r = {0};
    int status = check_doors(files, options);
    if (status != STATUS_OK) {
        return status;
    }
    if (world_init(&r.world, options->level) != 0) {
        return STATUS_FAILED;
    }
    int err = set_up(&r, files, options);
    if (err == 0) {
        log_info(&r.world.log, "ready");
        world_run(&r.world);
    }
    world_fini(&r.world);
    return err == 0 ? STATUS_OK : STATUS_FAILED;
}
