/* SPDX-License-Identifier: MIT */
/* Leads a client through its door, to what it asked for, and to its end. Coordinates only: the
 * bytes are handshake.c's and relay.c's. */
#include "proxy/session_parts.h"

#include "base/err.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define REST (60 * NS_PER_S)      /* for the next request over a kept connection of HTTP */
#define LINGER (2 * NS_PER_S)     /* for a refused client to read why and close */
#define BIND_WAIT (60 * NS_PER_S) /* for whom a BIND waits for */

/* How exact the idle limit is: so many times in its length a busy flow moves to the end of its list. */
#define IDLE_STEPS 8

/* When a flow that moves bytes now has been silent for long enough: never too early, and up to a step late. */
static uint64_t idle_deadline(const struct sessions *all, struct now now)
{
    uint64_t step = all->idle / IDLE_STEPS + 1;
    return all->idle != 0 ? (now.mono / step + 1) * step + all->idle : NEVER;
}

void session_touch(struct session *s, struct now now)
{
    uint64_t deadline = idle_deadline(s->all, now);
    if (deadline != s->deadline) {
        s->deadline = deadline;
        list_remove(&s->link);
        list_push_back(&s->all->flowing, &s->link);
    }
}

/* The only place that writes the state. */
void session_enter(struct session *s, enum session_state state, struct now now)
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
    case RESTING:
        s->deadline = now.mono + REST;
        list_push_back(&all->resting, &s->link);
        break;
    case REFUSING:
        s->deadline = now.mono + LINGER;
        list_push_back(&all->lingering, &s->link);
        break;
    case BINDING:
        s->deadline = now.mono + BIND_WAIT;
        list_push_back(&all->binding, &s->link);
        break;
    case DIALLING:
        list_push_back(&all->carried, &s->link);
        break;
    case ASSOCIATED:
        session_associated_wait(s, now.mono);
        break;
    case EXCHANGING:
    case RELAYING:
        s->deadline = idle_deadline(all, now);
        list_push_back(&all->flowing, &s->link);
        break;
    }
}

static bool is_told(const struct session *s)
{
    const struct log *log = s->all->log;
    return log != NULL && log->level >= s->all->told_at;
}

static void tell_failure(const struct session *s, const char *cause)
{
    char to[TARGET_TEXT];
    if (s->all->tells_failures) {
        log_error(s->all->log, "%s: %s", target_format(&s->all->terms.target, to), cause);
    }
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
    enum log_level level = s->all->told_at;
    char from[ENDPOINT_TEXT], to[TARGET_TEXT];
    if (s->state == RELAYING) {
        log_line(log, level, "%s to %s -> %s%s, %" PRIu64 " bytes up, %" PRIu64 " down",
                 client_name(s, from), remote_name(s, to), side, cause, s->relay.up, s->relay.down);
    } else if (s->state == ASSOCIATED) {
        log_line(log, level, "%s with datagrams -> %s%s", client_name(s, from), side, cause);
    } else if (s->handshake->open) {
        log_line(log, level, "%s to %s -> %s%s", client_name(s, from),
                 target_format(&s->handshake->ask.target, to), side, cause);
    } else {
        log_line(log, level, "%s -> %s%s", client_name(s, from), side, cause);
    }
}

void session_tell_name(const struct session *s)
{
    const struct target *target = &s->handshake->ask.target;
    if (target->addr.family == FAMILY_NONE && is_told(s)) {
        char from[ENDPOINT_TEXT], name[TARGET_TEXT], to[ENDPOINT_TEXT];
        log_line(s->all->log, s->all->told_at, "%s to %s -> connected to %s", client_name(s, from),
                 target_format(target, name), remote_name(s, to));
    }
}

const char *session_user(const struct session *s)
{
    const struct user *user = s->handshake->ask.user;
    return user != NULL ? user->name : NULL;
}

/* Whoever calls this has told why and given up both ends. */
static void session_free(struct session *s)
{
    list_remove(&s->link);
    s->all->n--;
    s->all->n_surplus -= s->surplus;
    handshake_free(s->handshake);
    session_drop_kept(s);
    free(s);
}

