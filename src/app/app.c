/* SPDX-License-Identifier: MIT */
/* Keeps the tunnels and doors, and runs them in turn. */
#include "app/app.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/list.h"
#include "proxy/proxy.h"

struct app {
    const struct env *env;
    struct list tunnels; /* struct tunnel_item */
    struct list doors;   /* struct door */
};

struct tunnel_item {
    struct list link;
    struct tunnel *tunnel;
};

struct door {
    struct list link;
    const struct env *env;
    struct env_listener *listener;
    struct proxy *proxy;
};

int app_new(struct app **out, const struct env *env)
{
    struct app *app = malloc(sizeof *app);
    if (app == NULL) {
        return ERR_NOMEM;
    }
    app->env = env;
    list_init(&app->tunnels);
    list_init(&app->doors);
    *out = app;
    return 0;
}

static void door_free(struct door *d)
{
    if (d->listener != NULL) {
        d->env->ops->listener_close(d->listener);
    }
    proxy_free(d->proxy);
    free(d);
}

void app_free(struct app *app, struct now now)
{
    if (app == NULL) {
        return;
    }
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

int app_add_tunnel(struct app *app, const struct config *config, struct tunnel **out, struct now now)
{
    struct tunnel_item *item = malloc(sizeof *item);
    if (item == NULL) {
        return ERR_NOMEM;
    }
    int err = tunnel_new(&item->tunnel, app->env, config, now);
    if (err != 0) {
        free(item);
        return err;
    }
    list_push_back(&app->tunnels, &item->link);
    *out = item->tunnel;
    return 0;
}

static void accepted(void *ctx, struct stream *client, struct now now)
{
    struct door *d = ctx;
    proxy_accept(d->proxy, client, now);
}

int app_add_socks(struct app *app, struct tunnel *tunnel, const struct endpoint *at, struct endpoint *bound)
{
    struct door *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return ERR_NOMEM;
    }
    d->env = app->env;
    struct proxy_config pc = {.dialer = tunnel_dialer(tunnel), .log = app->env->log};
    int err = proxy_new(&d->proxy, &pc);
    if (err == 0) {
        err = app->env->ops->listen(app->env->world, at, accepted, d, bound, &d->listener);
    }
    if (err != 0) {
        char text[ENDPOINT_TEXT];
        log_error(app->env->log, "cannot listen on %s: %s", endpoint_format(at, text), err_text(err));
        door_free(d);
        return err;
    }
    list_push_back(&app->doors, &d->link);
    return 0;
}

void app_start(struct app *app, struct now now)
{
    list_foreach(l, &app->tunnels) {
        tunnel_start(list_item(l, struct tunnel_item, link)->tunnel, now);
    }
}

uint64_t app_turn(struct app *app, struct now now)
{
    uint64_t at = NEVER;
    list_foreach(l, &app->doors) {
        struct proxy *p = list_item(l, struct door, link)->proxy;
        if (proxy_next_deadline(p) <= now.mono) {
            proxy_tick(p, now);
        }
    }
    list_foreach(l, &app->tunnels) {
        at = deadline_min(at, tunnel_turn(list_item(l, struct tunnel_item, link)->tunnel, now));
    }
    list_foreach(l, &app->doors) {
        at = deadline_min(at, proxy_next_deadline(list_item(l, struct door, link)->proxy));
    }
    return at;
}
