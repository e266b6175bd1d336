/* SPDX-License-Identifier: MIT */
/* Leads a client through its door: request, dial, reply, relay. Coordinates only: the bytes are
 * handshake.c's and relay.c's. */
#include "proxy/session.h"

#include "base/err.h"
#include "proxy/handshake.h"
#include "proxy/relay.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define LINGER (2 * NS_PER_S) /* for a refused client to read why and close */

/* GREETING   the door's parser is fed, its answers are written. The whole request leads to
 *            DIALLING, a bad one to REFUSING; end of file, an error or the end of patience to the
 *            end.
 * DIALLING   the dial runs. The client is read ahead as far as there is room, to notice that it
 *            goes away: an error ends the session, and so does end of file, unless bytes for the
 *            target came before it (then it is an early half-close). A stream leads to REPLYING,
 *            failure to REFUSING.
 * REPLYING   the stream stands. The early data goes into it and the reply to the client; nothing of
 *            the target's may overtake the reply. Both done leads to RELAYING; an error on either
 *            side, or the end of patience, to the end of both.
 * RELAYING   the relay has both ends and says when it is over, which is the end. The handshake is
 *            gone.
 * REFUSING   the reply is written, then FIN; what the client sends is thrown away until it closes,
 *            because closing over unread bytes would send a RST, which can overtake the reply. The
 *            end of the linger leads to the end all the same. */
enum session_state { GREETING, DIALLING, REPLYING, RELAYING, REFUSING };

struct session {
    struct list link;
    struct sessions *all;
    enum session_state state;
    uint64_t deadline;           /* GREETING, REPLYING, REFUSING */
    struct handshake *handshake; /* all but RELAYING */
    const char *cause;           /* REFUSING */
    struct stream *client;
    struct dial *dial;        /* DIALLING */
    struct stack_tcp *tunnel; /* REPLYING, RELAYING */
    struct relay relay;       /* RELAYING */
};

/* The only place that writes the state. */
static void session_enter(struct session *s, enum session_state state, struct now now)
{
    struct sessions *all = s->all;
    s->state = state;
    list_remove(&s->link);
    switch (state) {
    case GREETING:
    case REPLYING:
        s->deadline = now.mono + all->patience;
        list_push_back(&all->waiting, &s->link);
        break;
    case REFUSING:
        s->deadline = now.mono + LINGER;
        list_push_back(&all->lingering, &s->link);
        break;
    case DIALLING:
    case RELAYING:
        list_push_back(&all->carried, &s->link);
        break;
    }
}

static bool is_told(const struct session *s)
{
    const struct log *log = s->all->log;
    return log != NULL && log->level >= LOG_DEBUG;
}

static const char *client_name(const struct session *s, char out[ENDPOINT_TEXT])
{
    const struct endpoint *remote = &s->client->remote;
    return remote->addr.family != FAMILY_NONE ? endpoint_format(remote, out) : "local client";
}

static const char *remote_name(const struct session *s, char out[ENDPOINT_TEXT])
{
    struct endpoint remote = stack_tcp_remote(s->tunnel);
    return endpoint_format(&remote, out);
}

/* One line for the end of each session, formatted only where it is wanted. */
static void tell_end(const struct session *s, const char *side, const char *cause)
{
    if (!is_told(s)) {
        return;
    }
    const struct log *log = s->all->log;
    char from[ENDPOINT_TEXT], to[TARGET_TEXT];
    if (s->state == RELAYING) {
        log_debug(log, "%s to %s -> %s%s, %" PRIu64 " bytes up, %" PRIu64 " down",
                  client_name(s, from), remote_name(s, to), side, cause, s->relay.up,
                  s->relay.down);
    } else if (s->handshake->open) {
        log_debug(log, "%s to %s -> %s%s", client_name(s, from),
                  target_format(&s->handshake->target, to), side, cause);
    } else {
        log_debug(log, "%s -> %s%s", client_name(s, from), side, cause);
    }
}

