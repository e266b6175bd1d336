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
    struct endpoint from, to;
    uint8_t tos;
    bool genuine;
    size_t len;
    uint8_t data[];
};

static struct sim_host *host_at(struct sim *s, const struct addr *a)
{
    for (unsigned i = 0; i < SIM_HOSTS; i++) {
        if (addr_equal(&s->hosts[i].address, a)) {
            return &s->hosts[i];
        }
    }
    return NULL;
}

/* The port behind a number as the world outside sees it. */
static struct sim_port *port_at(struct sim_host *h, uint16_t number)
{
    if (h->outside_port != 0) {
        bool is_open = number == h->outside_port && !list_empty(&h->ports);
        return is_open ? list_item(h->ports.next, struct sim_port, link) : NULL;
    }
    list_foreach(l, &h->ports) {
        struct sim_port *p = list_item(l, struct sim_port, link);
        if (p->number == number) {
            return p;
        }
    }
    return NULL;
}

static void hand_over(struct sim *s, struct sim_port *p, const struct flight *f)
{
    if (s->watcher.arrives != NULL) {
        s->watcher.arrives(s->watcher.ctx, p->host, &f->from, f->data, f->len, f->genuine);
    }
    struct rxbuf *buf = rxbuf_new(&s->pool);
    memcpy(buf->data, f->data, f->len);
    struct dgram_rx rx = {
        .buf = buf, .data = buf->data, .len = f->len, .from = f->from, .tos = f->tos};
    p->dgram.handler->received(p->dgram.ctx, &rx, 1, sim_now(p->host));
    rxbuf_unref(buf);
}

static void arrive(struct sim *s, void *arg)
{
    struct flight *f = arg;
    struct sim_host *h = host_at(s, &f->to.addr);
    struct sim_port *p = h != NULL && !h->asleep ? port_at(h, f->to.port) : NULL;
    if (p != NULL) {
        hand_over(s, p, f);
    }
    free(f);
}

static struct flight *take_off(const struct endpoint *from, const struct endpoint *to,
                               const void *data, size_t len)
{
    struct flight *f = malloc(sizeof *f + len);
    *f = (struct flight){.from = *from, .to = *to, .len = len};
    memcpy(f->data, data, len);
    return f;
}

void sim_flip_bit(struct sim *s, uint8_t *data, size_t len)
{
    size_t covered = len == 148 || len == 92 ? len - 16 : len;
    data[rng_below(&s->rng, (uint32_t)covered)] ^= (uint8_t)(1u << rng_below(&s->rng, 8));
}

static void fly(struct sim_host *h, struct flight *f)
{
    struct sim *s = h->sim;
    uint64_t jitter = h->out.jitter > 0 ? h->out.jitter / 1000 * sim_chance(s) : 0;
    f->genuine = h->out.corrupt == 0 || sim_chance(s) >= h->out.corrupt;
    if (!f->genuine) {
        sim_flip_bit(s, f->data, f->len);
    }
    sim_schedule(s, s->now.mono + h->out.delay + jitter, arrive, f, NULL);
}

static bool is_swallowed(const struct sim_host *h, size_t len)
{
    return h->out.swallow > 0 && len + 28 > h->out.swallow;
}

static void cross(struct sim_port *p, const struct outbox *ob, const struct outbox_msg *m)
{
    struct sim_host *h = p->host;
    struct sim *s = h->sim;
    const uint8_t *data = outbox_data(ob, m);
    bool lost = host_at(s, &m->to.addr) == NULL || h->out.down || is_swallowed(h, m->len) ||
                sim_chance(s) < h->out.loss;
    sim_record(s, h->number, data, m->len, lost);
    if (s->watcher.sent != NULL) {
        s->watcher.sent(s->watcher.ctx, h, &m->to, data, m->len);
    }
    if (lost) {
        return;
    }
    struct endpoint from = {.addr = h->address,
                            .port = h->outside_port != 0 ? h->outside_port : p->number};
    unsigned copies = 1 + (sim_chance(s) < h->out.duplicate);
    for (unsigned i = 0; i < copies; i++) {
        struct flight *f = take_off(&from, &m->to, data, m->len);
        f->tos = m->tos;
        fly(h, f);
    }
}

