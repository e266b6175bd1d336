/* SPDX-License-Identifier: MIT */
/* One accepted client, from its first byte to its last. */
#ifndef WGPROXY_PROXY_SESSION_H
#define WGPROXY_PROXY_SESSION_H

#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/stream.h"
#include "proxy/dial.h"

/* What the sessions of one door share. Each is on exactly one list; waits on one list have one length, so that it is
 * in order of deadlines by itself. */
struct sessions {
    struct dialer *dialer;
    const struct log *log;
    uint64_t patience;     /* ns for the request, and again for taking its reply */
    struct list waiting;   /* for the client, `patience` long */
    struct list lingering; /* for the client to have read its refusal */
    struct list carried;   /* dialling or relaying: without a deadline here */
    unsigned n;
    uint64_t quiet_dns; /* no warning about names without DNS before this */
};

void sessions_init(struct sessions *all, struct dialer *dialer, uint64_t patience, const struct log *log);
void sessions_fini(struct sessions *all); /* aborts what is left */

/* Takes ownership of `client`, also on failure: 0 or ERR_NOMEM. */
int session_start(struct sessions *all, struct stream *client, struct now now) MUST_USE;

/* End those that have not asked for anything yet. */
void sessions_end_idle(struct sessions *all);

uint64_t sessions_next_deadline(const struct sessions *all);
void sessions_tick(struct sessions *all, struct now now);

/* Is it time for a warning of this kind again? At most once a minute. */
static inline bool may_warn(uint64_t *quiet_until, struct now now)
{
    if (now.mono < *quiet_until) {
        return false;
    }
    *quiet_until = now.mono + 60 * NS_PER_S;
    return true;
}

#endif
