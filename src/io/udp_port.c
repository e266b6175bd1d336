/* SPDX-License-Identifier: MIT */
/* The UDP port of a tunnel: opens, watches and closes its two sockets. */
#include "io/udp_port.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "io/oserr.h"
#include "io/sockaddr.h"

/* Many milliseconds of a fast link, for the moments in which this thread is busy with something else. */
#define BUFFER_BYTES (7 << 20)
/* How often a free port is sought that the other family has free too. */
#define PORT_TRIES 100

/* ---- sockets ---- */

/* The sysctls net.core.{r,w}mem_max bound what an ordinary user gets; an administrator may go beyond. */
static void ask_buffer(int fd, int force, int plain)
{
    int bytes = BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof bytes) != 0) {
        setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
    }
}

static void set_flag(int fd, int level, int option)
{
    int on = 1;
    setsockopt(fd, level, option, &on, sizeof on);
}

/* All of these are wishes: a system that lacks one still moves datagrams. V6ONLY is seen to by bind(), which fails with
 * EADDRINUSE without it. */
static void set_options(int fd, int family)
{
    ask_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    ask_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    if (family == AF_INET) {
        set_flag(fd, IPPROTO_IP, IP_RECVTOS);
        set_flag(fd, IPPROTO_IP, IP_RECVERR);
    } else {
        set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
        set_flag(fd, IPPROTO_IPV6, IPV6_RECVTCLASS);
        set_flag(fd, IPPROTO_IPV6, IPV6_RECVERR);
    }
}

static int open_socket(enum family family, uint16_t port, int *out)
{
    struct endpoint any = {.addr.family = (uint8_t)family, .port = port};
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, &any);
    int fd = socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return oserr(errno);
    }
    set_options(fd, sa.sa.sa_family);
    if (bind(fd, &sa.sa, len) != 0) {
        int err = oserr(errno);
        close(fd);
        return err;
    }
    *out = fd;
    return 0;
}

/* An error that says no more than that the machine has not got this family. */
static bool is_absent(int err)
{
    return err == ERR_NO_ADDRESS || err == ERR_IO || err == ERR_INVALID;
}

/* Both families on one port; `fds` is -1 where one is absent. */
static int open_sockets(uint16_t port, int fds[UDP_FAMILIES])
{
    fds[UDP_V4] = fds[UDP_V6] = -1;
    int err = open_socket(FAMILY_V4, port, &fds[UDP_V4]);
    if (err != 0 && !is_absent(err)) {
        return err;
    }
    if (err == 0) {
        port = sockaddr_local(fds[UDP_V4]).port;
    }
    err = open_socket(FAMILY_V6, port, &fds[UDP_V6]);
    if (err != 0 && is_absent(err)) {
        err = fds[UDP_V4] >= 0 ? 0 : ERR_IO;
    }
    if (err != 0 && fds[UDP_V4] >= 0) {
        close(fds[UDP_V4]);
    }
    return err;
}

static int open_sockets_anywhere(uint16_t port, int fds[UDP_FAMILIES])
{
    int err = ERR_IN_USE;
    int tries = port == 0 ? PORT_TRIES : 1;
    for (int i = 0; i < tries && err == ERR_IN_USE; i++) {
        err = open_sockets(port, fds);
    }
    return err;
}

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

static const struct dgram_ops ops = {.send = udp_port_send, .local_port = local_port, .close = close_port};

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

static struct udp_port *port_new(struct io_loop *loop, const struct dgram_handler *handler, void *ctx)
{
    struct udp_port *p = calloc(1, sizeof *p);
    if (p != NULL) {
        p->dgram = (struct dgram){.ops = &ops, .handler = handler, .ctx = ctx};
        p->loop = loop;
        p->sockets[UDP_V4].fd = p->sockets[UDP_V6].fd = -1;
        p->report.run = report_failure;
        list_init(&p->report.link);
    }
    return p;
}

int io_udp_open(struct io_loop *loop, uint16_t port, const struct dgram_handler *handler, void *ctx,
                struct dgram **out)
{
    if (loop->receiver == NULL) {
        int err = udp_receiver_new(&loop->receiver);
        if (err != 0) {
            return err;
        }
    }
    struct udp_port *p = port_new(loop, handler, ctx);
    if (p == NULL) {
        return ERR_NOMEM;
    }
    int fds[UDP_FAMILIES];
    int err = open_sockets_anywhere(port, fds);
    if (err != 0) {
        free(p);
        return err;
    }
    err = watch_sockets(p, fds);
    if (err != 0) {
        if (p->handles > 0) {
            close_port(&p->dgram); /* frees */
        } else {
            free(p);
        }
        return err;
    }
    *out = &p->dgram;
    return 0;
}

struct io_udp_counters io_udp_counters(const struct dgram *d)
{
    const struct udp_port *p = container_of(d, struct udp_port, dgram);
    return p->counters;
}