/* The end of the session will name the address only. */
static void tell_name(const struct session *s)
{
    const struct target *target = &s->handshake->target;
    if (target->addr.family == FAMILY_NONE && is_told(s)) {
        char from[ENDPOINT_TEXT], name[TARGET_TEXT], to[ENDPOINT_TEXT];
        log_debug(s->all->log, "%s to %s -> connected to %s", client_name(s, from),
                  target_format(target, name), remote_name(s, to));
    }
}

/* Whoever calls this has told why and given up both ends. */
static void session_free(struct session *s)
{
    list_remove(&s->link);
    s->all->n--;
    handshake_free(s->handshake);
    free(s);
}

/* Give up whatever the session holds, with an error where something is under way. */
static void session_abort(struct session *s)
{
    switch (s->state) {
    case GREETING:
    case REFUSING:
        stream_close(s->client);
        break;
    case DIALLING:
        dial_cancel(s->dial);
        stream_abort(s->client);
        break;
    case REPLYING:
        stack_tcp_abort(s->tunnel);
        stream_abort(s->client);
        break;
    case RELAYING:
        relay_close(&s->relay);
        break;
    }
    session_free(s);
}

static void session_end(struct session *s, const char *side, const char *cause)
{
    tell_end(s, side, cause);
    session_abort(s);
}

static void session_end_err(struct session *s, const char *side, int err)
{
    session_end(s, side, err_text(err));
}

static void refusing_read(struct session *s)
{
    int err = handshake_discard(s->handshake, s->client);
    if (err != ERR_AGAIN) {
        session_end(s, "", s->cause);
    }
}

static void refusing_write(struct session *s)
{
    int err = handshake_write(s->handshake, s->client);
    if (err == ERR_AGAIN) {
        stream_want(s->client, STREAM_WRITABLE);
    } else if (err != 0) {
        session_end(s, "", s->cause);
    } else {
        stream_shutdown(s->client);
        stream_want(s->client, STREAM_READABLE);
    }
}

/* The answer that stands in the handshake is the last one. */
static void session_refuse(struct session *s, const char *cause, struct now now)
{
    s->cause = cause;
    session_enter(s, REFUSING, now);
    refusing_write(s);
}

static void session_fail(struct session *s, int err, struct now now)
{
    struct sessions *all = s->all;
    if (err == ERR_NO_DNS && may_warn(&all->quiet_dns, now)) {
        log_warn(all->log,
                 "this tunnel has no DNS = ...: names are refused, not looked up outside");
    }
    handshake_reply(s->handshake, err, NULL);
    session_refuse(s, err_text(err), now);
}

static void relaying_step(struct session *s, enum relay_verdict verdict)
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

static void session_relay(struct session *s, struct now now)
{
    size_t early = s->handshake->forwarded;
    bool eof = s->handshake->eof;
    handshake_free(s->handshake);
    s->handshake = NULL;
    session_enter(s, RELAYING, now);
    relaying_step(s, relay_start(&s->relay, s->client, s->tunnel, early, eof));
}

static void replying_step(struct session *s, struct now now)
{
    bool forwarded = handshake_forward(s->handshake, s->tunnel);
    int err = handshake_write(s->handshake, s->client);
    if (err == ERR_AGAIN) {
        stream_want(s->client, STREAM_WRITABLE);
    } else if (err != 0) {
        session_end_err(s, "client: ", err);
    } else if (forwarded) {
        session_relay(s, now);
    } else {
        stream_want(s->client, 0); /* the tunnel calls when it has room again */
    }
}

static void session_tunnel_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    struct session *s = ctx;
    if (s->state == RELAYING) {
        relaying_step(s, relay_tunnel_event(&s->relay, events));
    } else if (events & STACK_TCP_FAILED) {
        session_end_err(s, "tunnel: ", stack_tcp_error(t));
    } else {
        replying_step(s, now);
    }
}

