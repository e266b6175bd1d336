/* SPDX-License-Identifier: MIT */
/* From the gate to lwIP: where a packet stands decides whether it may stay there, and what it is
 * decides who gets it. */
#include "stack/input.h"

#include "base/bytes.h"
#include "stack/conn.h"
#include "stack/gate.h"
#include "stack/icmp.h"
#include "stack/link.h"
#include "stack/memory.h"
#include "stack/pings.h"
#include "stack/slice.h"

#include <lwip/ip.h>
#include <lwip_hooks.h>
#include <stdlib.h>

/* A payload up to this size is cheaper to copy than a receive buffer of 64 KiB is to hold. */
enum { COPY_MAX = 256 };

/* What all connections of a stack together may keep behind holes; each one's own limits are lwIP's. */
enum { AHEAD_MAX = 32 * 1024 * 1024 };

static struct stack_tcp *connection_of(struct stack *s, const struct packet *p)
{
    struct flow_key key = {
        .local = p->dst,
        .remote = p->src,
        .local_port = load_be16(p->payload + 2),
        .remote_port = load_be16(p->payload),
    };
    struct flow *f = flowtab_lookup(&s->flows, &key);
    return f ? container_of(f, struct stack_tcp, flow) : NULL;
}

/* lwIP keeps segments that came out of order, perhaps for long, and a reader may be slow with small
 * ones: these must not hold a receive buffer. What arrives in order is copied at the end of the
 * turn if nobody took it. */
static bool may_stay(const struct stack_tcp *t, const struct packet *p)
{
    if (p->proto != PROTO_TCP) {
        return true;
    }
    size_t data = p->payload_len - (size_t)(p->payload[12] >> 4) * 4;
    bool fin = (p->payload[13] & TCP_FIN) != 0;
    if (data == 0 && !fin) {
        return true; /* an acknowledgement: read and forgotten */
    }
    bool in_order = t && t->pcb && load_be32(p->payload + 4) == t->pcb->rcv_nxt;
    return in_order && data > COPY_MAX;
}

/* Data beyond what is next: lwIP would keep it until the hole before it is filled. */
static bool is_ahead(const struct stack_tcp *t, const struct packet *p)
{
    return t && t->pcb && TCP_SEQ_GT(load_be32(p->payload + 4), t->pcb->rcv_nxt);
}

/* A packet in memory of its own, counted as long as lwIP has it. */
struct copy {
    struct pbuf_custom custom; /* first: lwIP hands its address back */
    struct stack *stack;
    size_t size;
    _Alignas(4) uint8_t ip[];
};

static void copy_free(struct pbuf *p)
{
    struct copy *c = (struct copy *)(void *)p;
    c->stack->copied -= c->size;
    stack_mem_free(c);
}

static struct pbuf *copy_new(struct stack *s, const struct packet *p)
{
    size_t size = sizeof(struct copy) + p->len;
    struct copy *c = stack_mem_alloc(size);
    if (!c) {
        return NULL;
    }
    memcpy(c->ip, p->ip, p->len);
    c->stack = s;
    c->size = size;
    c->custom.custom_free_function = copy_free;
    s->copied += size;
    u16_t len = (u16_t)p->len;
    return pbuf_alloced_custom(PBUF_RAW, len, PBUF_REF, &c->custom, c->ip, len);
}

static struct pbuf *packet_pbuf(struct stack *s, struct rxbuf *buf, const struct stack_tcp *t,
                                const struct packet *p)
{
    if (buf && may_stay(t, p)) {
        return slice_new(buf, p->ip, p->len);
    }
    if (p->proto == PROTO_TCP && is_ahead(t, p) && s->copied + p->len > AHEAD_MAX) {
        return NULL; /* lost once more: it will be sent again */
    }
    return copy_new(s, p);
}

/* lwIP would walk through all of its connections. */
struct tcp_pcb *stack_hook_lookup(void)
{
    const struct stack_tcp *t = instance_current()->input_conn;
    return t ? t->pcb : NULL;
}

static void deliver(struct stack *s, struct rxbuf *buf, struct packet *p)
{
    struct stack_tcp *t = p->proto == PROTO_TCP ? connection_of(s, p) : NULL;
    struct pbuf *q = packet_pbuf(s, buf, t, p);
    if (!q) {
        s->drops[STACK_DROP_MEMORY]++;
        return;
    }
    bool to_source = addr_equal(&p->dst, p->dst.family == FAMILY_V4 ? &s->source4 : &s->source6);
    if (!to_source) {
        link_show_address(s, &p->dst);
    }
    s->input_conn = t;
    s->input_packet = p;
    if (t) {
        s->input_ack = load_be32(p->payload + 8);
        ticks_wake(t);
    }
    ip_input(q, &s->netif);
    s->input_packet = NULL;
    if (!to_source) {
        link_show_sources(s);
    }
    if (s->input_conn) {
        conn_after_packet(s->input_conn);
        s->input_conn = NULL;
    }
    if (p->proto == PROTO_TCP) {
        ticks_arm(s);
    }
}

static void reassemble(struct stack *s, const struct packet *p)
{
    uint8_t *ip;
    size_t len;
    switch (reass_add(&s->reass, p, &ip, &len, s->mono)) {
    case REASS_WHOLE:
        input_packet(s, NULL, ip, len);
        free(ip);
        break;
    case REASS_BAD:
        s->drops[STACK_DROP_FRAGMENT]++;
        break;
    case REASS_NOMEM:
        s->drops[STACK_DROP_MEMORY]++;
        break;
    case REASS_WAITS:
        break;
    }
}

void input_packet(struct stack *s, struct rxbuf *buf, uint8_t *ip, size_t len)
{
    struct packet p;
    switch (gate_check(s->addresses, s->n_addresses, ip, len, &p)) {
    case GATE_DROP:
        s->drops[p.why]++;
        break;
    case GATE_FRAGMENT:
        reassemble(s, &p);
        break;
    case GATE_ERROR:
        icmp_error(s, &p);
        break;
    case GATE_REPLY:
        if (!pings_replied(s, &p)) {
            s->drops[STACK_DROP_PROTOCOL]++;
        }
        break;
    case GATE_TCP:
    case GATE_UDP:
    case GATE_ECHO:
        deliver(s, buf, &p);
        break;
    }
}
