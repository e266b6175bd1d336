/* SPDX-License-Identifier: MIT */
/* The door itself: who is let in, and whose time is over. Sessions do the rest. */
#include "proxy/proxy.h"

#include "base/err.h"
#include "proxy/session.h"

#include <stdlib.h>

#define GREETING_TIMEOUT (10 * NS_PER_S)

struct proxy {
    struct sessions sessions;
    unsigned max_sessions;
    bool draining;
    uint64_t quiet_full; /* no warning about the limit before this */
};

int proxy_new(struct proxy **out, const struct proxy_config *config)
{
    struct proxy *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return ERR_NOMEM;
    }
    uint64_t patience = config->greeting_timeout != 0 ? config->greeting_timeout : GREETING_TIMEOUT;
    p->sessions =
        (struct sessions){.dialer = config->dialer, .log = config->log, .patience = patience};
    list_init(&p->sessions.waiting);
    list_init(&p->sessions.lingering);
    list_init(&p->sessions.carried);
    p->max_sessions = config->max_sessions;
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
    stop_all(&p->sessions.lingering);
    stop_all(&p->sessions.carried);
    free(p);
}

static bool is_full(const struct proxy *p)
{
    return p->max_sessions != 0 && p->sessions.n >= p->max_sessions;
}

/* A client that is turned away gets a RST: it must not wait, and nothing of it may stay here. */
void proxy_accept(struct proxy *p, struct stream *client, struct now now)
{
    const struct log *log = p->sessions.log;
    if (p->draining || is_full(p)) {
        if (!p->draining && may_warn(&p->quiet_full, now)) {
            log_warn(log, "%u sessions are running, the limit -> new clients are turned away",
                     p->sessions.n);
        }
        stream_abort(client);
        return;
    }
    int err = session_start(&p->sessions, client, now);
    if (err != 0 && may_warn(&p->quiet_full, now)) {
        log_warn(log, "a client is turned away: %s", err_text(err));
    }
}

/* A client that has not asked for anything loses nothing, and must not hold up the end. */
bool proxy_drain(struct proxy *p)
{
    p->draining = true;
    list_foreach_safe(link, &p->sessions.waiting) {
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
    return deadline_min(deadline_of(&p->sessions.waiting), deadline_of(&p->sessions.lingering));
}

static void expire(const struct list *l, struct now now)
{
    struct session *s;
    while ((s = first_of(l)) != NULL && session_deadline(s) <= now.mono) {
        session_expire(s);
    }
}

void proxy_tick(struct proxy *p, struct now now)
{
    expire(&p->sessions.waiting, now);
    expire(&p->sessions.lingering, now);
}
