/* SPDX-License-Identifier: MIT */
/* The door itself: who is let in. Sessions do the rest. */
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
    sessions_init(&p->sessions, config->dialer, patience, config->log);
    p->max_sessions = config->max_sessions;
    *out = p;
    return 0;
}

void proxy_free(struct proxy *p)
{
    if (p != NULL) {
        sessions_fini(&p->sessions);
        free(p);
    }
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
            log_warn(log, "%u sessions are running, the limit -> new clients are turned away", p->sessions.n);
        }
        stream_abort(client);
        return;
    }
    int err = session_start(&p->sessions, client, now);
    if (err != 0 && may_warn(&p->quiet_full, now)) {
        log_warn(log, "a client is turned away: %s", err_text(err));
    }
}

bool proxy_drain(struct proxy *p)
{
    p->draining = true;
    sessions_end_idle(&p->sessions);
    return p->sessions.n > 0;
}

unsigned proxy_sessions(const struct proxy *p)
{
    return p->sessions.n;
}

uint64_t proxy_next_deadline(const struct proxy *p)
{
    return sessions_next_deadline(&p->sessions);
}

void proxy_tick(struct proxy *p, struct now now)
{
    sessions_tick(&p->sessions, now);
}
