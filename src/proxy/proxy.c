/* SPDX-License-Identifier: MIT */
/* The door itself: who is let in, and whose time is over. Sessions do the rest. */
#include "proxy/proxy.h"

#include "base/err.h"
#include "proxy/session.h"

#include <stdlib.h>

#define GREETING_TIMEOUT (10 * NS_PER_S)
#define SURPLUS_MAX \
    64 /* sessions beyond the limit, at most `GREETING_TIMEOUT` and a linger long each */

struct proxy {
    struct sessions sessions;
    uint64_t quiet_full; /* no warning about the limit before this */
};

static struct door_terms terms_of(const struct proxy_config *config)
{
    return (struct door_terms){
        .protocols = config->protocols != 0 ? config->protocols : DOOR_MIXED,
        .target = config->target,
        .users = config->users,
        .binds = config->stack != NULL,
        .associates = config->udp != NULL,
    };
}

int proxy_new(struct proxy **out, const struct proxy_config *config)
{
    struct proxy *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return ERR_NOMEM;
    }
    uint64_t patience = config->greeting_timeout != 0 ? config->greeting_timeout : GREETING_TIMEOUT;
    p->sessions = (struct sessions){
        .dialer = config->dialer,
        .stack = config->stack,
        .access = config->access,
        .udp = config->udp,
        .log = config->log,
        .tells_failures = config->tells_failures,
        .told_at = config->tells_targets ? LOG_INFO : LOG_DEBUG,
        .terms = terms_of(config),
        .patience = patience,
        .idle = config->idle,
        .max = config->max_sessions,
    };
    list_init(&p->sessions.waiting);
    list_init(&p->sessions.resting);
    list_init(&p->sessions.lingering);
    list_init(&p->sessions.binding);
    list_init(&p->sessions.flowing);
    list_init(&p->sessions.associated);
    list_init(&p->sessions.carried);
    *out = p;
    return 0;
}

static struct session *first_of(const struct list *l)
{
    return list_empty(l) ? NULL : session_of(l->next);
}

static void stop_all(const struct list *l)
{
    struct session *s;
    while ((s = first_of(l)) != NULL) {
        session_stop(s);
    }
}

void proxy_free(struct proxy *p)
{
    if (p == NULL) {
        return;
    }
    stop_all(&p->sessions.waiting);
    stop_all(&p->sessions.resting);
    stop_all(&p->sessions.lingering);
    stop_all(&p->sessions.binding);
    stop_all(&p->sessions.flowing);
    stop_all(&p->sessions.associated);
    stop_all(&p->sessions.carried);
    free(p);
}

/* Beyond the limit some may ask, so as to be told why they are refused, in their own protocol. */
static bool may_ask(const struct proxy *p)
{
    return p->sessions.terms.protocols != DOOR_FORWARD && p->sessions.n_surplus < SURPLUS_MAX;
}

static void warn_full(struct proxy *p, struct now now)
{
    if (may_warn(&p->quiet_full, now)) {
        log_warn(p->sessions.log,
                 "%u sessions are running, the limit -> new clients are turned away",
                 p->sessions.max);
    }
}

/* A client that is turned away without words gets a RST: it must not wait, and nothing of it may stay here. */
void proxy_accept(struct proxy *p, struct stream *client, struct now now)
{
    if (p->sessions.draining) {
        stream_abort(client);
        return;
    }
    bool full = !sessions_make_room(&p->sessions);
    if (full) {
        warn_full(p, now);
    }
    if (full && !may_ask(p)) {
        stream_abort(client);
        return;
    }
    int err = session_start(&p->sessions, client, full, now);
    if (err != 0 && may_warn(&p->quiet_full, now)) {
        log_warn(p->sessions.log, "a client is turned away: %s", err_text(err));
    }
}

bool proxy_make_room(struct proxy *p)
{
    return sessions_end_resting(&p->sessions);
}

/* A client that has not asked for anything loses nothing, and must not hold up the end. */
bool proxy_drain(struct proxy *p)
{
    p->sessions.draining = true;
    stop_all(&p->sessions.resting);
    list_foreach_safe(link, &p->sessions.waiting)
    {
        struct session *s = session_of(link);
        if (session_is_idle(s)) {
            session_stop(s);
        }
    }
    return p->sessions.n > 0;
}

unsigned proxy_sessions(const struct proxy *p)
{
    return p->sessions.n;
}

static uint64_t deadline_of(const struct list *l)
{
    const struct session *s = first_of(l);
    return s != NULL ? session_deadline(s) : NEVER;
}

uint64_t proxy_next_deadline(const struct proxy *p)
{
    const struct sessions *s = &p->sessions;
    uint64_t at = deadline_min(deadline_of(&s->waiting), deadline_of(&s->lingering));
    at = deadline_min(at, deadline_of(&s->resting));
    at = deadline_min(at, deadline_of(&s->binding));
    at = deadline_min(at, deadline_of(&s->associated));
    return deadline_min(at, deadline_of(&s->flowing));
}

static void expire(const struct list *l, struct now now)
{
    struct session *s;
    while ((s = first_of(l)) != NULL && session_deadline(s) <= now.mono) {
        session_expire(s, now);
    }
}

void proxy_tick(struct proxy *p, struct now now)
{
    expire(&p->sessions.waiting, now);
    expire(&p->sessions.resting, now);
    expire(&p->sessions.lingering, now);
    expire(&p->sessions.binding, now);
    expire(&p->sessions.flowing, now);
    expire(&p->sessions.associated, now);
}
