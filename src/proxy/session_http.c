/* SPDX-License-Identifier: MIT */
/* An HTTP exchange, from its dialled stream to the next request of the same client. */
#include "proxy/session_parts.h"

#include "base/err.h"

#include <stdlib.h>
#include <strings.h>

/* ---- a server's connection, between two requests to it (RFC 9112 section 9.3) ---- */

struct http_kept {
    struct stack_tcp *tunnel;
    struct target target; /* as the client named it */
};

/* It has ended, or says what nobody asked for. */
static bool is_spent(struct stack_tcp *t)
{
    struct iovec iov;
    return stack_tcp_error(t) != 0 || stack_tcp_eof(t) || stack_tcp_peek(t, &iov, 1) > 0;
}

void session_drop_kept(struct session *s)
{
    if (s->kept != NULL) {
        stack_tcp_close(s->kept->tunnel);
        free(s->kept);
        s->kept = NULL;
    }
}

static void kept_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)events;
    (void)now;
    if (is_spent(t)) {
        session_drop_kept(ctx);
    }
}

static void keep(struct session *s)
{
    bool wanted = http_exchange_server_keeps(s->exchange) && !is_spent(s->tunnel);
    struct http_kept *kept = wanted ? malloc(sizeof *kept) : NULL;
    if (kept != NULL) {
        *kept = (struct http_kept){.tunnel = s->tunnel, .target = s->handshake->ask.target};
        stack_tcp_set_handler(kept->tunnel, kept_event, s);
        s->kept = kept;
    } else {
        stack_tcp_close(s->tunnel);
    }
    s->tunnel = NULL;
}

/* Who asks now may be another user than the one it was dialled for. */
static bool is_allowed(const struct session *s, const struct http_kept *kept)
{
    struct target to = kept->target;
    to.addr = stack_tcp_remote(kept->tunnel).addr;
    return access_ask(s->all->access, session_user(s), &to) == ACCESS_ALLOWED;
}

/* The server may be closing it at this moment, so it is for requests that can be made again. What it has said already, if
 * this turn has not told of it yet, is no answer to this one. */
static bool may_use_kept(const struct session *s)
{
    const struct target *to = &s->handshake->ask.target;
    const struct http_kept *kept = s->kept;
    return kept != NULL && !is_spent(kept->tunnel) && s->handshake->door.http.may_be_repeated &&
           to->port == kept->target.port && addr_equal(&to->addr, &kept->target.addr) &&
           strcasecmp(to->name, kept->target.name) == 0 && is_allowed(s, kept);
}

void session_ask(struct session *s, struct now now)
{
    s->again = may_use_kept(s);
    if (!s->again) {
        session_dial(s, now);
        return;
    }
    s->tunnel = s->kept->tunnel;
    free(s->kept);
    s->kept = NULL;
    stack_tcp_set_handler(s->tunnel, session_tunnel_event, s);
    session_exchange(s, now);
}

/* ---- exchanges ---- */

static void end_exchange(struct session *s)
{
    http_exchange_free(s->exchange);
    s->exchange = NULL;
}

/* Everything was said: the client sees the end, and has time to read up to it. */
static void last_request(struct session *s, struct now now)
{
    end_exchange(s);
    stack_tcp_close(s->tunnel);
    s->tunnel = NULL;
    s->handshake->answer.len = s->handshake->sent = 0;
    session_refuse(s, "the exchange is over", now);
}

/* The client's connection is free again; another request may stand in the read-ahead already. */
static void next_request(struct session *s, struct now now)
{
    if (s->all->draining) {
        last_request(s, now);
        return;
    }
    keep(s);
    end_exchange(s);
    handshake_again(s->handshake);
    if (handshake_has_early_data(s->handshake)) {
        session_enter(s, GREETING, now);
        session_greeting_step(s, now);
    } else {
        session_enter(s, RESTING, now);
        stream_want(s->client, STREAM_READABLE);
    }
}

static void upgrade(struct session *s, struct now now)
{
    end_exchange(s);
    s->handshake->answer.len = s->handshake->sent = 0;
    session_enter(s, REPLYING, now);
    session_replying_step(s, now);
}

static void no_answer(struct session *s, struct now now)
{
    int err = http_exchange_error(s->exchange);
    bool was_closing = s->again && !http_exchange_has_heard(s->exchange);
    end_exchange(s);
    stack_tcp_abort(s->tunnel);
    s->tunnel = NULL;
    if (was_closing) {
        s->again = false;
        session_dial(s, now); /* RFC 9112 section 9.3.1 */
        return;
    }
    session_fail(s, err == ERR_CLOSED ? ERR_RESET : err, now);
}

void session_exchange_step(struct session *s, struct now now)
{
    enum http_progress progress = http_exchange_run(s->exchange);
    switch (progress) {
    case HTTP_GOES_ON:
        break;
    case HTTP_NEXT:
        next_request(s, now);
        break;
    case HTTP_FINISHED:
        last_request(s, now);
        break;
    case HTTP_UPGRADED:
        upgrade(s, now);
        break;
    case HTTP_NO_ANSWER:
        no_answer(s, now);
        break;
    case HTTP_CLIENT_BROKE:
        session_end_err(s, "client: ", http_exchange_error(s->exchange));
        break;
    case HTTP_TUNNEL_BROKE:
        session_end_err(s, "tunnel: ", http_exchange_error(s->exchange));
        break;
    }
}

void session_exchange(struct session *s, struct now now)
{
    int err = http_exchange_new(&s->exchange, s->handshake, s->client, s->tunnel);
    if (err != 0) {
        stack_tcp_abort(s->tunnel);
        s->tunnel = NULL;
        session_fail(s, err, now);
        return;
    }
    session_enter(s, EXCHANGING, now);
    session_exchange_step(s, now);
}
