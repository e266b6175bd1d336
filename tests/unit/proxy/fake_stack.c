/* SPDX-License-Identifier: MIT */
/* Puppets for stack/stack_tcp.h and stack/stack_udp.h, put in their place when linking. */
#include "fake_stack.h"

#include "base/err.h"
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#define STREAMS 4096
#define SOCKETS 64
#define FORBIDDEN 8
#define LISTENERS 64

struct stack_tcp {
    struct stack *stack;
    struct endpoint remote;
    char where[ENDPOINT_TEXT];
    stack_tcp_event_fn *event;
    void *ctx;
    unsigned news;
    enum fake_fate fate;
    int err;
    struct fake_bytes sent, received;
    size_t acknowledged, consumed, room, piece;
    uint8_t *reserved;
    size_t reserved_len;
    bool connected, starved, fin_sent, fin_received;
};

struct stack_tcp_listener {
    struct stack *stack;
    uint16_t port;
    stack_tcp_accept_fn *accepted;
    void *ctx;
    bool open;
};

struct stack_udp {
    struct stack *stack;
    const struct stack_udp_handler *handler;
    void *ctx;
    bool open;
    struct fake_bytes sent;
};

struct forbidden {
    bool all;
    struct addr addr;
    int err;
};

struct stack {
    struct stack_tcp *streams[STREAMS];
    struct stack_udp *sockets[SOCKETS];
    struct stack_tcp_listener *listeners[LISTENERS];
    unsigned n_streams, n_sockets, n_listeners, n_forbidden;
    struct forbidden forbidden[FORBIDDEN];
    bool no_v4, no_v6;
};

struct stack *fake_stack_new(void)
{
    struct stack *s = calloc(1, sizeof *s);
    assert_non_null(s);
    return s;
}

void fake_stack_free(struct stack *s)
{
    for (unsigned i = 0; i < s->n_streams; i++) {
        struct stack_tcp *t = s->streams[i];
        assert_int_not_equal(t->fate, FAKE_OPEN);
        fake_bytes_fini(&t->sent);
        fake_bytes_fini(&t->received);
        free(t->reserved);
        free(t);
    }
    for (unsigned i = 0; i < s->n_sockets; i++) {
        assert_false(s->sockets[i]->open);
        fake_bytes_fini(&s->sockets[i]->sent);
        free(s->sockets[i]);
    }
    for (unsigned i = 0; i < s->n_listeners; i++) {
        assert_false(s->listeners[i]->open);
        free(s->listeners[i]);
    }
    free(s);
}

void fake_stack_forbid(struct stack *s, const char *addr, int err)
{
    assert_true(s->n_forbidden < FORBIDDEN);
    struct forbidden *f = &s->forbidden[s->n_forbidden++];
    f->err = err;
    f->all = addr == NULL;
    if (addr != NULL) {
        assert_true(addr_parse(&f->addr, addr));
    }
}

void fake_stack_lacks(struct stack *s, enum family family)
{
    *(family == FAMILY_V6 ? &s->no_v6 : &s->no_v4) = true;
}

static int verdict_on(const struct stack *s, const struct addr *a)
{
    for (unsigned i = 0; i < s->n_forbidden; i++) {
        if (s->forbidden[i].all || addr_equal(&s->forbidden[i].addr, a)) {
            return s->forbidden[i].err;
        }
    }
    return 0;
}

bool fake_stack_dispatch(struct stack *s, struct now now)
{
    bool ran = false;
    for (unsigned i = 0; i < s->n_streams; i++) {
        struct stack_tcp *t = s->streams[i];
        if (t->fate == FAKE_OPEN && t->news != 0) {
            unsigned news = t->news;
            t->news = 0;
            ran = true;
            t->event(t->ctx, t, news, now);
        }
    }
    return ran;
}

static struct stack_tcp *stream_new(struct stack *s, const struct endpoint *remote)
{
    struct stack_tcp *t = calloc(1, sizeof *t);
    if (t != NULL) {
        assert_true(s->n_streams < STREAMS);
        *t = (struct stack_tcp){.stack = s, .remote = *remote, .room = 65536, .piece = 16384};
        endpoint_format(remote, t->where);
        s->streams[s->n_streams++] = t;
    }
    return t;
}

/* ---- what the test does ---- */

unsigned fake_tcp_count(const struct stack *s)
{
    return s->n_streams;
}

struct stack_tcp *fake_tcp(const struct stack *s, unsigned i)
{
    assert_true(i < s->n_streams);
    return s->streams[i];
}

const char *fake_tcp_where(const struct stack_tcp *t)
{
    return t->where;
}

enum fake_fate fake_tcp_fate(const struct stack_tcp *t)
{
    return t->fate;
}

void fake_tcp_set_room(struct stack_tcp *t, size_t room, size_t piece)
{
    t->room = room;
    t->piece = piece;
}

void fake_tcp_connected(struct stack_tcp *t)
{
    t->connected = true;
    t->news |= STACK_TCP_CONNECTED;
}

