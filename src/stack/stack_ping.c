/* SPDX-License-Identifier: MIT */
/* Echo requests: see stack_ping.h. lwIP has a part in their way out only, as a packet's carrier. */
#include "stack/stack_ping.h"

#include "base/bytes.h"
#include "base/err.h"
#include "stack/checksum.h"
#include "stack/gate.h"
#include "stack/pings.h"

#include <lwip/pbuf.h>
#include <stdlib.h>

enum { ECHO4 = 8, ECHO6 = 128, TTL = 64, DONT_FRAGMENT = 0x4000 };
enum { NEWS_MAX = 64 }; /* of one turn; nobody sends more at once */

struct note {
    struct addr peer;
    uint16_t seq;
    size_t len;
    int err; /* 0: an answer */
};

struct stack_ping {
    struct stack *stack;
    struct list all;   /* in stack->pings */
    struct list ready; /* in stack->ping_ready while there are notes */
    uint16_t id;
    const struct stack_ping_handler *handler;
    void *ctx;
    struct note notes[NEWS_MAX];
    unsigned n_notes;
};

static struct stack_ping *lookup(const struct stack *s, uint16_t id)
{
    list_foreach(l, &s->pings) {
        struct stack_ping *p = list_item(l, struct stack_ping, all);
        if (p->id == id) {
            return p;
        }
    }
    return NULL;
}

int stack_ping_open(struct stack *s, const struct stack_ping_handler *handler, void *ctx,
                    struct stack_ping **out)
{
    uint16_t id = (uint16_t)rng_u32(&s->config.rng);
    if (lookup(s, id)) {
        return ERR_LIMIT; /* one in 65,536 as often as there are others */
    }
    struct stack_ping *p = calloc(1, sizeof *p);
    if (!p) {
        return ERR_NOMEM;
    }
    p->stack = s;
    p->id = id;
    p->handler = handler;
    p->ctx = ctx;
    list_init(&p->all);
    list_init(&p->ready);
    list_push_back(&s->pings, &p->all);
    *out = p;
    return 0;
}

size_t stack_ping_headers(enum family family)
{
    return (family == FAMILY_V4 ? IP4_HEADER : IP6_HEADER) + ICMP_HEADER;
}

/* ---- requests ---- */

static int check_request(const struct stack *s, const struct addr *to, size_t len)
{
    if ((to->family != FAMILY_V4 && to->family != FAMILY_V6) || addr_is_unspecified(to) ||
        addr_is_multicast(to)) {
        return ERR_INVALID;
    }
    if (!stack_has_family(s, to->family)) {
        return ERR_NO_FAMILY;
    }
    if (len < stack_ping_headers(to->family) || len > s->config.mtu) {
        return ERR_LIMIT;
    }
    return s->config.route(s->config.ctx, to);
}

static uint16_t checksum_of(const uint8_t *data, size_t len, uint64_t sum)
{
    return (uint16_t)~checksum_fold(sum + checksum_portable(data, len));
}

static void store_checksum(uint8_t *at, uint16_t sum)
{
    memcpy(at, &sum, sizeof sum); /* computed in memory order */
}

static void write_icmp(uint8_t *icmp, size_t len, const struct stack_ping *p, uint8_t type,
                       uint16_t seq, uint64_t pseudo)
{
    for (size_t i = ICMP_HEADER; i < len; i++) {
        icmp[i] = (uint8_t)i;
    }
    icmp[0] = type;
    icmp[1] = 0;
    store_be16(icmp + 2, 0);
    store_be16(icmp + 4, p->id);
    store_be16(icmp + 6, seq);
    store_checksum(icmp + 2, checksum_of(icmp, len, pseudo));
}

static void write_v4(uint8_t *ip, size_t len, const struct stack_ping *p, const struct addr *to,
                     uint16_t seq)
{
    memset(ip, 0, IP4_HEADER);
    ip[0] = 0x45;
    store_be16(ip + 2, (uint16_t)len);
    store_be16(ip + 6, DONT_FRAGMENT);
    ip[8] = TTL;
    ip[9] = PROTO_ICMP;
    memcpy(ip + 12, p->stack->source4.bytes, 4);
    memcpy(ip + 16, to->bytes, 4);
    store_checksum(ip + 10, checksum_of(ip, IP4_HEADER, 0));
    write_icmp(ip + IP4_HEADER, len - IP4_HEADER, p, ECHO4, seq, 0);
}

