/* SPDX-License-Identifier: MIT */
/* Datagram ports and names of the simulated world, and the link between the hosts. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim.h"
#include "sim_client.h"
#include "unit/test.h"

struct sim_port {
    struct dgram dgram;
    struct list link;
    struct sim_host *host;
    uint16_t number;
};

/* A datagram under way. */
struct flight {
    struct sim_host *to;
    struct endpoint from;
    uint16_t port;
    uint8_t tos;
    size_t len;
    uint8_t data[];
};

static void arrive(struct sim *s, void *arg)
{
    struct flight *f = arg;
    list_foreach(l, &f->to->ports) {
        struct sim_port *p = list_item(l, struct sim_port, link);
        if (p->number == f->port) {
            struct rxbuf *buf = rxbuf_new(&s->pool);
            memcpy(buf->data, f->data, f->len);
            struct dgram_rx rx = {.buf = buf, .data = buf->data, .len = f->len, .from = f->from, .tos = f->tos};
            p->dgram.handler->received(p->dgram.ctx, &rx, 1, s->now);
            rxbuf_unref(buf);
            break;
        }
    }
    free(f);
}

static struct flight *take_off(struct sim_host *to, uint16_t port, const struct endpoint *from, const void *data,
                               size_t len)
{
    struct flight *f = malloc(sizeof *f + len);
    *f = (struct flight){.to = to, .from = *from, .port = port, .len = len};
    memcpy(f->data, data, len);
    return f;
}

static struct sim_host *host_at(struct sim *s, const struct addr *a)
{
    for (unsigned i = 0; i < SIM_HOSTS; i++) {
        if (addr_equal(&s->hosts[i].address, a)) {
            return &s->hosts[i];
        }
    }
    return NULL;
}

static void cross(struct sim_port *p, const struct outbox *ob, const struct outbox_msg *m)
{
    struct sim_host *h = p->host;
    struct sim *s = h->sim;
    struct sim_host *to = host_at(s, &m->to.addr);
    bool lost = to == NULL || h->out.down || sim_chance(s) < h->out.loss;
    sim_record(s, h->number, outbox_data(ob, m), m->len, lost);
    if (lost) {
        return;
    }
    struct endpoint from = {.addr = h->address, .port = p->number};
    unsigned copies = 1 + (sim_chance(s) < h->out.duplicate);
    for (unsigned i = 0; i < copies; i++) {
        struct flight *f = take_off(to, m->to.port, &from, outbox_data(ob, m), m->len);
        f->tos = m->tos;
        uint64_t jitter = h->out.jitter > 0 ? h->out.jitter / 1000 * sim_chance(s) : 0;
        sim_schedule(s, s->now.mono + h->out.delay + jitter, arrive, f, to);
    }
}

void sim_inject(struct sim *s, unsigned host, const struct endpoint *from, const void *data, size_t len)
{
    struct sim_host *h = &s->hosts[host];
    struct sim_port *p = list_item(h->ports.next, struct sim_port, link);
    sim_schedule(s, s->now.mono, arrive, take_off(h, p->number, from, data, len), h);
}

/* ---- the world's side of the interfaces ---- */

static void port_send(struct dgram *d, const struct outbox *ob)
{
    for (unsigned i = 0; i < ob->n; i++) {
        cross(container_of(d, struct sim_port, dgram), ob, &ob->msgs[i]);
    }
}

static uint16_t port_number(const struct dgram *d)
{
    return container_of(d, struct sim_port, dgram)->number;
}

static void port_close(struct dgram *d)
{
    struct sim_port *p = container_of(d, struct sim_port, dgram);
    list_remove(&p->link);
    free(p);
}

static const struct dgram_ops port_ops = {.send = port_send, .local_port = port_number, .close = port_close};

static int udp_open(void *world, uint16_t port, const struct dgram_handler *handler, void *ctx, struct dgram **out)
{
    struct sim_host *h = world;
    struct sim_port *p = calloc(1, sizeof *p);
    p->dgram = (struct dgram){.ops = &port_ops, .handler = handler, .ctx = ctx};
    p->host = h;
    p->number = port != 0 ? port : (uint16_t)(40000 + h->number);
    list_push_back(&h->ports, &p->link);
    *out = &p->dgram;
    return 0;
}

/* ---- names outside ---- */

struct question {
    struct sim_host *host;
    char name[64];
    uint16_t port;
    env_resolved_fn *done;
    void *ctx;
};

/* The answer to a question is an event 5 ms later. */
static void answer(struct sim *s, void *arg)
{
    struct question *q = arg;
    struct endpoint found[SIM_NAME_ADDRESSES] = {{{0}, 0, 0}};
    size_t n = 0;
    if (s->name.name != NULL) {
        assert_string_equal(q->name, s->name.name); /* any other name has leaked out of the tunnel */
        for (; n < s->name.n; n++) {
            found[n] = (struct endpoint){.addr = s->name.found[n], .port = q->port};
        }
    }
    q->done(q->ctx, n > 0 ? 0 : ERR_DNS_FAILED, found, n, s->now);
    free(q);
}

static int resolve(void *world, const char *host, uint16_t port, env_resolved_fn *done, void *ctx, struct env_lookup **out,
                   struct now now)
{
    (void)now;
    struct sim_host *h = world;
    struct question *q = malloc(sizeof *q);
    *q = (struct question){.host = h, .port = port, .done = done, .ctx = ctx};
    assert_true(strlen(host) < sizeof q->name);
    strcpy(q->name, host);
    h->sim->name.asked++;
    sim_schedule(h->sim, h->sim->now.mono + 5 * NS_PER_MS, answer, q, q);
    *out = (struct env_lookup *)q;
    return 0;
}

static void resolve_cancel(struct env_lookup *l)
{
    struct question *q = (struct question *)l;
    sim_unschedule(q->host->sim, q);
}

static unsigned path_mtu(void *world, const struct endpoint *to)
{
    (void)to;
    return ((struct sim_host *)world)->path_mtu;
}

const struct env_ops sim_env_ops = {
    .udp_open = udp_open,
    .path_mtu = path_mtu,
    .listen = sim_listen,
    .listener_close = sim_listener_close,
    .resolve = resolve,
    .resolve_cancel = resolve_cancel,
};
