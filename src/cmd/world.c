/* SPDX-License-Identifier: MIT */
/* Joins the application to libuv's loop: nothing but wiring. */
#include "cmd/world.h"

#include <stdio.h>

#include "base/err.h"
#include "wg/wg.h"

static void write_line(void *ctx, enum log_level level, const char *line)
{
    (void)ctx;
    if (level <= LOG_WARN) {
        fprintf(stderr, "wgproxy: %s: %s\n", log_level_name(level), line);
    } else {
        fprintf(stderr, "wgproxy: %s\n", line);
    }
}

/* io's handles are opaque here and there: the application's names for them are never defined. */
static int env_listen(void *world, const struct place *at, env_accept_fn *accepted, void *ctx,
                      struct place *bound, struct env_listener **out)
{
    struct io_listener *l;
    int err = io_listen_at(world, at, accepted, ctx, bound, &l);
    if (err == 0) {
        *out = (struct env_listener *)l;
    }
    return err;
}

static void env_listener_wanted(struct env_listener *l, env_wanted_fn *wanted)
{
    io_listener_set_wanted((struct io_listener *)l, wanted);
}

static void env_listener_close(struct env_listener *l)
{
    io_listener_close((struct io_listener *)l);
}

static int env_listener_tls(struct env_listener *l, const struct config_door *door)
{
    char why[IO_TLS_WHY]; /* told already: certificates.h */
    struct io_tls *tls;
    int err = io_tls_new(door->tls_certificate, door->tls_key, &tls, why);
    if (err == 0 && door->tls_certificate_path != NULL && door->tls_key_path != NULL) {
        err = io_tls_renew_from(tls, door->tls_certificate_path, door->tls_key_path);
    }
    if (err != 0) {
        io_tls_free(tls);
        return err;
    }
    io_listener_set_tls((struct io_listener *)l, tls);
    return 0;
}

static int env_udp_open(void *world, uint16_t port, const struct dgram_handler *handler, void *ctx,
                        struct dgram **out)
{
    return io_udp_open(world, port, handler, ctx, out);
}

static int env_udp_bind(void *world, const struct endpoint *at, const struct dgram_handler *handler,
                        void *ctx, struct endpoint *bound, struct dgram **out)
{
    return io_udp_bind(world, at, handler, ctx, bound, out);
}

static int env_connect(void *world, const struct place *to, struct stream **out)
{
    return io_connect_at(world, to, out);
}

static unsigned env_path_mtu(void *world, const struct endpoint *to)
{
    (void)world;
    return io_path_mtu(to);
}

static int env_source_for(void *world, const struct endpoint *to, struct addr *out)
{
    (void)world;
    return io_source_for(to, out);
}

static int env_resolve(void *world, const char *host, uint16_t port, local_resolved_fn *done,
                       void *ctx, struct local_lookup **out, struct now now)
{
    (void)now;
    struct io_lookup *l;
    int err = io_resolve(world, host, port, done, ctx, &l);
    if (err == 0) {
        *out = (struct local_lookup *)l;
    }
    return err;
}

static void env_resolve_cancel(struct local_lookup *l)
{
    io_resolve_cancel((struct io_lookup *)l);
}

static const struct env_ops ops = {
    .udp_open = env_udp_open,
    .path_mtu = env_path_mtu,
    .listen = env_listen,
    .listener_wanted = env_listener_wanted,
    .listener_close = env_listener_close,
    .listener_tls = env_listener_tls,
    .local =
        {
            .connect = env_connect,
            .udp_bind = env_udp_bind,
            .source_for = env_source_for,
            .resolve = env_resolve,
            .resolve_cancel = env_resolve_cancel,
        },
};

static uint64_t turn(void *ctx, struct now now)
{
    struct world *w = ctx;
    return app_turn(w->app, now);
}

static void on_signal(void *ctx, int signum, struct now now)
{
    (void)signum;
    (void)now;
    struct world *w = ctx;
    io_loop_stop(w->loop);
}

static void on_changed(void *ctx, struct now now)
{
    struct world *w = ctx;
    app_machine_changed(w->app, now);
}

int world_init(struct world *w, enum log_level level)
{
    *w = (struct world){.log = {.level = level, .write = write_line}};
    int err = io_loop_new(&w->loop, &w->log);
    if (err == 0) {
        w->env = (struct env){.ops = &ops,
                              .world = w->loop,
                              .rng = io_rng(),
                              .log = &w->log,
                              .segment_block = wg_suite_block()};
        err = app_new(&w->app, &w->env);
    }
    if (err == 0) {
        err = io_loop_on_signal(w->loop, false, on_signal, w);
    }
    if (err == 0) {
        err = io_changes_new(w->loop, on_changed, w, &w->changes);
    }
    if (err != 0) {
        log_error(&w->log, "cannot start: %s", err_text(err));
        world_fini(w);
    }
    return err;
}

static void run_parallel(void *ctx, parallel_fn *work, void *arg, size_t n)
{
    io_workers_run(ctx, work, arg, n);
}

void world_share(struct world *w, unsigned workers)
{
    if (workers == 0) {
        return;
    }
    int err = io_workers_new(&w->workers, workers);
    if (err != 0) {
        log_warn(&w->log, "no threads for %u workers (%s) -> go on without", workers,
                 err_text(err));
        return;
    }
    w->parallel = (struct parallel){
        .run = run_parallel, .ctx = w->workers, .workers = workers, .least = wg_parallel_least()};
    w->env.parallel = &w->parallel;
}

void world_run(struct world *w)
{
    app_start(w->app, io_now(w->loop));
    io_loop_set_turn(w->loop, turn, w);
    io_loop_run(w->loop);
}

void world_fini(struct world *w)
{
    if (w->loop != NULL) {
        io_changes_free(w->changes);
        io_loop_set_turn(w->loop, NULL, NULL);
        app_free(w->app, io_now(w->loop));
        io_workers_free(w->workers);
        io_loop_free(w->loop);
    }
    *w = (struct world){0};
}
