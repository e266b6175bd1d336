/* SPDX-License-Identifier: MIT */
/* The UDP port of a tunnel: watches and closes its two sockets. */
#include "io/udp_port.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"

/* ---- watching ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct udp_socket *s = poll->data;
    struct udp_port *p = s->port;
    struct now now = loop_enter(p->loop);
    if (status < 0) {
        udp_port_receive_errors(p, s->fd, now);
    }
    if (!p->closed) {
        udp_port_receive(p->loop->receiver, p, s->fd, now);
    }
    if (status < 0 && !p->closed) {
        uv_poll_start(poll, UV_READABLE, on_poll); /* libuv stopped at the error */
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct udp_socket *s = handle->data;
    if (--s->port->handles == 0) {
        free(s->port);
    }
}

static void close_port(struct dgram *d)
{
    struct udp_port *p = container_of(d, struct udp_port, dgram);
    assert(!p->closed);
    p->closed = true;
    loop_soon_cancel(&p->report);
    for (int i = 0; i < UDP_FAMILIES; i++) {
        struct udp_socket *s = &p->sockets[i];
        if (s->fd >= 0) {
            uv_close((uv_handle_t *)&s->poll, on_closed);
            descriptors_close(&p->loop->descriptors, s->fd);
        }
    }
}

static void report_failure(struct soon *soon, struct now now)
{
    struct udp_port *p = container_of(soon, struct udp_port, report);
    p->dgram.handler->undelivered(p->dgram.ctx, &p->failed_to, p->failed_err, now);
}

/* ---- life ---- */

static uint16_t local_port(const struct dgram *d)
{
    const struct udp_port *p = container_of(d, struct udp_port, dgram);
    return p->number;
}

static void allow_fragments(struct dgram *d)
{
    udp_sockets_allow_fragments(container_of(d, struct udp_port, dgram));
}

static void no_offload(struct dgram *d)
{
    struct udp_port *p = container_of(d, struct udp_port, dgram);
    p->plain = true;
    p->counters.gso = p->counters.gro = false;
    for (int i = 0; i < UDP_FAMILIES; i++) {
        int off = 0;
        if (p->sockets[i].fd >= 0) {
            setsockopt(p->sockets[i].fd, IPPROTO_UDP, UDP_GRO, &off, sizeof off);
        }
    }
}

static struct dgram_counters counters(const struct dgram *d)
{
    const struct udp_port *p = container_of(d, struct udp_port, dgram);
    struct dgram_counters c = p->counters;
    c.gso = c.gso && !p->alone;
    c.receive_dropped += udp_sockets_dropped(p);
    return c;
}

static const struct dgram_ops ops = {
    .send = udp_port_send,
    .local_port = local_port,
    .allow_fragments = allow_fragments,
    .no_offload = no_offload,
    .counters = counters,
    .close = close_port,
};

/* Takes ownership of `fd` once it is watched. */
static int watch_socket(struct udp_port *p, struct udp_socket *s, int fd)
{
    s->port = p;
    int rc = uv_poll_init(&p->loop->uv, &s->poll, fd);
    if (rc != 0) {
        return oserr(rc);
    }
    s->poll.data = s;
    s->fd = fd;
    p->handles++;
    p->number = sockaddr_local(fd).port;
    descriptors_opened(&p->loop->descriptors, fd);
    uv_poll_start(&s->poll, UV_READABLE, on_poll);
    return 0;
}

static int watch_sockets(struct udp_port *p, const int fds[UDP_FAMILIES])
{
    int err = 0;
    for (int i = 0; i < UDP_FAMILIES; i++) {
        if (fds[i] >= 0 && err == 0) {
            err = watch_socket(p, &p->sockets[i], fds[i]);
        }
        if (fds[i] >= 0 && err != 0) {
            close(fds[i]);
        }
    }
    return err;
}

static struct udp_port *port_new(struct io_loop *loop, const struct dgram_handler *handler,
                                 void *ctx)
{
    struct udp_port *p = calloc(1, sizeof *p);
    if (p != NULL) {
        p->dgram = (struct dgram){.ops = &ops, .handler = handler, .ctx = ctx};
        p->loop = loop;
        p->sockets[UDP_V4].fd = p->sockets[UDP_V6].fd = -1;
        p->report.run = report_failure;
        p->run_most = UINT16_MAX;
        list_init(&p->report.link);
    }
    return p;
}

/* Takes the sockets over, also on failure. */
static int port_open(struct io_loop *loop, const int fds[UDP_FAMILIES],
                     const struct dgram_handler *handler, void *ctx, struct udp_port **out)
{
    struct udp_port *p = port_new(loop, handler, ctx);
    if (p == NULL) {
        for (int i = 0; i < UDP_FAMILIES; i++) {
            if (fds[i] >= 0) {
                close(fds[i]);
            }
        }
        return ERR_NOMEM;
    }
    int err = watch_sockets(p, fds);
    if (err == 0) {
        *out = p;
    } else if (p->handles > 0) {
        close_port(&p->dgram); /* frees */
    } else {
        free(p);
    }
    return err;
}

/* Programs of this network are few datagrams' distance away and may be many: what they send is
 * not gathered. */
static void begin_offload(struct udp_port *p)
{
    for (int i = 0; i < UDP_FAMILIES; i++) {
        int fd = p->sockets[i].fd;
        if (fd >= 0) {
            p->counters.gso = udp_offload_gso(&p->loop->offload, fd, p->loop->log);
            p->counters.gro = p->tunnel && udp_offload_gro(&p->loop->offload, fd, p->loop->log);
        }
    }
}

static int need_receiver(struct io_loop *loop)
{
    return loop->receiver != NULL ? 0 : udp_receiver_new(&loop->receiver);
}

int io_udp_open(struct io_loop *loop, uint16_t port, const struct dgram_handler *handler, void *ctx,
                struct dgram **out)
{
    int fds[UDP_FAMILIES];
    struct udp_port *p;
    int err = need_receiver(loop);
    if (err == 0) {
        err = udp_sockets_open(port, fds);
    }
    if (err == 0) {
        err = port_open(loop, fds, handler, ctx, &p);
    }
    if (err == 0) {
        p->tunnel = true;
        begin_offload(p);
        udp_sockets_tell_buffers(p);
        *out = &p->dgram;
    }
    return err;
}

int io_udp_bind(struct io_loop *loop, const struct endpoint *at,
                const struct dgram_handler *handler, void *ctx, struct endpoint *bound,
                struct dgram **out)
{
    int fds[UDP_FAMILIES];
    struct udp_port *p;
    int err = descriptors_scarce(&loop->descriptors) ? ERR_LIMIT : need_receiver(loop);
    if (err == 0) {
        err = udp_sockets_bind(at, fds);
    }
    if (err == 0) {
        *bound = sockaddr_local(fds[at->addr.family == FAMILY_V6 ? UDP_V6 : UDP_V4]);
        err = port_open(loop, fds, handler, ctx, &p);
    }
    if (err == 0) {
        begin_offload(p);
        *out = &p->dgram;
    }
    return err;
}
