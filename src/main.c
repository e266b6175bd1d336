/* SPDX-License-Identifier: MIT */
/* The program: reads the command line and does the one thing that it asks for. */
#include <stdio.h>

#include "base/err.h"
#include "cmd/demo.h"
#include "cmd/keys.h"
#include "cmd/options.h"
#include "cmd/run.h"
#include "config/config.h"
#include "io/io.h"
#include "wg/wg.h"

static void print_message(void *ctx, bool is_error, const char *message)
{
    const struct options *o = ctx;
    if (is_error || o->level >= LOG_WARN) {
        fprintf(stderr, "%s%s\n", is_error ? "" : "warning: ", message);
    }
}

/* Where SOCKS5 is offered: the command line, else the file, else the usual place. */
static int run_config(const struct options *o, const struct config *c)
{
    struct endpoint from_file[OPTIONS_SOCKS_MAX];
    struct endpoint usual = options_default_socks();
    if (o->n_socks > 0) {
        return run(c, o->socks, o->n_socks, o->level);
    }
    if (c->n_socks5 == 0) {
        return run(c, &usual, 1, o->level);
    }
    if (c->n_socks5 > OPTIONS_SOCKS_MAX) {
        fprintf(stderr, "%s: more than %d [Socks5] listeners\n", c->path, OPTIONS_SOCKS_MAX);
        return STATUS_CONFIG;
    }
    for (size_t i = 0; i < c->n_socks5; i++) {
        from_file[i] = c->socks5[i].bind;
    }
    return run(c, from_file, c->n_socks5, o->level);
}

/* What was asked for was to be printed: a full disk is a failure. */
static int printed(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? STATUS_OK : STATUS_FAILED;
}

static int run_tunnel(struct options *o)
{
    struct config *c;
    int err = config_load(&c, o->config_path, print_message, o);
    if (err == ERR_NOMEM) {
        fprintf(stderr, "%s: %s\n", o->config_path, err_text(err));
        return STATUS_FAILED;
    }
    if (err != 0) {
        return STATUS_CONFIG; /* said, line by line */
    }
    int status = STATUS_OK;
    if (o->configtest) {
        printf("%s: OK\n", c->path);
        status = printed();
    } else {
        status = run_config(o, c);
    }
    config_free(c);
    return status;
}

static int print_version(void)
{
    struct options_versions v = {
        .wgproxy = WGPROXY_VERSION,
        .lwip = WGPROXY_LWIP_VERSION,
        .libuv = WGPROXY_LIBUV_VERSION,
        .libsodium = WGPROXY_LIBSODIUM_VERSION,
        .aead = wg_suite_name(),
    };
    options_print_version(stdout, &v);
    return printed();
}

int main(int argc, char **argv)
{
    struct options o;
    struct rng rng = io_rng();
    struct endpoint usual = options_default_socks();
    char problem[OPTIONS_PROBLEM];
    if (options_parse(&o, argc, argv, problem) != 0) {
        fprintf(stderr, "%s\n", problem);
        return STATUS_USAGE;
    }
    switch (o.command) {
    case COMMAND_RUN:
        return run_tunnel(&o);
    case COMMAND_DEMO:
        return demo_run(o.n_socks > 0 ? &o.socks[0] : &usual, o.once, o.level);
    case COMMAND_GENKEY:
        return keys_genkey(stdout, stderr, &rng) == 0 ? STATUS_OK : STATUS_FAILED;
    case COMMAND_PUBKEY:
        return keys_pubkey(stdin, stdout, stderr) == 0 ? STATUS_OK : STATUS_FAILED;
    case COMMAND_GENPSK:
        return keys_genpsk(stdout, stderr, &rng) == 0 ? STATUS_OK : STATUS_FAILED;
    case COMMAND_VERSION:
        return print_version();
    case COMMAND_HELP:
    case COMMAND_N:
        break;
    }
    options_print_help(stdout);
    return printed();
}
