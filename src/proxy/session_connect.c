/* SPDX-License-Identifier: MIT */
/* A CONNECT, from its dial to the relay. */
#include "proxy/session_parts.h"

#include "base/err.h"

void session_relaying_step(struct session *s, enum relay_verdict verdict)
{
    switch (verdict) {
    case RELAY_GOES_ON:
        break;
    case RELAY_FINISHED:
        session_end(s, "", "both sides finished");
        break;
    case RELAY_CLIENT_BROKE:
        session_end_err(s, "client: ", s->relay.err);
        break;
    case RELAY_TUNNEL_BROKE:
        session_end_err(s, "tunnel: ", s->relay.err);
        break;
    }
}

static void start_relay(struct session *s, struct now now)
{
    size_t early = s->handshake->forwarded;
    bool eof = s->handshake->eof;
    handshake_free(s->handshake);
    s->handshake = NULL;
    session_enter(s, RELAYING, now);
    session_relaying_step(s, relay_start(&s->relay, s->client, s->tunnel, early, eof));
}

void session_replying_step(struct session *s, struct now now)
{
    /* A stream that broke takes nothing more, but may have brought something. */
    bool is_broken = stack_tcp_error(s->tunnel) != 0;
    bool forwarded = handshake_forward(s->handshake, s->tunnel) || is_broken;
    int err = handshake_write(s->handshake, s->client);
    if (err == ERR_AGAIN) {
        stream_want(s->client, STREAM_WRITABLE);
    } else if (err != 0) {
        session_end_err(s, "client: ", err);
    } else if (forwarded) {
        start_relay(s, now);
    } else {
        stream_want(s->client, 0); /* the tunnel calls when it has room again */
    }
}

void session_tunnel_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    struct session *s = ctx;
    if (s->state == RELAYING) {
        session_touch(s, now);
        session_relaying_step(s, relay_tunnel_event(&s->relay, events));
    } else if (s->state == EXCHANGING) {
        session_touch(s, now);
        session_exchange_step(s, now);
    } else if (events & STACK_TCP_FAILED) {
        session_end_err(s, "tunnel: ", stack_tcp_error(t));
    } else if (s->state == REPLYING) {
        session_replying_step(s, now);
    }
}

void session_reply(struct session *s, const struct endpoint *end, struct now now)
{
    session_tell_name(s);
    handshake_reply(s->handshake, 0, end);
    session_enter(s, REPLYING, now);
    session_replying_step(s, now);
}

static void dialled(void *ctx, int err, struct stack_tcp *t, struct now now)
{
    struct session *s = ctx;
    s->dial = NULL;
    if (err != 0) {
        session_fail(s, err, now);
        return;
    }
    s->tunnel = t;
    stack_tcp_set_handler(t, session_tunnel_event, s);
    struct endpoint local = stack_tcp_local(t);
    if (s->handshake->ask.request == DOOR_EXCHANGE) {
        session_tell_name(s);
        session_exchange(s, now);
    } else {
        session_reply(s, &local, now);
    }
}

void session_dial(struct session *s, struct now now)
{
    const struct sessions *all = s->all;
    session_drop_kept(s);
    int err = dial_start(all->dialer, &s->handshake->ask.target, all->access, session_user(s),
                         dialled, s, &s->dial, now);
    if (err != 0) {
        session_fail(s, err, now);
        return;
    }
    session_enter(s, DIALLING, now);
    stream_want(s->client, STREAM_READABLE);
}

void session_dialling_read(struct session *s)
{
    struct handshake *h = s->handshake;
    int err = handshake_read(h, s->client);
    if (err == ERR_LIMIT ||
        (err == 0 && h->eof && (handshake_has_early_data(h) || handshake_may_end_early(h)))) {
        stream_want(s->client, 0);
    } else if (err == 0 && h->eof) {
        session_end(s, "", "the client left before it was connected");
    } else if (err != 0 && err != ERR_AGAIN) {
        session_end_err(s, "client: ", err);
    }
}
