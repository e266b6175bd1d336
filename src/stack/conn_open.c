/* SPDX-License-Identifier: MIT */
/* How connections begin: ours with an unpredictable local port of their own towards each
 * destination, the others' through a listener. */
#include "stack/conn.h"

#include "base/err.h"
#include "stack/lwip_addr.h"

#include <stdlib.h>

/* RFC 6056 3.3.4: towards each destination the ports go round in sequence from an offset that only we
 * can compute. So a destination cannot tell the port towards another one, and a port comes back only
 * after all others had their turn: a peer that keeps the last connection of a port in TIME_WAIT would
 * refuse the next one. lwIP's own choice wants a port that nobody uses at all, and walks every list
 * for each candidate. */
enum { PORT_MIN = 16384, PORT_MAX = 65535, PORTS = PORT_MAX - PORT_MIN + 1 };

/* Connections that a listener has not shown to its user yet: lwIP's own count ends at 255. */
enum { BACKLOG_MAX = 1024 };

static uint16_t choose_port(struct stack *s, const struct endpoint *to)
{
    struct flow_key key = {
        .local = to->addr.family == FAMILY_V4 ? s->source4 : s->source6,
        .remote = to->addr,
        .remote_port = to->port,
    };
    uint64_t hash = siphash(s->port_secret, &key, sizeof key);
    uint32_t *step = &s->port_steps[(hash >> 32) % PORT_STEPS];
    for (uint32_t i = 0; i < PORTS; i++) {
        key.local_port =
            (uint16_t)(PORT_MIN + ((uint32_t)hash % PORTS + (*step)++ % PORTS) % PORTS);
        if (!flowtab_lookup(&s->flows, &key)) {
            return key.local_port;
        }
    }
    return 0;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)pcb, (void)err;
    struct stack_tcp *t = arg;
    conn_established(t);
    conn_notify(t, STACK_TCP_CONNECTED);
    return ERR_OK;
}

/* A pcb whose local side we chose, as tcp_bind would leave it, without the walk. */
static struct tcp_pcb *bound_pcb(struct stack *s, const struct endpoint *to, uint16_t port)
{
    struct tcp_pcb *pcb =
        tcp_new_ip_type(to->addr.family == FAMILY_V4 ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6);
    if (pcb) {
        pcb->local_ip = lwip_from_addr(to->addr.family == FAMILY_V4 ? &s->source4 : &s->source6);
        pcb->remote_ip = lwip_from_addr(&to->addr);
        pcb->remote_port = to->port;
        pcb->local_port = port;
        TCP_REG(&tcp_bound_pcbs, pcb);
    }
    return pcb;
}

int stack_tcp_connect(struct stack *s, const struct endpoint *to, stack_tcp_event_fn *event,
                      void *ctx, struct stack_tcp **out, struct now now)
{
    instance_enter_at(s, now);
    int err = to->port != 0 ? stack_check_host(s, &to->addr) : ERR_INVALID;
    if (err) {
        return err;
    }
    uint16_t port = choose_port(s, to);
    if (port == 0) {
        return ERR_LIMIT;
    }
    struct stack_tcp *t = conn_new(s, CONN_CONNECTING);
    if (!t) {
        return ERR_NOMEM;
    }
    struct tcp_pcb *pcb = bound_pcb(s, to, port);
    if (!pcb) {
        conn_release(t);
        return ERR_NOMEM;
    }
    conn_bind_pcb(t, pcb);
    t->has_user = true;
    t->event = event;
    t->ctx = ctx;
    conn_set_callbacks(t);
    if (tcp_connect(pcb, &pcb->remote_ip, to->port, on_connected) != ERR_OK) {
        t->has_user = false;
        conn_drop_pcb(t, false); /* frees t */
        return ERR_NOMEM;
    }
    ticks_arm(s);
    *out = t;
    return 0;
}

/* ---- listening ---- */

/* RFC 4987 3.4: the oldest one that nobody completed within a second makes room, or whoever asks and
 * never answers would keep all others out for 20 s. A younger one may be an honest one far away. */
static bool make_room(struct stack_tcp_listener *l)
{
    list_foreach(link, &l->pending) {
        struct stack_tcp *t = list_item(link, struct stack_tcp, pending);
        if (t->state == CONN_HALF_OPEN) {
            bool old = t->stack->mono - t->window_since >= NS_PER_S;
            if (old) {
                conn_drop_pcb(t, false); /* frees it */
            }
            return old;
        }
    }
    return false;
}

