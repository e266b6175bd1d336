/* SPDX-License-Identifier: MIT */
/* The real world for the application: struct env filled from io, and the log on standard error. */
#ifndef WGPROXY_CMD_WORLD_H
#define WGPROXY_CMD_WORLD_H

#include "app/app.h"
#include "app/env.h"
#include "base/log.h"
#include "base/macros.h"
#include "io/io.h"

struct world {
    struct log log;
    struct env env;
    struct io_loop *loop;
    struct io_changes *changes;
    struct app *app;
};

/* A loop, and an empty application on it. 0, or an error that the log has told. */
int world_init(struct world *w, enum log_level level) MUST_USE;

/* Start what was added and run until SIGINT, SIGTERM or io_loop_stop. */
void world_run(struct world *w);
void world_fini(struct world *w);

#endif
