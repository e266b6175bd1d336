/* SPDX-License-Identifier: MIT */
/* struct env_ops over another tunnel: a datagram port is a UDP socket of its stack. */
#include "app/carrier.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dns/resolver.h"
#include "stack/stack_udp.h"

#define IDLE_BUFFERS 4

/* ---- datagrams ---- */

struct inner_port {
    struct dgram dgram;
    struct stack_udp *socket;
    /* the stack lends a datagram for the call only: it is copied once, to be opened in place */
    struct rxbuf_pool pool;
};

static void port_received(void *ctx, struct stack_udp *u, const struct endpoint *from,
                          const uint8_t *data, size_t len, struct now now)
{
    (void)u;
    struct inner_port *p = ctx;
    struct rxbuf *buf = len <= p->pool.size ? rxbuf_new(&p->pool) : NULL;
    if (buf == NULL) {
        return; /* lost, as on any network */
    }
    memcpy(buf->data, data, len);
    struct dgram_rx rx = {.buf = buf, .data = buf->data, .len = len, .from = *from};
    p->dgram.handler->received(p->dgram.ctx, &rx, 1, now);
    rxbuf_unref(buf);
}

static void port_failed(void *ctx, struct stack_udp *u, const struct endpoint *to, int err,
                        struct now now)
{
    (void)u;
    struct inner_port *p = ctx;
    p->dgram.handler->undelivered(p->dgram.ctx, to, err, now);
}

static const struct stack_udp_handler port_handler = {.received = port_received,
                                                      .failed = port_failed};

static void port_send(struct dgram *d, const struct outbox *ob)
{
    struct inner_port *p = container_of(d, struct inner_port, dgram);
    for (unsigned i = 0; i < ob->n; i++) {
        const struct outbox_msg *m = &ob->msgs[i];
        if (stack_udp_send(p->socket, &m->to, outbox_data(ob, m), m->len) == ERR_NOMEM) {
            return; /* the rest would fare no better */
        }
    }
}

static uint16_t port_number(const struct dgram *d)
{
    return stack_udp_port(container_of(d, struct inner_port, dgram)->socket);
}

static void port_close(struct dgram *d)
{
    struct inner_port *p = container_of(d, struct inner_port, dgram);
    stack_udp_close(p->socket);
    rxbuf_pool_fini(&p->pool);
    free(p);
}

/* The stack cuts what is too large as it is. */
static void port_allow_fragments(struct dgram *d)
{
    (void)d;
}

static const struct dgram_ops port_ops = {
    .send = port_send,
    .local_port = port_number,
    .allow_fragments = port_allow_fragments,
    .close = port_close,
};

static int udp_open(void *world, uint16_t port, const struct dgram_handler *handler, void *ctx,
                    struct dgram **out)
{
    struct tunnel *through = world;
    struct inner_port *p = malloc(sizeof *p);
    if (p == NULL) {
        return ERR_NOMEM;
    }
    p->dgram = (struct dgram){.ops = &port_ops, .handler = handler, .ctx = ctx};
    rxbuf_pool_init(&p->pool, tunnel_mtu(through), IDLE_BUFFERS);
    int err = stack_udp_open(tunnel_stack(through), port, &port_handler, p, &p->socket);
    if (err != 0) {
        free(p);
        return err;
    }
    *out = &p->dgram;
    return 0;
}

static unsigned path_mtu(void *world, const struct endpoint *to)
{
    (void)to;
    return tunnel_mtu(world);
}

/* ---- names ---- */

struct inner_lookup {
    struct resolver_query *query;
    local_resolved_fn *done;
    void *ctx;
    uint16_t port;
};

static void resolved(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct inner_lookup *l = ctx;
    struct endpoint found[DNS_ADDRESSES_MAX];
    for (size_t i = 0; i < n; i++) {
        found[i] = (struct endpoint){.addr = addrs[i], .port = l->port};
    }
    l->done(l->ctx, err, found, n, now);
    free(l);
}

static int resolve(void *world, const char *host, uint16_t port, local_resolved_fn *done, void *ctx,
                   struct local_lookup **out, struct now now)
{
    struct resolver *resolver = tunnel_resolver(world);
    if (resolver == NULL) {
        return ERR_NO_DNS;
    }
    struct inner_lookup *l = malloc(sizeof *l);
    if (l == NULL) {
        return ERR_NOMEM;
    }
    *l = (struct inner_lookup){.done = done, .ctx = ctx, .port = port};
    int err = resolver_lookup(resolver, host, resolved, l, &l->query, now);
    if (err != 0) {
        free(l);
        return err;
    }
    *out = (struct local_lookup *)l;
    return 0;
}

static void resolve_cancel(struct local_lookup *el)
{
    struct inner_lookup *l = (struct inner_lookup *)el;
    resolver_cancel(l->query);
    free(l);
}

/* Doors stand in the world outside and are opened there: this one has no listeners. */
const struct env_ops carrier_ops = {
    .udp_open = udp_open,
    .path_mtu = path_mtu,
    .local = {.resolve = resolve, .resolve_cancel = resolve_cancel},
};
