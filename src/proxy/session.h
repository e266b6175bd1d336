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

#include <stdbool.h>
#include <stdint.h>

struct session;

/* What the sessions of one door share. Each is on exactly one list; the waits on one list all have
 * the same length, so that it is in order of deadlines by itself. */
struct sessions {
    struct dialer *dialer;
    const struct log *log;
    uint64_t patience;     /* ns for the request, and again for taking its reply */
    struct list waiting;   /* for the client, `patience` long */
    struct list lingering; /* for a refused client to have read why */
    struct list carried;   /* dialling or relaying: no deadline here */
    unsigned n;
    uint64_t quiet_dns; /* no warning about names without DNS before this */
};

/* Takes ownership of `client`, also on failure: 0 or ERR_NOMEM. */
int session_start(struct sessions *all, struct stream *client, struct now now) MUST_USE;

struct session *session_of(struct list *link); /* the session that stands on a list of the above */
uint64_t session_deadline(const struct session *s); /* of one that is waiting or lingering */
void session_expire(struct session *s);             /* its deadline came; frees it */
bool session_is_idle(const struct session *s);      /* has not asked for anything yet */
void session_stop(struct session *s);               /* ends it from outside; frees it */

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
