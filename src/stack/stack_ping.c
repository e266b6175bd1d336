/* SPDX-License-Identifier: MIT */
/* Echo requests: see stack_ping.h. */
#include "stack/stack_ping.h"

#include "base/bytes.h"
#include "base/err.h"
#include "stack/gate.h"
#include "stack/icmp_packet.h"
#include "stack/pings.h"

#include <stdlib.h>

enum { ECHO4 = 8, ECHO6 = 128 };
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
    int err = stack_check_host(s, to);
    bool fits = len >= stack_ping_headers(to->family) && len <= s->config.mtu;
    return err != 0 || fits ? err : ERR_LIMIT;
}

static void write_request(struct pbuf *q, const struct stack_ping *p, enum family family,
                          uint16_t seq)
{
    size_t len;
    uint8_t *icmp = icmp_packet_body(q, &len);
    for (size_t i = ICMP_HEADER; i < len; i++) {
        icmp[i] = (uint8_t)i;
    }
    icmp[0] = family == FAMILY_V4 ? ECHO4 : ECHO6;
    store_be16(icmp + 4, p->id);
    store_be16(icmp + 6, seq);
}

int stack_ping_send(struct stack_ping *p, const struct addr *to, uint16_t seq, size_t len)
{
    struct stack *s = p->stack;
    instance_enter(s);
    int err = check_request(s, to, len);
    if (err) {
        return err;
    }
    struct pbuf *q = icmp_packet_new(to->family == FAMILY_V4 ? &s->source4 : &s->source6, to, len);
    if (!q) {
        return ERR_NOMEM;
    }
    write_request(q, p, to->family, seq);
    icmp_packet_send(s, q);
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
