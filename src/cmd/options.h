/* SPDX-License-Identifier: MIT */
/* The command line as a structure. Nothing here opens, prints to the terminal
 * by itself, or knows what the options do. */
#ifndef WGPROXY_CMD_OPTIONS_H
#define WGPROXY_CMD_OPTIONS_H

#include "base/addr.h"
#include "base/log.h"
#include "base/macros.h"
#include "config/doors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What the process ends with. */
enum exit_status {
    STATUS_OK = 0,
    STATUS_FAILED = 1,       /* while setting up or running */
    STATUS_USAGE = 2,        /* the command line is wrong */
    STATUS_CONFIG = 3,       /* the configuration is wrong */
    STATUS_CHECK_FAILED = 4, /* the tunnel does not work */
};

/* X(command, word): the first word of the command line that chooses it; the
 * tunnel itself has none. */
#define COMMAND_TABLE(X)        \
    X(COMMAND_RUN, NULL)        \
    X(COMMAND_CHECK, "check")   \
    X(COMMAND_SHOW, "show")     \
    X(COMMAND_READY, "ready")   \
    X(COMMAND_DEMO, "demo")     \
    X(COMMAND_GENKEY, "genkey") \
    X(COMMAND_PUBKEY, "pubkey") \
    X(COMMAND_GENPSK, "genpsk") \
    X(COMMAND_HELP, "help")     \
    X(COMMAND_VERSION, "version")

#define COMMAND_ENUM(name, word) name,
enum command { COMMAND_TABLE(COMMAND_ENUM) COMMAND_N };
#undef COMMAND_ENUM

#define OPTIONS_DOORS_MAX 32
#define OPTIONS_CONFIG_MAX 16

struct options {
    enum command command;
    /* -c, borrowed from argv: files, and folders of them. At least one for
     * COMMAND_RUN and COMMAND_CHECK, and without -i for COMMAND_SHOW and COMMAND_READY. */
    const char *config_path[OPTIONS_CONFIG_MAX];
    size_t n_config;
    bool allow_lan;       /* --allow-lan, for the doors of the files and those below */
    bool configtest;      /* -n */
    bool once;            /* demo --once */
    const char *target;   /* check NAME|ADDRESS, borrowed; or NULL */
    enum log_level level; /* -q, -v */
    /* -D, instead of the files' proxies, and -L and -R beside what they have.
     * Outside loopback only where --allow-lan was given. To be given back by
     * options_fini. */
    struct config_door doors[OPTIONS_DOORS_MAX];
    size_t n_doors;
    bool has_proxy;           /* a -D is among them */
    struct config_door stdio; /* -W, where target_host is set */
    bool has_status;
    struct place status; /* -i */
    bool daemon;         /* -d */
    char **words;        /* -- COMMAND and its arguments, NULL-terminated, borrowed; or NULL */
    unsigned wait;       /* --wait: seconds for the handshake before COMMAND */
    bool private_unix;   /* --unix */
    const char *aead;    /* --aead, as wg_suite_choose takes it, borrowed; NULL: any */
};

#define OPTIONS_PROBLEM 256

/* Read the command line. 0, or ERR_INVALID with a whole line in `problem`,
 * without newline: it belongs on standard error, and the process ends with
 * STATUS_USAGE. Moves getopt's state, and the words of argv. */
int options_parse(struct options *out, int argc, char **argv,
                  char problem[OPTIONS_PROBLEM]) MUST_USE;

void options_fini(struct options *o);

/* 127.0.0.1:1080, where a proxy is offered when neither -D nor the file says
 * where. */
struct endpoint options_default_socks(void);

void options_print_help(FILE *out);

struct options_versions {
    const char *wgproxy, *lwip, *libuv, *libsodium;
    const char *aead; /* wg_suite_name() */
};

void options_print_version(FILE *out, const struct options_versions *v);

#endif
