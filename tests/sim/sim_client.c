/* SPDX-License-Identifier: MIT */
/* Both ends of a local connection: the scripted client's, and the struct stream that the application holds. Readiness is
 * told by an event at the present moment, so that nothing calls back into its caller. */
#include "sim_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "unit/test.h"

struct pipe {
    uint8_t *data;
    size_t start, len, size; /* what was taken leaves a gap before `start` */
    bool fin;
};

struct sim_client {
    struct stream stream; /* the application's end */
    struct list link;     /* on the host's streams while the application holds it */
    struct sim_host *host;
    struct pipe up, down; /* client to application, application to client */
    size_t window;        /* most that `down` holds */
    unsigned want;
    bool scheduled;
    bool held;  /* the application has its end */
    bool reset; /* by the client */
    bool was_reset;
    bool told_broken;
};

struct sim_listener {
    struct list link;
    uint16_t port;
    env_accept_fn *accepted;
    void *ctx;
};

/* Half the room is slack, so that moving is rare. */
static void pipe_make_room(struct pipe *p, size_t len)
{
    if (p->len + len > p->size / 2) {
        p->size = (p->len + len) * 4;
        p->data = realloc(p->data, p->size);
    }
    memmove(p->data, p->data + p->start, p->len);
    p->start = 0;
}

static void pipe_put(struct pipe *p, const void *data, size_t len)
{
    if (p->start + p->len + len > p->size) {
        pipe_make_room(p, len);
    }
    memcpy(p->data + p->start + p->len, data, len);
    p->len += len;
}

static void pipe_drop(struct pipe *p, size_t n)
{
    assert_true(n <= p->len);
    p->start += n;
    p->len -= n;
}

/* ---- readiness ---- */

static unsigned possible(const struct sim_client *c)
{
    unsigned events = 0;
    if (c->reset || c->up.len > 0 || c->up.fin) {
        events |= STREAM_READABLE;
    }
    if (c->reset || c->down.len < c->window) {
        events |= STREAM_WRITABLE;
    }
    return c->reset && c->want == 0 && !c->told_broken ? STREAM_BROKEN : events & c->want;
}

static void tell(struct sim *s, void *arg);

static void consider(struct sim_client *c)
{
    if (c->held && !c->scheduled && !c->host->asleep && possible(c) != 0) {
        c->scheduled = true;
        struct sim_client **box = malloc(sizeof *box);
        *box = c;
        sim_schedule(c->host->sim, c->host->sim->now.mono, tell, box, c);
    }
}

static void tell(struct sim *s, void *arg)
{
    struct sim_client **box = arg;
    struct sim_client *c = *box;
    free(box);
    c->scheduled = false;
    (void)s;
    unsigned events = possible(c);
    if (c->held && !c->host->asleep && events != 0) {
        c->told_broken |= (events & STREAM_BROKEN) != 0;
        c->stream.handler->ready(c->stream.ctx, events, sim_now(c->host));
        consider(c); /* level-triggered */
    }
}

void sim_clients_wake(struct sim_host *h)
{
    list_foreach(l, &h->streams) {
        consider(list_item(l, struct sim_client, link));
    }
}

/* ---- the application's end ---- */

static struct sim_client *client_of(struct stream *st)
{
    return container_of(st, struct sim_client, stream);
}

static ssize_t end_read(struct stream *st, void *buf, size_t len)
{
    struct sim_client *c = client_of(st);
    if (c->reset) {
        return ERR_RESET;
    }
    if (c->up.len == 0) {
        return c->up.fin ? 0 : ERR_AGAIN;
    }
    size_t n = len < c->up.len ? len : c->up.len;
    memcpy(buf, c->up.data + c->up.start, n);
    pipe_drop(&c->up, n);
    return (ssize_t)n;
}

static ssize_t end_writev(struct stream *st, const struct iovec *iov, int n)
{
    struct sim_client *c = client_of(st);
    assert_false(c->down.fin);
    size_t put = 0;
    for (int i = 0; i < n && !c->reset && c->down.len < c->window; i++) {
        size_t room = c->window - c->down.len;
        size_t part = iov[i].iov_len < room ? iov[i].iov_len : room;
        pipe_put(&c->down, iov[i].iov_base, part);
        put += part;
    }
    return c->reset ? ERR_RESET : put > 0 ? (ssize_t)put : ERR_AGAIN;
}

