/* SPDX-License-Identifier: MIT */
/* The real world for the application: struct env filled from io, and the log on standard error. */
#ifndef WGPROXY_CMD_WORLD_H
#define WGPROXY_CMD_WORLD_H

#include "app/app.h"
#include "app/env.h"
#include "base/log.h"
#include "base/macros.h"
#include "io/io.h"
#include "io/workers.h"

struct world {
    struct log log;
    struct env env;
    struct io_loop *loop;
    struct io_changes *changes;
    struct app *app;
    struct io_workers *workers; /* NULL: none */
    struct parallel parallel;
};

/* A loop, and an empty application on it. 0, or an error that the log has told. */
int world_init(struct world *w, enum log_level level) MUST_USE;

/* Give large batches to so many helper threads. Before the first tunnel is added. Where the system has no
 * threads to give, the log says so, and everything is done without. */
void world_share(struct world *w, unsigned workers);

/* Start what was added and run until a signal or io_loop_stop. */
void world_run(struct world *w);
void world_fini(struct world *w);

#endif