struct dgram *sim_host_port(struct sim_host *h)
{
    return &list_item(h->ports.next, struct sim_port, link)->dgram;
}

void sim_inject(struct sim *s, unsigned host, const struct endpoint *from, const void *data,
                size_t len)
{
    struct sim_host *h = &s->hosts[host];
    struct sim_port *p = list_item(h->ports.next, struct sim_port, link);
    struct endpoint to = {.addr = h->address,
                          .port = h->outside_port != 0 ? h->outside_port : p->number};
    sim_schedule(s, s->now.mono, arrive, take_off(from, &to, data, len), NULL);
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

/* The link takes any size. */
static void port_allow_fragments(struct dgram *d)
{
    container_of(d, struct sim_port, dgram)->host->fragmenting++;
}

static const struct dgram_ops port_ops = {
    .send = port_send,
    .local_port = port_number,
    .allow_fragments = port_allow_fragments,
    .close = port_close,
};

static bool port_is_taken(const struct sim_host *h, uint16_t number)
{
    list_foreach(l, &h->ports) {
        if (list_item(l, struct sim_port, link)->number == number) {
            return true;
        }
    }
    return false;
}

static int udp_open(void *world, uint16_t port, const struct dgram_handler *handler, void *ctx,
                    struct dgram **out)
{
    struct sim_host *h = world;
    if (port == 0) {
        port = (uint16_t)(40000 + h->ports_given++);
    } else if (port_is_taken(h, port)) {
        return ERR_IN_USE;
    }
    struct sim_port *p = calloc(1, sizeof *p);
    p->dgram = (struct dgram){.ops = &port_ops, .handler = handler, .ctx = ctx};
    p->host = h;
    p->number = port;
    list_push_back(&h->ports, &p->link);
    *out = &p->dgram;
    return 0;
}

/* ---- names outside ---- */

struct question {
    struct sim_host *host;
    char name[64];
    uint16_t port;
    local_resolved_fn *done;
    void *ctx;
};

/* The answer to a question is an event 5 ms later. */
static void answer(struct sim *s, void *arg)
{
    struct question *q = arg;
    if (q->host->asleep) {
        sim_schedule(s, s->now.mono + NS_PER_S, answer, q, q);
        return;
    }
    struct endpoint found[SIM_NAME_ADDRESSES] = {{{0}, 0, 0}};
    size_t n = 0;
    if (s->name.name != NULL) {
        assert_string_equal(q->name,
                            s->name.name); /* any other name has leaked out of the tunnel */
        for (; n < s->name.n; n++) {
            found[n] = (struct endpoint){.addr = s->name.found[n], .port = q->port};
        }
    }
    q->done(q->ctx, n > 0 ? 0 : ERR_DNS_FAILED, found, n, sim_now(q->host));
    free(q);
}

static int resolve(void *world, const char *host, uint16_t port, local_resolved_fn *done, void *ctx,
                   struct local_lookup **out, struct now now)
{
    (void)now;
    struct sim_host *h = world;
    struct question *q = malloc(sizeof *q);
    *q = (struct question){.host = h, .port = port, .done = done, .ctx = ctx};
    assert_true(strlen(host) < sizeof q->name);
    strcpy(q->name, host);
    h->sim->name.asked++;
    sim_schedule(h->sim, h->sim->now.mono + 5 * NS_PER_MS, answer, q, q);
    *out = (struct local_lookup *)q;
    return 0;
}

static void resolve_cancel(struct local_lookup *l)
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
    .local = {.resolve = resolve, .resolve_cancel = resolve_cancel},
};
