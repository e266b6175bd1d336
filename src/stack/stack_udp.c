/* SPDX-License-Identifier: MIT */
/* UDP sockets inside the tunnel: see stack_udp.h. What arrives waits, still in its receive buffer,
 * for the dispatch of the same turn. */
#include "stack/stack_udp.h"

#include "base/err.h"
#include "stack/lwip_addr.h"
#include "stack/sockets.h"

#include <lwip/udp.h>
#include <stdlib.h>

enum { PORT_MIN = 16384, PORT_MAX = 65535, PORTS = PORT_MAX - PORT_MIN + 1 };
enum { V4_LEN_MAX = 65507, V6_LEN_MAX = 65487 }; /* lwIP counts the IPv6 header in 16 bits too */
enum { QUEUE_MAX = 1024 };                       /* datagrams of one turn */

struct news {
    struct list link;
    struct endpoint peer;
    struct pbuf *data; /* NULL for an ICMP error */
    int err;
};

struct stack_udp {
    struct stack *stack;
    struct udp_pcb *pcb;
    struct list all;   /* in stack->udp_sockets */
    struct list ready; /* in stack->udp_ready */
    struct list queue; /* of struct news */
    unsigned n_queued;
    const struct stack_udp_handler *handler;
    void *ctx;
};

static struct stack_udp *lookup(const struct stack *s, uint16_t port)
{
    list_foreach(l, &s->udp_sockets) {
        struct stack_udp *u = list_item(l, struct stack_udp, all);
        if (u->pcb->local_port == port) {
            return u;
        }
    }
    return NULL;
}

static bool enqueue(struct stack_udp *u, const struct endpoint *peer, struct pbuf *data, int err)
{
    struct news *n = u->n_queued < QUEUE_MAX ? malloc(sizeof *n) : NULL;
    if (!n) {
        u->stack->drops[STACK_DROP_MEMORY]++;
        return false;
    }
    *n = (struct news){.peer = *peer, .data = data, .err = err};
    list_init(&n->link);
    list_push_back(&u->queue, &n->link);
    u->n_queued++;
    if (!list_linked(&u->ready)) {
        list_push_back(&u->stack->udp_ready, &u->ready);
    }
    return true;
}

static void on_received(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                        u16_t port)
{
    (void)pcb;
    struct endpoint peer = {.addr = addr_from_lwip(from), .port = port};
    if (!enqueue(arg, &peer, p, 0)) {
        pbuf_free(p);
    }
}

/* What udp_bind would do, but for its search through the sockets. */
static struct udp_pcb *bound_pcb(uint16_t port, struct stack_udp *u)
{
    struct udp_pcb *pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
    if (pcb) {
        pcb->local_port = port;
        pcb->next = udp_pcbs;
        udp_pcbs = pcb;
        udp_recv(pcb, on_received, u);
    }
    return pcb;
}

/* RFC 6056 3.3.1 */
static uint16_t choose_port(const struct stack *s)
{
    uint32_t start = rng_below(&s->config.rng, PORTS);
    for (uint32_t i = 0; i < PORTS; i++) {
        uint16_t port = (uint16_t)(PORT_MIN + (start + i) % PORTS);
        if (!lookup(s, port)) {
            return port;
        }
    }
    return 0;
}

int stack_udp_open(struct stack *s, uint16_t port, const struct stack_udp_handler *handler,
                   void *ctx, struct stack_udp **out)
{
    instance_enter(s);
    if (port != 0 && lookup(s, port)) {
        return ERR_IN_USE;
    }
    if (port == 0 && (port = choose_port(s)) == 0) {
        return ERR_LIMIT;
    }
    struct stack_udp *u = calloc(1, sizeof *u);
    if (!u || !(u->pcb = bound_pcb(port, u))) {
        free(u);
        return ERR_NOMEM;
    }
    u->stack = s;
    u->handler = handler;
    u->ctx = ctx;
    list_init(&u->all);
    list_init(&u->ready);
    list_init(&u->queue);
    list_push_back(&s->udp_sockets, &u->all);
    *out = u;
    return 0;
}

static int check_destination(const struct stack *s, const struct endpoint *to, size_t len)
{
    int err = to->port != 0 ? stack_check_host(s, &to->addr) : ERR_INVALID;
    bool fits = len <= (to->addr.family == FAMILY_V4 ? V4_LEN_MAX : V6_LEN_MAX);
    return err != 0 || fits ? err : ERR_LIMIT;
}

int stack_udp_send(struct stack_udp *u, const struct endpoint *to, const void *data, size_t len)
{
    struct stack *s = u->stack;
    instance_enter(s);
    int err = check_destination(s, to, len);
    if (err) {
        return err;
    }
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (!p) {
        return ERR_NOMEM;
    }
    if (len > 0) {
        memcpy(p->payload, data, len);
    }
    ip_addr_t dst = lwip_from_addr(&to->addr);
    ip_addr_t src = lwip_from_addr(to->addr.family == FAMILY_V4 ? &s->source4 : &s->source6);
    err_t sent = udp_sendto_if_src(u->pcb, p, &dst, to->port, &s->netif, &src);
    pbuf_free(p);
    return sent == ERR_OK ? 0 : ERR_NOMEM;
}

uint16_t stack_udp_port(const struct stack_udp *u)
{
    return u->pcb->local_port;
}

static void news_free(struct news *n)
{
    if (n->data) {
        pbuf_free(n->data);
    }
    free(n);
}

void stack_udp_close(struct stack_udp *u)
{
    instance_enter(u->stack);
    if (u->stack->udp_running == u) {
        u->stack->udp_running = NULL;
    }
    for (struct list *l; (l = list_pop_front(&u->queue));) {
        news_free(list_item(l, struct news, link));
    }
    list_remove(&u->all);
    list_remove(&u->ready);
    udp_remove(u->pcb);
    free(u);
}

void sockets_free(struct stack *s)
{
    while (!list_empty(&s->udp_sockets)) {
        stack_udp_close(list_item(s->udp_sockets.next, struct stack_udp, all));
    }
}

void sockets_undelivered(struct stack *s, uint16_t port, const struct endpoint *to, int err)
{
    struct stack_udp *u = lookup(s, port);
    if (u && u->handler->failed) {
        enqueue(u, to, NULL, err);
    }
}

static void deliver(struct stack_udp *u, const struct news *n, struct now now)
{
    if (n->data) {
        u->handler->received(u->ctx, u, &n->peer, n->data->payload, n->data->len, now);
    } else {
        u->handler->failed(u->ctx, u, &n->peer, n->err, now);
    }
}

bool sockets_dispatch(struct stack *s, struct now now)
{
    struct list batch;
    list_take(&batch, &s->udp_ready);
    bool any = !list_empty(&batch);
    for (struct list *l; (l = list_pop_front(&batch));) {
        struct stack_udp *u = s->udp_running = list_item(l, struct stack_udp, ready);
        while (s->udp_running && (l = list_pop_front(&u->queue))) {
            struct news *n = list_item(l, struct news, link);
            u->n_queued--;
            deliver(u, n, now); /* may close u */
            news_free(n);
        }
    }
    s->udp_running = NULL;
    return any;
}
