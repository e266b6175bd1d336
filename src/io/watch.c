/* SPDX-License-Identifier: MIT */
/* A descriptor of somebody else's, watched for him. */
#include <stdlib.h>

#include "base/err.h"
#include "io/loop.h"
#include "io/oserr.h"

struct io_watch {
    struct io_loop *loop;
    uv_poll_t poll;
    io_watch_fn *readable;
    void *ctx;
};

/* An error is read like anything else: netlink says so that some news was lost. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct io_watch *w = poll->data;
    w->readable(w->ctx, loop_enter(w->loop));
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll)) {
        uv_poll_start(poll, UV_READABLE, on_poll); /* libuv stopped at the error */
    }
}

int io_watch_new(struct io_loop *loop, int fd, io_watch_fn *readable, void *ctx,
                 struct io_watch **out)
{
    struct io_watch *w = malloc(sizeof *w);
    if (w == NULL) {
        return ERR_NOMEM;
    }
    *w = (struct io_watch){.loop = loop, .readable = readable, .ctx = ctx};
    int rc = uv_poll_init(&loop->uv, &w->poll, fd);
    if (rc != 0) {
        free(w);
        return oserr(rc);
    }
    w->poll.data = w;
    uv_poll_start(&w->poll, UV_READABLE, on_poll);
    *out = w;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void io_watch_free(struct io_watch *w)
{
    if (w != NULL) {
        uv_close((uv_handle_t *)&w->poll, on_closed);
    }
}
