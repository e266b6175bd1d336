/* SPDX-License-Identifier: MIT */
/* An HTTP exchange, from its dialled stream to the next request of the same client. */
#include "proxy/session_parts.h"

#include "base/err.h"

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
    end_exchange(s);
    stack_tcp_close(s->tunnel);
    s->tunnel = NULL;
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
    end_exchange(s);
    stack_tcp_abort(s->tunnel);
    s->tunnel = NULL;
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
