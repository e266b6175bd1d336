/* SPDX-License-Identifier: MIT */
/* Gives standard input and output to a door, and looks on how they end: an orderly close, or an abort. */
#include "cmd/stdio_client.h"

#include "base/err.h"
#include "cmd/options.h"

static struct stdio_client *client_of(struct stream *s)
{
    return container_of(s->ops, struct stdio_client, ops);
}

static void close_orderly(struct stream *s)
{
    struct stdio_client *c = client_of(s);
    c->over = true;
    c->own->close(s);
}

static void close_broken(struct stream *s)
{
    struct stdio_client *c = client_of(s);
    c->over = c->broken = true;
    c->own->abort(s);
}

int stdio_client_open(struct stdio_client *s, struct world *world, struct tunnel *tunnel,
                      const struct config *c, const struct config_door *d)
{
    struct place nowhere;
    s->world = world;
    int err = app_add_door(world->app, tunnel, c, d, &nowhere, &s->door);
    if (err == 0) {
        err = io_stdio(world->loop, &s->stream);
    }
    if (err != 0) {
        log_error(&world->log, "cannot use standard input and output: %s", err_text(err));
        s->door = NULL;
        return err;
    }
    s->own = s->stream->ops;
    s->ops = *s->own;
    s->ops.close = close_orderly;
    s->ops.abort = close_broken;
    s->stream->ops = &s->ops;
    return 0;
}

void stdio_client_start(struct stdio_client *s, struct now now)
{
    if (s->door != NULL) {
        door_accept(s->door, s->stream, now);
    }
}

bool stdio_client_is_over(const struct stdio_client *s)
{
    return s->over;
}

int stdio_client_status(const struct stdio_client *s)
{
    return s->broken ? STATUS_FAILED : STATUS_OK;
}