static void end_want(struct stream *st, unsigned events)
{
    struct sim_client *c = client_of(st);
    c->want = events;
    consider(c);
}

static void end_shutdown(struct stream *st)
{
    client_of(st)->down.fin = true;
}

static void end_gone(struct sim_client *c)
{
    assert_true(c->held);
    c->held = false;
    list_remove(&c->link);
}

static void end_close(struct stream *st)
{
    struct sim_client *c = client_of(st);
    end_gone(c);
    c->was_reset |= c->up.len > 0; /* as a kernel does: unread bytes at close are a reset */
    c->down.fin = true;
}

static void end_abort(struct stream *st)
{
    end_gone(client_of(st));
    client_of(st)->was_reset = true;
}

static const struct stream_ops end_ops = {
    .read = end_read,
    .writev = end_writev,
    .want = end_want,
    .shutdown = end_shutdown,
    .close = end_close,
    .abort = end_abort,
};

/* ---- listeners ---- */

int sim_listen(void *world, const struct place *at, env_accept_fn *accepted, void *ctx,
               struct place *bound, struct env_listener **out)
{
    struct sim_host *h = world;
    struct sim_listener *l = malloc(sizeof *l);
    *l = (struct sim_listener){.port = at->at.port, .accepted = accepted, .ctx = ctx};
    list_push_back(&h->listeners, &l->link);
    *bound = *at;
    *out = (struct env_listener *)l;
    return 0;
}

void sim_listener_close(struct env_listener *el)
{
    struct sim_listener *l = (struct sim_listener *)el;
    list_remove(&l->link);
    free(l);
}

/* ---- the client's end ---- */

static struct sim_listener *listener_at(struct sim_host *h, uint16_t port)
{
    list_foreach(l, &h->listeners) {
        struct sim_listener *listener = list_item(l, struct sim_listener, link);
        if (listener->port == port) {
            return listener;
        }
    }
    fail_msg("%s has no door on port %u", h->name, port);
    return NULL;
}

struct sim_client *sim_connect_port(struct sim *s, unsigned host, uint16_t port)
{
    struct sim_host *h = &s->hosts[host];
    struct sim_listener *l = listener_at(h, port);
    struct sim_client *c = calloc(1, sizeof *c);
    assert_false(h->asleep);
    c->stream.ops = &end_ops;
    c->host = h;
    c->window = SIZE_MAX;
    c->held = true;
    list_push_back(&h->streams, &c->link);
    l->accepted(l->ctx, &c->stream, sim_now(h));
    return c;
}

struct sim_client *sim_connect(struct sim *s, unsigned host)
{
    return sim_connect_port(s, host, SIM_SOCKS_PORT);
}

void sim_client_free(struct sim_client *c)
{
    if (c->held) {
        sim_client_reset(c);
        struct sim *s = c->host->sim;
        sim_run_to(s, sim_time(s) + NS_PER_MS); /* the application hears of it */
        assert_false(c->held);
    }
    sim_unschedule(c->host->sim, c);
    free(c->up.data);
    free(c->down.data);
    free(c);
}

void sim_client_send(struct sim_client *c, const void *data, size_t len)
{
    pipe_put(&c->up, data, len);
    consider(c);
}

void sim_client_shutdown(struct sim_client *c)
{
    c->up.fin = true;
    consider(c);
}

void sim_client_reset(struct sim_client *c)
{
    c->reset = true;
    consider(c);
}

size_t sim_client_received(const struct sim_client *c)
{
    return c->down.len;
}

const uint8_t *sim_client_data(const struct sim_client *c)
{
    return c->down.data + c->down.start;
}

void sim_client_take(struct sim_client *c, size_t n)
{
    pipe_drop(&c->down, n);
    consider(c);
}

void sim_client_set_window(struct sim_client *c, size_t window)
{
    c->window = window;
    consider(c);
}

bool sim_client_eof(const struct sim_client *c)
{
    return c->down.fin;
}

bool sim_client_was_reset(const struct sim_client *c)
{
    return c->was_reset;
}

size_t sim_client_unsent(const struct sim_client *c)
{
    return c->up.len;
}
