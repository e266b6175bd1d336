/* SPDX-License-Identifier: MIT */
/* The configuration files of a run: what -c names, a file or a folder of them, read and checked, each with the name of its
 * tunnel. */
#ifndef WGPROXY_CMD_FILES_H
#define WGPROXY_CMD_FILES_H

#include "base/macros.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

#define FILES_MAX 64
#define FILES_NAME 32 /* of a tunnel, with its NUL */

struct file {
    struct config *config;
    char name[FILES_NAME]; /* the file's name without folder and ".conf", cut where it is long */
};

struct files {
    struct file file[FILES_MAX];
    size_t n;
    bool allow_lan; /* --allow-lan, for those that are added from now on */
};

/* Add the file at `path`, or for a folder each *.conf in it, in the order of their names. 0, ERR_INVALID after at least one message
 * with is_error, ERR_NOMEM. After an error more may be added, to hear what is wrong with them. */
int files_add(struct files *f, const char *path, config_message_fn *message, void *ctx) MUST_USE;

/* Put the files in an order in which each comes after the one that it goes Through. 0, or ERR_INVALID after a message: two of one
 * name, a tunnel that is not there, a circle. */
int files_sort(struct files *f, config_message_fn *message, void *ctx) MUST_USE;

void files_free(struct files *f); /* wipes the keys; `f` itself is the caller's */

#endif
