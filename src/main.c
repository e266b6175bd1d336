/* SPDX-License-Identifier: MIT */
/* The program: reads the command line and does the one thing that it asks for. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/ask.h"
#include "cmd/certificates.h"
#include "cmd/check.h"
#include "cmd/daemon.h"
#include "cmd/demo.h"
#include "cmd/files.h"
#include "cmd/keys.h"
#include "cmd/options.h"
#include "cmd/own_keys.h"
#include "cmd/run.h"
#include "cmd/ways_in.h"
#include "config/config.h"
#include "config/report.h"
#include "io/io.h"
#include "wg/wg.h"

static void print_message(void *ctx, bool is_error, const char *message)
{
    const struct options *o = ctx;
    if (is_error || o->level >= LOG_WARN) {
        fprintf(stderr, "%s%s\n", is_error ? "" : "warning: ", message);
    }
}

/* What was asked for was to be printed: a full disk is a failure. */
static int printed(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? STATUS_OK : STATUS_FAILED;
}

/* Every file is read before any is judged, so that all that is wrong is said at once. */
static int read_files(struct files *f, struct options *o)
{
    int err = 0;
    for (size_t i = 0; i < o->n_config; i++) {
        int one = files_add(f, o->config_path[i], print_message, o);
        err = one != 0 && err != ERR_NOMEM ? one : err;
    }
    if (err == 0) {
        err = files_sort(f, print_message, o);
    }
    if (err == 0) {
        err = own_keys_check(f, print_message, o);
    }
    return err != 0 ? err : certificates_check(f, print_message, o);
}

static int run_tunnels(struct options *o)
{
    struct files f = {.allow_lan = o->allow_lan};
    int status = STATUS_OK;
    int err = read_files(&f, o);
    if (err == ERR_NOMEM) {
        fprintf(stderr, "wgproxy: %s\n", err_text(err));
        status = STATUS_FAILED;
    } else if (err != 0) {
        status = STATUS_CONFIG; /* said, line by line */
    } else if (o->command == COMMAND_RUN &&
               (status = ways_in_check(&f, o, print_message, o)) != STATUS_OK) {
        /* said as well */
    } else if (o->configtest) {
        for (size_t i = 0; i < f.n; i++) {
            const struct config *c = f.file[i].config;
            bool has_names = c->n_dns > 0 || c->names_outside;
            printf("%s: OK%s\n", c->path,
                   has_names ? ""
                             : "; there is no DNS, so names are refused, never looked up outside");
        }
        status = printed();
    } else if (o->command == COMMAND_SHOW || o->command == COMMAND_READY) {
        status = o->command == COMMAND_SHOW ? ask_show(&f, o) : ask_ready(&f, o);
        status = status == STATUS_OK ? printed() : status;
    } else if (o->command == COMMAND_CHECK) {
        status = check(&f, o);
        status = status == STATUS_OK ? printed() : status;
    } else if (!o->daemon || daemon_begin(&status)) {
        status = run(&f, o);
    }
    files_free(&f);
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

/* One line where --aead names what there is not. */
static bool choose_aead(const struct options *o)
{
    const char *why = o->aead != NULL ? wg_suite_choose(o->aead) : NULL;
    if (why != NULL) {
        char name[QUOTE_SIZE];
        fprintf(stderr, "wgproxy: --aead %s: %s\n", report_quote(name, o->aead), why);
    }
    return why == NULL;
}

static int run_command(struct options *o)
{
    struct rng rng = io_rng();
    struct endpoint usual = options_default_socks();
    switch (o->command) {
    case COMMAND_RUN:
    case COMMAND_CHECK:
    case COMMAND_SHOW:
    case COMMAND_READY:
        return run_tunnels(o);
    case COMMAND_DEMO:
        return demo_run(o->n_doors > 0 ? &o->doors[0].bind.at : &usual, o->once, o->level);
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

/* Where one of the three is closed, the next that is opened takes its number: a socket would be told what the log says. */
static void open_standard_streams(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

int main(int argc, char **argv)
{
    struct options o;
    char problem[OPTIONS_PROBLEM];
    open_standard_streams();
    if (options_parse(&o, argc, argv, problem) != 0) {
        fprintf(stderr, "%s\n", problem);
        return STATUS_USAGE;
    }
    int status = choose_aead(&o) ? run_command(&o) : STATUS_USAGE;
    options_fini(&o);
    return status;
}