/* Give up whatever the session holds, with an error where something is under way. */
static void session_abort(struct session *s)
{
    switch (s->state) {
    case GREETING:
    case RESTING:
    case REFUSING:
        stream_close(s->client);
        break;
    case DIALLING:
        dial_cancel(s->dial);
        stream_abort(s->client);
        break;
    case BINDING:
        session_unbind(s);
        if (s->tunnel != NULL) {
            stack_tcp_abort(s->tunnel);
        }
        stream_abort(s->client);
        break;
    case ASSOCIATED:
        udp_association_close(s->association);
        stream_close(s->client);
        break;
    case EXCHANGING:
        http_exchange_free(s->exchange);
        stack_tcp_abort(s->tunnel);
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

void session_end(struct session *s, const char *side, const char *cause)
{
    tell_end(s, side, cause);
    session_abort(s);
}

void session_end_err(struct session *s, const char *side, int err)
{
    tell_failure(s, err_text(err));
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

void session_refuse(struct session *s, const char *cause, struct now now)
{
    s->cause = cause;
    session_enter(s, REFUSING, now);
    refusing_write(s);
}

/* A client that cannot be told why sees its connection break. */
static void fail_silently(struct session *s, int err)
{
    tell_failure(s, err_text(err));
    tell_end(s, "", err_text(err));
    stream_abort(s->client);
    session_free(s);
}

/* Every name fails, whoever asks: that is the tunnel's trouble and no client's. */
static void warn_of_names(struct sessions *all, int err, struct now now)
{
    if (err == ERR_NO_DNS && may_warn(&all->quiet_dns, now)) {
        log_warn(all->log,
                 "this tunnel has no DNS = ...: names are refused, not looked up outside, which "
                 "[Resolve] Outside = yes would allow");
    } else if (err == ERR_DNS_SILENT && may_warn(&all->quiet_dns, now)) {
        log_warn(all->log,
                 "no DNS server in the tunnel answers -> the peer may know us by another Address, "
                 "another program may use our key, or DNS = be wrong; see 'wgproxy check'");
    }
}

void session_fail(struct session *s, int err, struct now now)
{
    warn_of_names(s->all, err, now);
    handshake_reply(s->handshake, err, NULL);
    if (handshake_is_answering(s->handshake)) {
        session_refuse(s, err_text(err), now);
    } else {
        fail_silently(s, err);
    }
}

/* Who came beyond the limit is told so, unless there is room by now. */
static bool is_let_in(struct session *s)
{
    if (s->surplus && sessions_make_room(s->all)) {
        s->surplus = false;
        s->all->n_surplus--;
    }
    return !s->surplus;
}

static void session_open(struct session *s, struct now now)
{
    if (!is_let_in(s)) {
        session_fail(s, ERR_LIMIT, now);
        return;
    }
    switch (s->handshake->ask.request) {
    case DOOR_CONNECT:
        session_dial(s, now);
        break;
    case DOOR_EXCHANGE:
        session_ask(s, now);
        break;
    case DOOR_BIND:
        session_bind(s, now);
        break;
    case DOOR_ASSOCIATE:
        session_associate(s, now);
        break;
    }
}

void session_greeting_step(struct session *s, struct now now)
{
    struct handshake *h = s->handshake;
    enum door_verdict verdict;
    int err = handshake_talk(h, s->client, &verdict);
    if (err == ERR_AGAIN) {
        stream_want(s->client, handshake_is_answering(h) ? STREAM_WRITABLE : STREAM_READABLE);
    } else if (err == ERR_CLOSED && h->eof) {
        session_end(s, "", "the client left before its request was whole");
    } else if (err != 0) {
        session_end_err(s, "client: ", err);
    } else if (verdict == DOOR_OPEN) {
        session_open(s, now);
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
        session_greeting_step(s, now);
        break;
    case RESTING:
        session_enter(s, GREETING, now);
        session_greeting_step(s, now);
        break;
    case DIALLING:
        session_dialling_read(s);
        break;
    case BINDING:
        if (handshake_is_answering(s->handshake)) {
            session_binding_step(s, now);
        } else {
            session_dialling_read(s);
        }
        break;
    case ASSOCIATED:
        session_associated_step(s);
        break;
    case EXCHANGING:
        session_touch(s, now);
        session_exchange_step(s, now);
        break;
    case REPLYING:
        session_replying_step(s, now);
        break;
    case RELAYING:
        session_touch(s, now);
        session_relaying_step(s, relay_client_ready(&s->relay, events));
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

bool sessions_make_room(struct sessions *all)
{
    bool is_full = all->max != 0 && all->n - all->n_surplus >= all->max;
    return !is_full || sessions_end_resting(all);
}

bool sessions_end_resting(struct sessions *all)
{
    bool is_there = !list_empty(&all->resting);
    if (is_there) {
        session_end(session_of(all->resting.next), "", "it rested, and another one came");
    }
    return is_there;
}

int session_start(struct sessions *all, struct stream *client, bool surplus, struct now now)
{
    static const struct stream_handler handler = {.ready = session_ready};
    struct session *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->handshake = handshake_new(&all->terms);
    }
    if (s == NULL || s->handshake == NULL) {
        free(s);
        stream_abort(client);
        return ERR_NOMEM;
    }
    s->all = all;
    s->client = client;
    s->surplus = surplus;
    list_init(&s->link);
    all->n++;
    all->n_surplus += surplus;
    session_enter(s, GREETING, now);
    client->handler = &handler;
    client->ctx = s;
    if (all->terms.protocols == DOOR_FORWARD) {
        session_greeting_step(s, now); /* there is nothing to wait for */
    } else {
        stream_want(client, STREAM_READABLE);
    }
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

void session_expire(struct session *s, struct now now)
{
    switch (s->state) {
    case GREETING:
        session_end(s, "", "no whole request in time");
        break;
    case RESTING:
        session_end(s, "", "no further request");
        break;
    case REPLYING:
        session_end(s, "", "the client does not take the reply");
        break;
    case REFUSING:
        session_end(s, "", s->cause);
        break;
    case EXCHANGING:
    case RELAYING:
        tell_failure(s, "idle for too long");
        session_end(s, "", "idle for too long");
        break;
    case BINDING:
        session_binding_expire(s, now);
        break;
    case ASSOCIATED:
        session_associated_expire(s, now);
        break;
    case DIALLING:
        assert(false && "no deadline in this state");
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
