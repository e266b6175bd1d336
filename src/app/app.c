/* SPDX-License-Identifier: MIT */
/* Keeps the tunnels and doors, and runs them in turn. */
#include "app/app.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/carrier.h"
#include "base/err.h"
#include "base/list.h"
#include "stack/stack_tcp.h"

#define NAME_MAX_SHOWN 32

struct app {
    const struct env *env;
    /* struct tunnel_item; one that is carried stands before the one that carries it */
    struct list tunnels;
    struct list doors;     /* struct door */
    struct status *status; /* NULL: there is none */
    bool carries;          /* some tunnel goes through another */
};

/* A tunnel with the world as it sees it. */
struct tunnel_item {
    struct list link;
    struct tunnel *tunnel;
    struct env env;
    struct log log;
    const struct log *below; /* where its log's lines go */
    char name[NAME_MAX_SHOWN + 1];
};

int app_new(struct app **out, const struct env *env)
{
    struct app *app = calloc(1, sizeof *app);
    if (app == NULL) {
        return ERR_NOMEM;
    }
    app->env = env;
    list_init(&app->tunnels);
    list_init(&app->doors);
    *out = app;
    return 0;
}

void app_free(struct app *app, struct now now)
{
    if (app == NULL) {
        return;
    }
    status_free(app->status);
    for (struct list *l; (l = list_pop_front(&app->doors)) != NULL;) {
        door_free(list_item(l, struct door, link));
    }
    for (struct list *l; (l = list_pop_front(&app->tunnels)) != NULL;) {
        struct tunnel_item *item = list_item(l, struct tunnel_item, link);
        tunnel_turn(item->tunnel, now); /* the RSTs of aborted flows leave */
        tunnel_free(item->tunnel);
        free(item);
    }
    free(app);
}

static void write_named(void *ctx, enum log_level level, const char *line)
{
    const struct tunnel_item *item = ctx;
    log_line(item->below, level, "%s: %s", item->name, line);
}

static void see_world(struct tunnel_item *item, const struct env *outside, const char *name,
                      struct tunnel *through)
{
    item->env = *outside;
    if (through != NULL) {
        item->env.ops = &carrier_ops;
        item->env.world = through;
    }
    if (name != NULL && outside->log != NULL) {
        snprintf(item->name, sizeof item->name, "%s", name);
        item->below = outside->log;
        item->log = (struct log){.level = outside->log->level, .write = write_named, .ctx = item};
        item->env.log = &item->log;
    }
}

int app_add_tunnel(struct app *app, const struct config *config, const char *name,
                   struct tunnel *through, struct tunnel **out, struct now now)
{
    struct tunnel_item *item = calloc(1, sizeof *item);
    if (item == NULL) {
        return ERR_NOMEM;
    }
    see_world(item, app->env, name, through);
    int err = tunnel_new(&item->tunnel, &item->env, config, now);
    if (err != 0) {
        free(item);
        return err;
    }
    /* before the first, so before what carries it */
    list_push_back(app->tunnels.next, &item->link);
    app->carries |= through != NULL;
    *out = item->tunnel;
    return 0;
}

int app_add_door(struct app *app, struct tunnel *tunnel, const struct config *c,
                 const struct config_door *d, struct place *bound, struct door **out)
{
    struct door *door;
    int err = door_new(&door, app->env, tunnel, c, d, bound);
    if (err == 0) {
        list_push_back(&app->doors, &door->link);
        if (out != NULL) {
            *out = door;
        }
    }
    return err;
}

int app_add_socks(struct app *app, struct tunnel *tunnel, const struct endpoint *at,
                  struct endpoint *bound)
{
    static const struct config nothing;
    struct config_door d = {.kind = CONFIG_PROXY,
                            .protocols = CONFIG_SOCKS5 | CONFIG_SOCKS4 | CONFIG_HTTP,
                            .bind = place_ip(at)};
    struct place stands;
    int err = app_add_door(app, tunnel, &nothing, &d, &stands, NULL);
    if (err == 0) {
        *bound = stands.at;
    }
    return err;
}

bool app_drain(struct app *app)
{
    bool running = false;
    list_foreach(l, &app->doors) {
        running |= door_drain(list_item(l, struct door, link));
    }
    return running || app_is_delivering(app);
}

bool app_is_delivering(const struct app *app)
{
    list_foreach(l, &app->tunnels) {
        if (stack_tcp_is_delivering(tunnel_stack(list_item(l, struct tunnel_item, link)->tunnel))) {
            return true;
        }
    }
    return false;
}

int app_add_status(struct app *app, struct status **out)
{
    int err = status_new(&app->status, app->env);
    if (err == 0) {
        *out = app->status;
    }
    return err;
}

void app_start(struct app *app, struct now now)
{
    list_foreach(l, &app->tunnels) {
        tunnel_start(list_item(l, struct tunnel_item, link)->tunnel, now);
    }
}

void app_machine_changed(struct app *app, struct now now)
{
    list_foreach(l, &app->tunnels) {
        tunnel_machine_changed(list_item(l, struct tunnel_item, link)->tunnel, now);
    }
}

static uint64_t run_tunnels(struct app *app, struct now now)
{
    uint64_t at = NEVER;
    list_foreach(l, &app->tunnels) {
        at = deadline_min(at, tunnel_turn(list_item(l, struct tunnel_item, link)->tunnel, now));
    }
    return at;
}

uint64_t app_turn(struct app *app, struct now now)
{
    list_foreach(l, &app->doors) {
        door_tick(list_item(l, struct door, link), now);
    }
    if (app->status != NULL && status_next_deadline(app->status) <= now.mono) {
        status_tick(app->status, now);
    }
    uint64_t at = run_tunnels(app, now);
    if (app->carries) {
        /* what a tunnel brought for one inside it, and what that one answered */
        at = run_tunnels(app, now);
    }
    list_foreach(l, &app->doors) {
        struct door *d = list_item(l, struct door, link);
        door_flush(d);
        at = deadline_min(at, door_next_deadline(d));
    }
    return app->status != NULL ? deadline_min(at, status_next_deadline(app->status)) : at;
}