static void session_dialled(void *ctx, int err, struct stack_tcp *t, struct now now)
{
    struct session *s = ctx;
    s->dial = NULL;
    if (err != 0) {
        session_fail(s, err, now);
        return;
    }
    s->tunnel = t;
    stack_tcp_set_handler(t, session_tunnel_event, s);
    tell_name(s);
    struct endpoint local = stack_tcp_local(t);
    handshake_reply(s->handshake, 0, &local);
    session_enter(s, REPLYING, now);
    replying_step(s, now);
}

static void session_dial(struct session *s, struct now now)
{
    int err = dial_start(s->all->dialer, &s->handshake->target, NULL, NULL, session_dialled, s, &s->dial, now);
    if (err != 0) {
        session_fail(s, err, now);
        return;
    }
    session_enter(s, DIALLING, now);
    stream_want(s->client, STREAM_READABLE);
}

static void dialling_read(struct session *s)
{
    struct handshake *h = s->handshake;
    int err = handshake_read(h, s->client);
    if (err == ERR_LIMIT || (err == 0 && h->eof && handshake_has_early_data(h))) {
        stream_want(s->client, 0);
    } else if (err == 0 && h->eof) {
        session_end(s, "", "the client left while it was dialled");
    } else if (err != 0 && err != ERR_AGAIN) {
        session_end_err(s, "client: ", err);
    }
}

static void greeting_step(struct session *s, struct now now)
{
    struct handshake *h = s->handshake;
    enum door_verdict verdict;
    int err = handshake_talk(h, s->client, &verdict);
    if (err == ERR_AGAIN) {
        stream_want(s->client, handshake_is_answering(h) ? STREAM_WRITABLE : STREAM_READABLE);
    } else if (h->eof) {
        session_end(s, "", "the client left before its request was whole");
    } else if (err != 0) {
        session_end_err(s, "client: ", err);
    } else if (verdict == DOOR_OPEN) {
        session_dial(s, now);
    } else {
        session_refuse(s, h->answer.why, now);
    }
}

static void session_ready(void *ctx, unsigned events, struct now now)
{
    struct session *s = ctx;
    if ((events & STREAM_BROKEN) && s->state != RELAYING) {
        session_end(s, "", "the client broke the connection");
        return;
    }
    switch (s->state) {
    case GREETING:
        greeting_step(s, now);
        break;
    case DIALLING:
        dialling_read(s);
        break;
    case REPLYING:
        replying_step(s, now);
        break;
    case RELAYING:
        relaying_step(s, relay_client_ready(&s->relay, events));
        break;
    case REFUSING:
        if (handshake_is_answering(s->handshake)) {
            refusing_write(s);
        } else {
            refusing_read(s);
        }
        break;
    }
}

int session_start(struct sessions *all, struct stream *client, struct now now)
{
    static const struct stream_handler handler = {.ready = session_ready};
    struct session *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->handshake = handshake_new();
    }
    if (s == NULL || s->handshake == NULL) {
        free(s);
        stream_abort(client);
        return ERR_NOMEM;
    }
    s->all = all;
    s->client = client;
    list_init(&s->link);
    all->n++;
    session_enter(s, GREETING, now);
    client->handler = &handler;
    client->ctx = s;
    stream_want(client, STREAM_READABLE);
    return 0;
}

struct session *session_of(struct list *link)
{
    return list_item(link, struct session, link);
}

uint64_t session_deadline(const struct session *s)
{
    return s->deadline;
}

void session_expire(struct session *s)
{
    switch (s->state) {
    case GREETING:
        session_end(s, "", "no whole request in time");
        break;
    case REPLYING:
        session_end(s, "", "the client does not take the reply");
        break;
    case REFUSING:
        session_end(s, "", s->cause);
        break;
    case DIALLING:
    case RELAYING:
        assert(!"no deadline in this state");
    }
}

bool session_is_idle(const struct session *s)
{
    return s->state == GREETING;
}

void session_stop(struct session *s)
{
    session_end(s, "", "the proxy stops");
}