void fake_tcp_failed(struct stack_tcp *t, int err)
{
    t->err = err;
    t->news |= STACK_TCP_FAILED;
}

void fake_tcp_deliver(struct stack_tcp *t, const void *data, size_t len)
{
    fake_append(&t->received, data, len);
    t->news |= STACK_TCP_READABLE;
}

void fake_tcp_deliver_fin(struct stack_tcp *t)
{
    t->fin_received = true;
    t->news |= STACK_TCP_READABLE;
}

void fake_tcp_acknowledge(struct stack_tcp *t, size_t n)
{
    size_t unsent = t->sent.len - t->acknowledged;
    t->acknowledged += n < unsent ? n : unsent;
    if (t->starved && t->sent.len - t->acknowledged < t->room) {
        t->starved = false;
        t->news |= STACK_TCP_WRITABLE;
    }
    if (t->fin_sent && t->acknowledged == t->sent.len) {
        t->news |= STACK_TCP_SENT_FIN;
    }
}

const struct fake_bytes *fake_tcp_sent(const struct stack_tcp *t)
{
    return &t->sent;
}

bool fake_tcp_has_fin(const struct stack_tcp *t)
{
    return t->fin_sent;
}

size_t fake_tcp_unread(const struct stack_tcp *t)
{
    return t->received.len - t->consumed;
}

unsigned fake_listener_count(const struct stack *s)
{
    return s->n_listeners;
}

bool fake_listener_is_open(const struct stack *s, unsigned i)
{
    assert_true(i < s->n_listeners);
    return s->listeners[i]->open;
}

struct stack_tcp *fake_listener_show(struct stack *s, unsigned i, const char *from, struct now now)
{
    struct stack_tcp_listener *l = s->listeners[i];
    struct endpoint remote;
    assert_true(endpoint_parse(&remote, from) && fake_listener_is_open(s, i));
    struct stack_tcp *t = stream_new(s, &remote);
    assert_non_null(t);
    t->connected = true;
    l->accepted(l->ctx, t, now);
    assert_true(t->fate != FAKE_OPEN || t->event != NULL);
    return t;
}

/* ---- stack/stack.h ---- */

bool stack_has_family(const struct stack *stack, enum family family)
{
    return !(family == FAMILY_V6 ? stack->no_v6 : stack->no_v4);
}

int stack_check_host(const struct stack *stack, const struct addr *to)
{
    return verdict_on(stack, to);
}

/* ---- stack/stack_tcp.h ---- */

static struct stack_tcp *usable(const struct stack_tcp *t)
{
    assert_int_equal(t->fate, FAKE_OPEN);
    assert_int_equal(t->err, 0);
    return (struct stack_tcp *)(uintptr_t)t;
}

int stack_tcp_connect(struct stack *stack, const struct endpoint *to, stack_tcp_event_fn *event,
                      void *ctx, struct stack_tcp **out, struct now now)
{
    (void)now;
    int err = verdict_on(stack, &to->addr);
    if (err != 0) {
        return err;
    }
    struct stack_tcp *t = stream_new(stack, to);
    if (t == NULL) {
        return ERR_NOMEM;
    }
    t->event = event;
    t->ctx = ctx;
    *out = t;
    return 0;
}

int stack_tcp_listen(struct stack *stack, uint16_t port, stack_tcp_accept_fn *accepted, void *ctx,
                     struct stack_tcp_listener **out)
{
    struct stack_tcp_listener *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return ERR_NOMEM;
    }
    assert_true(stack->n_listeners < LISTENERS);
    *l = (struct stack_tcp_listener){
        .stack = stack,
        .port = port != 0 ? port : (uint16_t)(40000 + stack->n_listeners),
        .accepted = accepted,
        .ctx = ctx,
        .open = true,
    };
    stack->listeners[stack->n_listeners++] = l;
    *out = l;
    return 0;
}

struct endpoint stack_tcp_listener_local(const struct stack_tcp_listener *l, enum family family)
{
    assert_true(l->open);
    struct endpoint e = {.port = l->port};
    if (stack_has_family(l->stack, family)) {
        assert_true(addr_parse(&e.addr, family == FAMILY_V4 ? "10.9.9.9" : "fd00::9"));
    }
    return e;
}

void stack_tcp_listener_close(struct stack_tcp_listener *l)
{
    assert_true(l->open);
    l->open = false;
}

void stack_tcp_set_handler(struct stack_tcp *t, stack_tcp_event_fn *event, void *ctx)
{
    usable(t)->event = event;
    t->ctx = ctx;
}

/* What was received before a stream failed may still be read. */
static struct stack_tcp *readable(const struct stack_tcp *t)
{
    assert_int_equal(t->fate, FAKE_OPEN);
    return (struct stack_tcp *)(uintptr_t)t;
}

