/* SPDX-License-Identifier: MIT */
/* The bench's far end: wgproxy in the role of a server, with its services inside the process, so that no contestant
 * waits for it. far CONFIG; ends with SIGTERM.
 *
 *   TCP  7 echo, 9 sink, 10 how many bytes the sink took so far (8 bytes in host order), 19 source, 80 a page of 512 bytes
 *   UDP  7 echo */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmd/world.h"
#include "stack/stack_tcp.h"
#include "stack/stack_udp.h"

#define PAGE 512

struct visitor;
typedef void step_fn(struct visitor *v);

struct service {
    uint16_t port;
    step_fn *step; /* does what can be done now */
};

struct visitor {
    struct stack_tcp *tcp;
    step_fn *step;
    unsigned matched; /* bytes of the empty line that ends a request */
    bool shut;
};

static void shut(struct visitor *v)
{
    if (!v->shut) {
        v->shut = true;
        stack_tcp_shutdown(v->tcp);
    }
}

static uint64_t sunk; /* bytes that the sink took */

static void step_sink(struct visitor *v)
{
    struct iovec iov[8];
    int k;
    while ((k = stack_tcp_peek(v->tcp, iov, 8)) > 0) {
        size_t n = 0;
        for (int i = 0; i < k; i++) {
            n += iov[i].iov_len;
        }
        sunk += n;
        stack_tcp_consume(v->tcp, n);
    }
}

static void step_account(struct visitor *v)
{
    if (!v->shut) {
        stack_tcp_write(v->tcp, &sunk, sizeof sunk);
        shut(v);
    }
}

static void step_source(struct visitor *v)
{
    size_t n;
    while (stack_tcp_reserve(v->tcp, &n) != NULL) {
        stack_tcp_commit(v->tcp, n); /* whatever stands there */
    }
}

static void step_echo(struct visitor *v)
{
    struct iovec iov;
    while (stack_tcp_peek(v->tcp, &iov, 1) == 1) {
        size_t n = stack_tcp_write(v->tcp, iov.iov_base, iov.iov_len);
        if (n == 0) {
            return;
        }
        stack_tcp_consume(v->tcp, n);
    }
}

static void answer(struct visitor *v)
{
    static char page[PAGE + 256];
    static int len;
    if (len == 0) {
        len = snprintf(page, sizeof page,
                       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n",
                       PAGE);
        memset(page + len, 'w', PAGE);
        len += PAGE;
    }
    stack_tcp_write(v->tcp, page, (size_t)len);
}

static void step_web(struct visitor *v)
{
    static const char empty_line[] = "\r\n\r\n";
    struct iovec iov;
    while (stack_tcp_peek(v->tcp, &iov, 1) == 1) {
        const char *p = iov.iov_base;
        for (size_t i = 0; i < iov.iov_len; i++) {
            v->matched = p[i] == empty_line[v->matched] ? v->matched + 1 : p[i] == '\r';
            if (v->matched == 4) {
                v->matched = 0;
                answer(v);
            }
        }
        stack_tcp_consume(v->tcp, iov.iov_len);
    }
}

static void on_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)now;
    struct visitor *v = ctx;
    if (!(events & STACK_TCP_FAILED)) {
        v->step(v);
        if (!stack_tcp_eof(t)) {
            return;
        }
        shut(v);
        if (stack_tcp_unsent(t) > 0) {
            return; /* SENT_FIN comes */
        }
    }
    stack_tcp_close(t);
    free(v);
}

static void on_accept(void *ctx, struct stack_tcp *t, struct now now)
{
    const struct service *s = ctx;
    struct visitor *v = calloc(1, sizeof *v);
    if (v == NULL) {
        stack_tcp_abort(t);
        return;
    }
    v->tcp = t;
    v->step = s->step;
    stack_tcp_set_handler(t, on_event, v);
    on_event(v, t, STACK_TCP_READABLE | STACK_TCP_WRITABLE, now);
}

static void on_datagram(void *ctx, struct stack_udp *u, const struct endpoint *from,
                        const uint8_t *data, size_t len, struct now now)
{
    (void)ctx;
    (void)now;
    if (stack_udp_send(u, from, data, len) != 0) {
        return; /* lost, as on any network */
    }
}

static int serve(struct stack *stack)
{
    static const struct service services[] = {
        {7, step_echo}, {9, step_sink}, {10, step_account}, {19, step_source}, {80, step_web}};
    static const struct stack_udp_handler echo = {.received = on_datagram};
    struct stack_tcp_listener *listener;
    struct stack_udp *udp;
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        int err =
            stack_tcp_listen(stack, services[i].port, on_accept, (void *)&services[i], &listener);
        if (err != 0) {
            return err;
        }
    }
    return stack_udp_open(stack, 7, &echo, NULL, &udp);
}

static void say(void *ctx, bool is_error, const char *message)
{
    (void)ctx;
    fprintf(stderr, "far: %s%s\n", is_error ? "error: " : "", message);
}

int main(int argc, char **argv)
{
    struct world world;
    struct config *config;
    struct tunnel *tunnel;
    if (argc != 2 || config_load(&config, argv[1], false, say, NULL) != 0 ||
        world_init(&world, LOG_WARN) != 0) {
        return 1;
    }
    int err = app_add_tunnel(world.app, config, NULL, NULL, &tunnel, io_now(world.loop));
    config_free(config);
    if (err == 0) {
        err = serve(tunnel_stack(tunnel));
    }
    if (err == 0) {
        puts("ready");
        fflush(stdout);
        world_run(&world);
    } else {
        fprintf(stderr, "far: %s\n", err_text(err));
    }
    world_fini(&world);
    return err != 0;
}
