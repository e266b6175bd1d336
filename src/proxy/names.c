/* SPDX-License-Identifier: MIT */
/* One exchange is one socket or connection, and lives until the resolver forgets it or it fails. */
#include "proxy/names.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/list.h"
#include "stack/stack_tcp.h"
#include "stack/stack_udp.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 64 /* exchanges are numbered in sequence, so that they spread by themselves */
#define LENGTH 2   /* RFC 1035 4.2.2: in front of each message over TCP */
#define SLICES 16

struct names {
    struct stack *stack;
    struct resolver *resolver;
    struct list buckets[BUCKETS];
};

struct exchange {
    struct list link;
    struct names *names;
    uint32_t id;
    struct endpoint server;
    struct stack_udp *udp; /* one of these two */
    struct stack_tcp *tcp;

    uint8_t *out; /* over TCP: the question behind its length, until it is sent */
    size_t out_len, out_at;
    uint8_t *in; /* the answer that is being received, once its length is known */
    size_t in_len, in_have;
    uint8_t length[LENGTH];
    uint8_t length_have;
};

int names_new(struct names **out, struct stack *stack, struct resolver *resolver)
{
    struct names *n = calloc(1, sizeof *n);
    if (n == NULL) {
        return ERR_NOMEM;
    }
    n->stack = stack;
    n->resolver = resolver;
    for (unsigned i = 0; i < BUCKETS; i++) {
        list_init(&n->buckets[i]);
    }
    *out = n;
    return 0;
}

static void exchange_free(struct exchange *x)
{
    if (x->udp != NULL) {
        stack_udp_close(x->udp);
    }
    if (x->tcp != NULL) {
        stack_tcp_close(x->tcp);
    }
    list_remove(&x->link);
    free(x->out);
    free(x->in);
    free(x);
}

void names_free(struct names *n)
{
    if (n == NULL) {
        return;
    }
    for (unsigned i = 0; i < BUCKETS; i++) {
        list_foreach_safe(item, &n->buckets[i])
        {
            exchange_free(list_item(item, struct exchange, link));
        }
    }
    free(n);
}

static struct list *bucket_of(struct names *n, uint32_t id)
{
    return &n->buckets[id % BUCKETS];
}

static struct exchange *exchange_lookup(struct names *n, uint32_t id)
{
    list_foreach(item, bucket_of(n, id)) {
        struct exchange *x = list_item(item, struct exchange, link);
        if (x->id == id) {
            return x;
        }
    }
    return NULL;
}

static void exchange_fail(struct exchange *x, int err, struct now now)
{
    struct resolver *r = x->names->resolver;
    uint32_t id = x->id;
    exchange_free(x);
    resolver_fail(r, id, err, now);
}

/* ---- over UDP ---- */

static bool is_server(const struct exchange *x, const struct endpoint *from)
{
    return from->port == x->server.port && addr_equal(&from->addr, &x->server.addr);
}

static void udp_received(void *ctx, struct stack_udp *u, const struct endpoint *from,
                         const uint8_t *data, size_t len, struct now now)
{
    (void)u;
    const struct exchange *x = ctx;
    if (is_server(x, from)) {
        resolver_receive(x->names->resolver, x->id, data, len, now);
    }
}

static void udp_failed(void *ctx, struct stack_udp *u, const struct endpoint *to, int err,
                       struct now now)
{
    (void)u;
    struct exchange *x = ctx;
    if (is_server(x, to)) {
        exchange_fail(x, err, now);
    }
}

static int udp_start(struct exchange *x, const struct resolver_output *o)
{
    static const struct stack_udp_handler handler = {
        .received = udp_received,
        .failed = udp_failed,
    };
    int err = stack_udp_open(x->names->stack, 0, &handler, x, &x->udp);
    return err != 0 ? err : stack_udp_send(x->udp, &o->server, o->message, o->len);
}

/* ---- over TCP ---- */

static void tcp_send(struct exchange *x)
{
    if (x->out != NULL) {
        x->out_at += stack_tcp_write(x->tcp, x->out + x->out_at, x->out_len - x->out_at);
        if (x->out_at == x->out_len) {
            free(x->out);
            x->out = NULL;
        }
    }
}