uint8_t *stack_tcp_reserve(struct stack_tcp *t, size_t *len)
{
    *len = 0;
    if (readable(t)->err != 0) {
        return NULL;
    }
    assert_true(usable(t)->connected && !t->fin_sent);
    size_t used = t->sent.len - t->acknowledged;
    if (used >= t->room) {
        t->starved = true;
        return NULL;
    }
    size_t n = t->room - used;
    n = n < t->piece ? n : t->piece;
    free(t->reserved); /* so that a write behind its end is seen, and one into an old piece too */
    t->reserved = realloc(NULL, n); /* not counted by fail_alloc */
    assert_non_null(t->reserved);
    *len = t->reserved_len = n;
    return t->reserved;
}

void stack_tcp_commit(struct stack_tcp *t, size_t n)
{
    assert_true(n <= usable(t)->reserved_len);
    fake_append(&t->sent, t->reserved, n);
    free(t->reserved);
    t->reserved = NULL;
    t->reserved_len = 0;
}

size_t stack_tcp_write(struct stack_tcp *t, const void *data, size_t len)
{
    const uint8_t *from = data;
    size_t put = 0;
    size_t room;
    uint8_t *space;
    while (put < len && (space = stack_tcp_reserve(t, &room)) != NULL) {
        size_t n = room < len - put ? room : len - put;
        memcpy(space, from + put, n);
        stack_tcp_commit(t, n);
        put += n;
    }
    return put;
}

void stack_tcp_shutdown(struct stack_tcp *t)
{
    assert_false(usable(t)->fin_sent);
    t->fin_sent = true;
}

int stack_tcp_peek(struct stack_tcp *t, struct iovec *iov, int max)
{
    size_t at = readable(t)->consumed;
    int n = 0;
    while (n < max && at < t->received.len) {
        size_t len = t->received.len - at;
        len = len < 1380 ? len : 1380;
        iov[n++] = (struct iovec){t->received.data + at, len};
        at += len;
    }
    return n;
}

void stack_tcp_consume(struct stack_tcp *t, size_t n)
{
    assert_true(n <= readable(t)->received.len - t->consumed);
    t->consumed += n;
}

bool stack_tcp_eof(const struct stack_tcp *t)
{
    return readable(t)->fin_received && t->consumed == t->received.len;
}

int stack_tcp_error(const struct stack_tcp *t)
{
    assert_int_equal(t->fate, FAKE_OPEN);
    return t->err;
}

struct endpoint stack_tcp_remote(const struct stack_tcp *t)
{
    assert_int_equal(t->fate, FAKE_OPEN);
    return t->remote;
}

struct endpoint stack_tcp_local(const struct stack_tcp *t)
{
    assert_int_equal(t->fate, FAKE_OPEN);
    struct endpoint e = {.port = 50000};
    const char *ours = t->remote.addr.family == FAMILY_V4 ? "10.9.9.9" : "fd00::9";
    assert_true(addr_parse(&e.addr, ours));
    return e;
}

static void give_up(struct stack_tcp *t, enum fake_fate fate)
{
    assert_int_equal(t->fate, FAKE_OPEN);
    t->fate = fate;
}

void stack_tcp_close(struct stack_tcp *t)
{
    give_up(t, FAKE_CLOSED);
}

void stack_tcp_abort(struct stack_tcp *t)
{
    give_up(t, FAKE_ABORTED);
}

/* ---- stack/stack_udp.h ---- */

unsigned fake_udp_count(const struct stack *s)
{
    return s->n_sockets;
}

struct stack_udp *fake_udp(const struct stack *s, unsigned i)
{
    assert_true(i < s->n_sockets);
    return s->sockets[i];
}

bool fake_udp_is_open(const struct stack_udp *u)
{
    return u->open;
}

const struct fake_bytes *fake_udp_sent(const struct stack_udp *u)
{
    return &u->sent;
}

void fake_udp_deliver(struct stack_udp *u, const char *from, const void *data, size_t len,
                      struct now now)
{
    struct endpoint e;
    assert_true(u->open && endpoint_parse(&e, from));
    u->handler->received(u->ctx, u, &e, data, len, now);
}

void fake_udp_fail(struct stack_udp *u, const char *to, int err, struct now now)
{
    struct endpoint e;
    assert_true(u->open && endpoint_parse(&e, to));
    u->handler->failed(u->ctx, u, &e, err, now);
}

int stack_udp_open(struct stack *stack, uint16_t port, const struct stack_udp_handler *handler,
                   void *ctx, struct stack_udp **out)
{
    assert_int_equal(port, 0);
    struct stack_udp *u = calloc(1, sizeof *u);
    if (u == NULL) {
        return ERR_NOMEM;
    }
    assert_true(stack->n_sockets < SOCKETS);
    *u = (struct stack_udp){.stack = stack, .handler = handler, .ctx = ctx, .open = true};
    stack->sockets[stack->n_sockets++] = u;
    *out = u;
    return 0;
}

int stack_udp_send(struct stack_udp *u, const struct endpoint *to, const void *data, size_t len)
{
    assert_true(u->open);
    int err = verdict_on(u->stack, &to->addr);
    if (err == 0) {
        fake_append(&u->sent, data, len);
    }
    return err;
}

void stack_udp_close(struct stack_udp *u)
{
    assert_true(u->open);
    u->open = false;
}