static void write_v6(uint8_t *ip, size_t len, const struct stack_ping *p, const struct addr *to,
                     uint16_t seq)
{
    size_t payload = len - IP6_HEADER;
    uint8_t pseudo[8] = {[7] = PROTO_ICMP6}; /* RFC 8200 8.1, with the addresses of the header */
    memset(ip, 0, IP6_HEADER);
    ip[0] = 0x60;
    store_be16(ip + 4, (uint16_t)payload);
    ip[6] = PROTO_ICMP6;
    ip[7] = TTL;
    memcpy(ip + 8, p->stack->source6.bytes, 16);
    memcpy(ip + 24, to->bytes, 16);
    store_be32(pseudo, (uint32_t)payload);
    uint64_t sum = (uint64_t)checksum_portable(pseudo, 8) + checksum_portable(ip + 8, 32);
    write_icmp(ip + IP6_HEADER, payload, p, ECHO6, seq, sum);
}

int stack_ping_send(struct stack_ping *p, const struct addr *to, uint16_t seq, size_t len)
{
    struct stack *s = p->stack;
    instance_enter(s);
    int err = check_request(s, to, len);
    if (err) {
        return err;
    }
    struct pbuf *q = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
    if (!q) {
        return ERR_NOMEM;
    }
    if (to->family == FAMILY_V4) {
        write_v4(q->payload, len, p, to, seq);
        s->netif.output(&s->netif, q, NULL);
    } else {
        write_v6(q->payload, len, p, to, seq);
        s->netif.output_ip6(&s->netif, q, NULL);
    }
    pbuf_free(q);
    return 0;
}

/* ---- answers ---- */

static void take_note(struct stack_ping *p, const struct note *n)
{
    if (p->n_notes == NEWS_MAX) {
        p->stack->drops[STACK_DROP_MEMORY]++;
        return;
    }
    p->notes[p->n_notes++] = *n;
    if (!list_linked(&p->ready)) {
        list_push_back(&p->stack->ping_ready, &p->ready);
    }
}

bool pings_replied(struct stack *s, const struct packet *p)
{
    struct stack_ping *ping = lookup(s, load_be16(p->payload + 4));
    if (!ping) {
        return false;
    }
    take_note(ping, &(struct note){
                        .peer = p->src,
                        .seq = load_be16(p->payload + 6),
                        .len = p->len,
                    });
    return true;
}

void pings_undelivered(struct stack *s, const struct addr *to, uint16_t id, uint16_t seq, int err)
{
    struct stack_ping *ping = lookup(s, id);
    if (ping && ping->handler->failed) {
        take_note(ping, &(struct note){.peer = *to, .seq = seq, .err = err});
    }
}

static void deliver(struct stack_ping *p, const struct note *n, struct now now)
{
    if (n->err == 0) {
        p->handler->replied(p->ctx, p, &n->peer, n->seq, n->len, now);
    } else {
        p->handler->failed(p->ctx, p, &n->peer, n->seq, n->err, now);
    }
}

bool pings_dispatch(struct stack *s, struct now now)
{
    struct list batch;
    list_take(&batch, &s->ping_ready);
    bool any = !list_empty(&batch);
    for (struct list *l; (l = list_pop_front(&batch));) {
        struct stack_ping *p = s->ping_running = list_item(l, struct stack_ping, ready);
        unsigned n = p->n_notes; /* a handler makes no notes: it only sends */
        p->n_notes = 0;
        for (unsigned i = 0; s->ping_running && i < n; i++) {
            struct note note = p->notes[i];
            deliver(p, &note, now); /* may close p */
        }
    }
    s->ping_running = NULL;
    return any;
}

/* ---- the end ---- */

void stack_ping_close(struct stack_ping *p)
{
    if (p->stack->ping_running == p) {
        p->stack->ping_running = NULL;
    }
    list_remove(&p->all);
    list_remove(&p->ready);
    free(p);
}

void pings_free(struct stack *s)
{
    while (!list_empty(&s->pings)) {
        stack_ping_close(list_item(s->pings.next, struct stack_ping, all));
    }
}
