/* SPDX-License-Identifier: MIT */
/* One tunnel and its doors, from a checked configuration to the end of the process. */
#include "cmd/run.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cmd/world.h"

static int add_tunnel(struct world *w, const struct config *config, struct tunnel **out)
{
    int err = app_add_tunnel(w->app, config, NULL, NULL, out, io_now(w->loop));
    if (err == ERR_IN_USE || err == ERR_PERM) {
        log_error(&w->log, "cannot open UDP port %u (ListenPort): %s", (unsigned)config->listen_port, err_text(err));
    } else if (err != 0) {
        log_error(&w->log, "cannot set the tunnel up: %s", err_text(err));
    }
    return err;
}

static int add_doors(struct world *w, struct tunnel *tunnel, const struct endpoint *socks, size_t n)
{
    char text[ENDPOINT_TEXT];
    struct endpoint bound;
    for (size_t i = 0; i < n; i++) {
        int err = app_add_socks(w->app, tunnel, &socks[i], &bound);
        if (err != 0) {
            return err;
        }
        log_info(&w->log, "SOCKS5 proxy on %s", endpoint_format(&bound, text));
    }
    return 0;
}

/* The start line: what was configured, in one look. */
static void announce(const struct world *w, const struct config *config, const struct tunnel *tunnel)
{
    char addresses[256] = "";
    for (size_t i = 0; i < config->n_addresses; i++) {
        char text[ADDR_TEXT];
        size_t used = strlen(addresses);
        snprintf(addresses + used, sizeof addresses - used, "%s%s", i > 0 ? ", " : "",
                 addr_format(&config->addresses[i].addr, text));
    }
    log_info(&w->log, "tunnel %s: %s; %zu peer%s; UDP port %u; %s", config->path, addresses, config->n_peers,
             config->n_peers == 1 ? "" : "s", (unsigned)tunnel_port(tunnel), wg_suite_name());
    if (config->n_dns == 0) {
        log_info(&w->log, "no DNS in %s: names are refused, never looked up outside the tunnel", config->path);
    }
}

int run(const struct config *config, const struct endpoint *socks, size_t n_socks, enum log_level level)
{
    struct world w;
    struct tunnel *tunnel;
    if (world_init(&w, level) != 0) {
        return 1;
    }
    int err = add_tunnel(&w, config, &tunnel);
    if (err == 0) {
        announce(&w, config, tunnel);
        err = add_doors(&w, tunnel, socks, n_socks);
    }
    if (err == 0) {
        log_info(&w.log, "ready");
        world_run(&w);
    }
    world_fini(&w);
    return err == 0 ? 0 : 1;
}
