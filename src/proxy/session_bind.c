/* SPDX-License-Identifier: MIT */
/* SOCKS' BIND (RFC 1928 section 4): a port of ours inside the tunnel for one connection from whom the client named. Two
 * replies: where we wait, and who came. */
#include "proxy/session_parts.h"

#include "base/err.h"

#include <stdlib.h>

struct binding {
    struct dial_lookup *lookup; /* while the name is looked up */
    struct stack_tcp_listener *listener;
    bool open;        /* the request was 0.0.0.0 or [::]: anyone may come */
    size_t n_allowed; /* else these */
    struct addr allowed[DNS_ADDRESSES_MAX];
};

void session_unbind(struct session *s)
{
    struct binding *b = s->binding;
    if (b == NULL) {
        return;
    }
    if (b->lookup != NULL) {
        dial_lookup_cancel(b->lookup);
    }
    if (b->listener != NULL) {
        stack_tcp_listener_close(b->listener);
    }
    free(b);
    s->binding = NULL;
}

static void fail(struct session *s, int err, struct now now)
{
    session_unbind(s);
    session_fail(s, err, now);
}

/* What the door's rules say of somebody who may connect to us: as if we connected to him. */
static bool is_denied(const struct session *s, const struct addr *a)
{
    struct target to = s->handshake->ask.target;
    to.addr = *a;
    return access_ask(s->all->access, session_user(s), &to) == ACCESS_DENIED;
}

static bool is_expected(const struct session *s, const struct addr *a)
{
    const struct binding *b = s->binding;
    bool named = b->open;
    for (size_t i = 0; !named && i < b->n_allowed; i++) {
        named = addr_equal(&b->allowed[i], a);
    }
    return named && !is_denied(s, a);
}

/* The first reply is out, or the second one follows it. */
void session_binding_step(struct session *s, struct now now)
{
    int err = handshake_write(s->handshake, s->client);
    if (err == ERR_AGAIN) {
        stream_want(s->client, STREAM_WRITABLE);
    } else if (err != 0) {
        session_end_err(s, "client: ", err);
    } else if (s->tunnel != NULL) {
        struct endpoint remote = stack_tcp_remote(s->tunnel);
        session_unbind(s);
        session_reply(s, &remote, now);
    } else {
        stream_want(s->client, STREAM_READABLE);
    }
}

static void accepted(void *ctx, struct stack_tcp *t, struct now now)
{
    struct session *s = ctx;
    struct endpoint remote = stack_tcp_remote(t);
    if (!is_expected(s, &remote.addr)) {
        stack_tcp_abort(t);
        return;
    }
    stack_tcp_listener_close(s->binding->listener);
    s->binding->listener = NULL;
    s->tunnel = t;
    stack_tcp_set_handler(t, session_tunnel_event, s);
    session_binding_step(s, now);
}

/* Our address of the family that the other side will come with, where we have one. */
static struct endpoint waits_at(const struct session *s)
{
    const struct binding *b = s->binding;
    enum family family = b->n_allowed > 0 ? b->allowed[0].family : FAMILY_V4;
    if (!stack_has_family(s->all->stack, family)) {
        family = family == FAMILY_V4 ? FAMILY_V6 : FAMILY_V4;
    }
    return stack_tcp_listener_local(b->listener, family);
}

static void wait_for_one(struct session *s, struct now now)
{
    int err = stack_tcp_listen(s->all->stack, 0, accepted, s, &s->binding->listener);
    if (err != 0) {
        fail(s, err, now);
        return;
    }
    struct endpoint at = waits_at(s);
    handshake_reply(s->handshake, 0, &at);
    session_enter(s, BINDING, now); /* the time for who is to come begins */
    session_binding_step(s, now);
}

static void allow(struct session *s, const struct addr *addrs, size_t n, struct now now)
{
    struct binding *b = s->binding;
    for (size_t i = 0; i < n; i++) {
        if (!is_denied(s, &addrs[i])) {
            b->allowed[b->n_allowed++] = addrs[i];
        }
    }
    if (b->n_allowed == 0) {
        fail(s, ERR_DENIED, now);
    } else {
        wait_for_one(s, now);
    }
}

static void looked_up(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct session *s = ctx;
    s->binding->lookup = NULL;
    if (err != 0) {
        fail(s, err, now);
    } else {
        allow(s, addrs, n, now);
    }
}

static void look_up(struct session *s, struct now now)
{
    const struct target *to = &s->handshake->ask.target;
    int err = access_ask(s->all->access, session_user(s), to) == ACCESS_DENIED
                  ? ERR_DENIED
                  : dial_lookup(s->all->dialer, to->name, looked_up, s, &s->binding->lookup, now);
    if (err != 0) {
        fail(s, err, now);
    } else {
        stream_want(s->client, STREAM_READABLE);
    }
}

void session_bind(struct session *s, struct now now)
{
    const struct addr *from = &s->handshake->ask.target.addr;
    s->binding = calloc(1, sizeof *s->binding);
    if (s->binding == NULL) {
        session_fail(s, ERR_NOMEM, now);
        return;
    }
    session_enter(s, BINDING, now);
    if (from->family == FAMILY_NONE) {
        look_up(s, now);
    } else if (addr_is_unspecified(from)) {
        s->binding->open = true;
        wait_for_one(s, now);
    } else {
        allow(s, from, 1, now);
    }
}

void session_binding_expire(struct session *s, struct now now)
{
    if (handshake_is_answering(s->handshake)) {
        session_end(s, "", "the client does not take the reply");
    } else {
        fail(s, ERR_TIMED_OUT, now);
    }
}
