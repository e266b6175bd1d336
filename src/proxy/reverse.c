/* SPDX-License-Identifier: MIT */
/* From a port of ours inside to a target of this machine: accept, connect, relay. */
#include "proxy/reverse.h"

#include "base/err.h"
#include "base/list.h"
#include "proxy/relay.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT (15 * NS_PER_S)
#define ADDRESSES_MAX 16

struct reverse {
    struct reverse_config config;
    struct stack_tcp_listener *listener;
    struct list joining;  /* in the order of their deadlines */
    struct list relaying; /* in the order in which they last had news */
    unsigned n;
};

/* LOOKING     the target's name is looked up: addresses lead to CONNECTING
 * CONNECTING  to one address after the other; the first that is there leads to RELAYING
 * RELAYING    until the relay says that it is over, or is silent for too long
 * Until RELAYING the inner connection's bytes wait in its window. Whatever fails resets it. */
enum join_state { LOOKING, CONNECTING, RELAYING };

struct join {
    struct list link;
    struct reverse *reverse;
    enum join_state state;
    uint64_t deadline;
    struct stack_tcp *tunnel;
    struct local_lookup *lookup; /* LOOKING */
    struct stream *target;       /* CONNECTING */
    struct relay relay;
    size_t n_addresses, next;
    struct endpoint addresses[ADDRESSES_MAX];
};

static void join_end(struct join *j, const char *why)
{
    struct reverse *r = j->reverse;
    char from[ENDPOINT_TEXT];
    struct endpoint remote = stack_tcp_remote(j->tunnel);
    log_debug(r->config.log, "%s to our port %u inside -> %s", endpoint_format(&remote, from),
              (unsigned)r->config.port, why);
    if (j->state == RELAYING) {
        relay_close(&j->relay);
    } else {
        if (j->lookup != NULL) {
            r->config.local->ops->resolve_cancel(j->lookup);
        }
        if (j->target != NULL) {
            stream_abort(j->target);
        }
        stack_tcp_abort(j->tunnel);
    }
    list_remove(&j->link);
    r->n--;
    free(j);
}

static void relaying_step(struct join *j, enum relay_verdict verdict)
{
    switch (verdict) {
    case RELAY_GOES_ON:
        break;
    case RELAY_FINISHED:
        join_end(j, "both sides finished");
        break;
    case RELAY_CLIENT_BROKE:
    case RELAY_TUNNEL_BROKE:
        join_end(j, err_text(j->relay.err));
        break;
    }
}

static void touch(struct join *j, struct now now)
{
    struct reverse *r = j->reverse;
    j->deadline = r->config.idle != 0 ? now.mono + r->config.idle : NEVER;
    if (r->config.idle != 0) {
        list_remove(&j->link);
        list_push_back(&r->relaying, &j->link);
    }
}

static void start_relay(struct join *j, struct now now)
{
    j->state = RELAYING;
    list_remove(&j->link);
    list_push_back(&j->reverse->relaying, &j->link);
    touch(j, now);
    relaying_step(j, relay_start(&j->relay, j->target, j->tunnel, 0, false));
}

static void connect_next(struct join *j, struct now now);

/* A stream is connected when it is writable; whether it really is, an empty write tells. */
static bool is_connected(struct stream *s)
{
    char none;
    struct iovec nothing = {&none, 0};
    ssize_t n = stream_writev(s, &nothing, 1);
    return n >= 0 || n == ERR_AGAIN;
}

static void target_ready(void *ctx, unsigned events, struct now now)
{
    struct join *j = ctx;
    if (j->state == RELAYING) {
        touch(j, now);
        relaying_step(j, relay_client_ready(&j->relay, events));
    } else if (!(events & STREAM_BROKEN) && is_connected(j->target)) {
        start_relay(j, now);
    } else {
        stream_abort(j->target);
        j->target = NULL;
        connect_next(j, now);
    }
}

static int connect_to(struct join *j, const struct place *to)
{
    static const struct stream_handler handler = {.ready = target_ready};
    const struct local *local = j->reverse->config.local;
    int err = local->ops->connect != NULL ? local->ops->connect(local->world, to, &j->target)
                                          : ERR_UNREACHABLE;
    if (err == 0) {
        j->target->handler = &handler;
        j->target->ctx = j;
        stream_want(j->target, STREAM_WRITABLE);
    } else {
        j->target = NULL;
    }
    return err;
}