/* Take up to `len` received bytes for the message that is under way; returns how many. */
static size_t tcp_gather(struct exchange *x, const uint8_t *data, size_t len)
{
    if (x->length_have < LENGTH) {
        x->length[x->length_have++] = data[0];
        return 1;
    }
    size_t n = x->in_len - x->in_have;
    n = n < len ? n : len;
    memcpy(x->in + x->in_have, data, n);
    x->in_have += n;
    return n;
}

/* After each piece: 0, or ERR_NOMEM. A whole message goes to the resolver, and the next one may
 * follow it. */
static int tcp_judge(struct exchange *x, struct now now)
{
    if (x->length_have < LENGTH) {
        return 0;
    }
    if (x->in == NULL) {
        x->in_len = load_be16(x->length);
        x->in = malloc(x->in_len + 1); /* never of no size, so that NULL means no memory */
        if (x->in == NULL) {
            return ERR_NOMEM;
        }
    }
    if (x->in_have == x->in_len) {
        resolver_receive(x->names->resolver, x->id, x->in, x->in_len, now);
        free(x->in);
        x->in = NULL;
        x->in_have = 0;
        x->length_have = 0;
    }
    return 0;
}

static int tcp_take(struct exchange *x, const uint8_t *data, size_t len, struct now now)
{
    while (len > 0) {
        size_t n = tcp_gather(x, data, len);
        data += n;
        len -= n;
        int err = tcp_judge(x, now);
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

static int tcp_receive(struct exchange *x, struct now now)
{
    struct iovec iov[SLICES];
    int n;
    while ((n = stack_tcp_peek(x->tcp, iov, SLICES)) > 0) {
        size_t taken = 0;
        for (int i = 0; i < n; i++) {
            int err = tcp_take(x, iov[i].iov_base, iov[i].iov_len, now);
            if (err != 0) {
                return err;
            }
            taken += iov[i].iov_len;
        }
        stack_tcp_consume(x->tcp, taken);
    }
    return stack_tcp_eof(x->tcp) ? ERR_CLOSED : 0;
}

static void tcp_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    struct exchange *x = ctx;
    if (events & STACK_TCP_FAILED) {
        exchange_fail(x, stack_tcp_error(t), now);
        return;
    }
    tcp_send(x);
    int err = tcp_receive(x, now);
    if (err != 0) {
        exchange_fail(x, err, now);
    }
}

static int tcp_start(struct exchange *x, const struct resolver_output *o, struct now now)
{
    x->out_len = LENGTH + o->len;
    x->out = malloc(x->out_len);
    if (x->out == NULL) {
        return ERR_NOMEM;
    }
    store_be16(x->out, (uint16_t)o->len);
    memcpy(x->out + LENGTH, o->message, o->len);
    return stack_tcp_connect(x->names->stack, &o->server, tcp_event, x, &x->tcp, now);
}

/* ---- what the resolver says ---- */

/* An exchange that moves from UDP to TCP leaves its socket behind. */
static void exchange_forget(struct names *n, uint32_t id)
{
    struct exchange *x = exchange_lookup(n, id);
    if (x != NULL) {
        exchange_free(x);
    }
}

static void exchange_start(struct names *n, const struct resolver_output *o, struct now now)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (x == NULL) {
        resolver_fail(n->resolver, o->exchange, ERR_NOMEM, now);
        return;
    }
    x->names = n;
    x->id = o->exchange;
    x->server = o->server;
    list_init(&x->link);
    list_push_back(bucket_of(n, x->id), &x->link);
    int err = o->kind == RESOLVER_UDP ? udp_start(x, o) : tcp_start(x, o, now);
    if (err != 0) {
        exchange_fail(x, err, now);
    }
}

bool names_run(struct names *n, struct now now)
{
    bool any = false;
    struct resolver_output o;
    while (resolver_next_output(n->resolver, &o)) {
        any = true;
        exchange_forget(n, o.exchange);
        if (o.kind != RESOLVER_FORGET) {
            exchange_start(n, &o, now);
        }
    }
    return any;
}