/* A SYN came. Counted from now on, so that a flood of them ends at the limit. */
static err_t on_syn(u8_t id, struct tcp_pcb_listen *lpcb, struct tcp_pcb *pcb)
{
    (void)id;
    struct stack_tcp_listener *l = lpcb->callback_arg;
    if (l->n_pending == BACKLOG_MAX && !make_room(l)) {
        return ERR_MEM;
    }
    struct stack_tcp *t = conn_new(l->stack, CONN_HALF_OPEN);
    if (!t) {
        return ERR_MEM;
    }
    t->listener = l;
    list_push_back(&l->pending, &t->pending);
    l->n_pending++;
    conn_bind_pcb(t, pcb);
    return ERR_OK;
}

static const struct tcp_ext_arg_callbacks listen_callbacks = {.passive_open = on_syn};

static err_t on_accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || !pcb) { /* lwIP had no memory for a pcb; the SYN will come again */
        return ERR_OK;
    }
    struct stack_tcp *t = conn_of_pcb(pcb);
    conn_set_callbacks(t);
    conn_established(t);
    conn_notify(t, 0);
    return ERR_OK;
}

void conn_show_accepted(struct stack_tcp *t, struct now now)
{
    struct stack_tcp_listener *l = t->listener;
    list_remove(&t->pending);
    l->n_pending--;
    t->listener = NULL;
    t->has_user = true;
    conn_set_callbacks(t);
    if (t->events) { /* for the handler that `accepted` is about to set */
        list_push_back(&t->stack->tcp_ready, &t->ready);
    }
    l->accepted(l->ctx, t, now);
}

static bool is_listening(const struct stack *s, uint16_t port)
{
    list_foreach(l, &s->listeners) {
        if (list_item(l, struct stack_tcp_listener, link)->pcb->local_port == port) {
            return true;
        }
    }
    return false;
}

/* Whoever watches us connect shall not know where we listen next. */
static uint16_t choose_listening_port(const struct stack *s)
{
    uint32_t first = rng_below(&s->config.rng, PORTS);
    for (uint32_t i = 0; i < PORTS; i++) {
        uint16_t port = (uint16_t)(PORT_MIN + (first + i) % PORTS);
        if (!is_listening(s, port)) {
            return port;
        }
    }
    return 0;
}

/* tcp_bind would look for other users of the port in vain: is_listening did. */
static struct tcp_pcb *listen_pcb(uint16_t port)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
    if (!pcb) {
        return NULL;
    }
    pcb->local_port = port;
    TCP_REG(&tcp_bound_pcbs, pcb);
    struct tcp_pcb *lpcb = tcp_listen(pcb);
    if (!lpcb) {
        tcp_close(pcb);
    }
    return lpcb;
}

int stack_tcp_listen(struct stack *s, uint16_t port, stack_tcp_accept_fn *accepted, void *ctx,
                     struct stack_tcp_listener **out)
{
    instance_enter(s);
    if (port == 0 && (port = choose_listening_port(s)) == 0) {
        return ERR_LIMIT;
    }
    if (is_listening(s, port)) {
        return ERR_IN_USE;
    }
    struct stack_tcp_listener *l = calloc(1, sizeof *l);
    if (!l || !(l->pcb = listen_pcb(port))) {
        free(l);
        return ERR_NOMEM;
    }
    l->stack = s;
    l->accepted = accepted;
    l->ctx = ctx;
    list_init(&l->pending);
    list_init(&l->link);
    list_push_back(&s->listeners, &l->link);
    tcp_arg(l->pcb, l);
    tcp_accept(l->pcb, on_accepted);
    tcp_ext_arg_set_callbacks(l->pcb, 0, &listen_callbacks);
    *out = l;
    return 0;
}

struct endpoint stack_tcp_listener_local(const struct stack_tcp_listener *l, enum family family)
{
    return (struct endpoint){
        .addr = family == FAMILY_V4 ? l->stack->source4 : l->stack->source6,
        .port = l->pcb->local_port,
    };
}

void stack_tcp_listener_close(struct stack_tcp_listener *l)
{
    instance_enter(l->stack);
    while (!list_empty(&l->pending)) {
        conn_drop_pcb(list_item(l->pending.next, struct stack_tcp, pending), true); /* frees it */
    }
    tcp_close(l->pcb);
    list_remove(&l->link);
    free(l);
}