static void connect_next(struct join *j, struct now now)
{
    (void)now;
    j->state = CONNECTING;
    while (j->next < j->n_addresses) {
        struct place to = place_ip(&j->addresses[j->next++]);
        if (connect_to(j, &to) == 0) {
            return;
        }
    }
    join_end(j, "the target does not answer here");
}

static void found(void *ctx, int err, const struct endpoint *at, size_t n, struct now now)
{
    struct join *j = ctx;
    j->lookup = NULL;
    j->n_addresses = err != 0 ? 0 : n < ADDRESSES_MAX ? n : ADDRESSES_MAX;
    if (j->n_addresses > 0) {
        memcpy(j->addresses, at, j->n_addresses * sizeof *at);
    }
    connect_next(j, now);
}

static void join_target(struct join *j, struct now now)
{
    const struct reverse_config *c = &j->reverse->config;
    int err = 0;
    if (c->place.kind == PLACE_UNIX) {
        j->state = CONNECTING;
        err = connect_to(j, &c->place);
    } else if (c->target.addr.family != FAMILY_NONE) {
        j->addresses[0] = (struct endpoint){.addr = c->target.addr, .port = c->target.port};
        j->n_addresses = 1;
        connect_next(j, now);
    } else {
        err = c->local->ops->resolve(c->local->world, c->target.name, c->target.port, found, j,
                                     &j->lookup, now);
    }
    if (err != 0) {
        j->lookup = NULL;
        join_end(j, err_text(err));
    }
}

/* ---- the inner side ---- */

static void tunnel_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    struct join *j = ctx;
    if (j->state == RELAYING) {
        touch(j, now);
        relaying_step(j, relay_tunnel_event(&j->relay, events));
    } else if (events & STACK_TCP_FAILED) {
        join_end(j, err_text(stack_tcp_error(t)));
    }
}

static void accepted(void *ctx, struct stack_tcp *t, struct now now)
{
    struct reverse *r = ctx;
    bool full = r->config.max_sessions != 0 && r->n >= r->config.max_sessions;
    struct join *j = full ? NULL : calloc(1, sizeof *j);
    if (j == NULL) {
        stack_tcp_abort(t);
        return;
    }
    j->reverse = r;
    j->tunnel = t;
    j->deadline = now.mono + r->config.connect_timeout;
    list_push_back(&r->joining, &j->link);
    r->n++;
    stack_tcp_set_handler(t, tunnel_event, j);
    join_target(j, now);
}

/* ---- life ---- */

int reverse_new(struct reverse **out, const struct reverse_config *config)
{
    struct reverse *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return ERR_NOMEM;
    }
    r->config = *config;
    r->config.connect_timeout =
        config->connect_timeout != 0 ? config->connect_timeout : CONNECT_TIMEOUT;
    list_init(&r->joining);
    list_init(&r->relaying);
    int err = stack_tcp_listen(config->stack, config->port, accepted, r, &r->listener);
    if (err != 0) {
        free(r);
        return err;
    }
    *out = r;
    return 0;
}

static void end_all(struct list *list, const char *why)
{
    while (!list_empty(list)) {
        join_end(list_item(list->next, struct join, link), why);
    }
}

static void stop_listening(struct reverse *r)
{
    if (r->listener != NULL) {
        stack_tcp_listener_close(r->listener);
        r->listener = NULL;
    }
}

void reverse_free(struct reverse *r)
{
    if (r == NULL) {
        return;
    }
    stop_listening(r);
    end_all(&r->joining, "the program ends");
    end_all(&r->relaying, "the program ends");
    free(r);
}

bool reverse_drain(struct reverse *r)
{
    stop_listening(r);
    return r->n > 0;
}

unsigned reverse_sessions(const struct reverse *r)
{
    return r->n;
}

static uint64_t first_deadline(const struct list *list)
{
    return list_empty(list) ? NEVER : list_item(list->next, struct join, link)->deadline;
}

uint64_t reverse_next_deadline(const struct reverse *r)
{
    return deadline_min(first_deadline(&r->joining), first_deadline(&r->relaying));
}

void reverse_tick(struct reverse *r, struct now now)
{
    while (first_deadline(&r->joining) <= now.mono) {
        join_end(list_item(r->joining.next, struct join, link),
                 "the target does not answer in time");
    }
    while (first_deadline(&r->relaying) <= now.mono) {
        join_end(list_item(r->relaying.next, struct join, link), "idle for too long");
    }
}
