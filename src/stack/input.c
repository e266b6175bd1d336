/* SPDX-License-Identifier: MIT */
/* From the gate to lwIP: where a packet stands decides whether it may stay there, and what it is
 * decides who gets it. */
#include "stack/input.h"

#include "base/bytes.h"
#include "stack/conn.h"
#include "stack/gate.h"
#include "stack/icmp.h"
#include "stack/link.h"
#include "stack/pings.h"
#include "stack/slice.h"

#include <lwip/ip.h>
#include <lwip_hooks.h>
#include <stdlib.h>

/* A payload up to this size is cheaper to copy than a receive buffer of 64 KiB is to hold. */
enum { COPY_MAX = 256 };

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

static struct pbuf *copy(const struct packet *p)
{
    struct pbuf *q = pbuf_alloc(PBUF_RAW, (u16_t)p->len, PBUF_RAM);
    if (q) {
        memcpy(q->payload, p->ip, p->len);
    }
    return q;
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
    struct pbuf *q = buf && may_stay(t, p) ? slice_new(buf, p->ip, p->len) : copy(p);
    if (!q) {
        s->drops[STACK_DROP_MEMORY]++;
        return;
    }
    bool to_source = addr_equal(&p->dst, p->dst.family == FAMILY_V4 ? &s->source4 : &s->source6);
    if (!to_source) {
        link_show_address(s, &p->dst);
    }
    s->input_conn = t;
    if (t) {
        ticks_wake(t);
    }
    ip_input(q, &s->netif);
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
