/* SPDX-License-Identifier: MIT */
/* One accepted client, from its first byte to its last. */
#ifndef WGPROXY_PROXY_SESSION_H
#define WGPROXY_PROXY_SESSION_H

#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/stream.h"
#include "proxy/access.h"
#include "proxy/dial.h"
#include "proxy/door.h"
#include "proxy/udp_relay.h"

#include <stdbool.h>
#include <stdint.h>

struct session;

/* What the sessions of one door share. Each is on exactly one list; the waits on one list all have
 * the same length, so that it is in order of deadlines by itself (but for `associated`). */
struct sessions {
    struct dialer *dialer;
    struct stack *stack;         /* NULL: no BIND */
    const struct access *access; /* NULL: everything is allowed */
    struct udp_relay *udp;       /* NULL: no UDP ASSOCIATE */
    const struct log *log;
    enum log_level told_at; /* where sessions go, and how they end */
    bool tells_failures;    /* as errors in the log: the client has no other way to know */
    struct door_terms terms;
    uint64_t patience;     /* ns for the request, and again for taking its reply */
    uint64_t idle;         /* ns that a flow may be silent; 0: for ever */
    struct list waiting;   /* for the client, `patience` long */
    struct list resting;   /* between two requests of HTTP */
    struct list lingering; /* for a refused client to have read why */
    struct list binding;   /* for somebody to connect */
    struct list flowing;   /* relaying; in the order in which they last had news */
    /* may be silent as long as a flow; by deadline, too, though their waits differ */
    struct list associated;
    struct list carried; /* dialling: no deadline here */
    bool draining;       /* who has got what it asked for is to leave, not to ask for more */
    unsigned n, max;     /* max 0: no limit */
    unsigned n_surplus;  /* those of them that came beyond the limit, to be told so */
    /* no warning before this about names without DNS, and about clients that do not name their port */
    uint64_t quiet_dns, quiet_port;
};

/* Is there room for one more below the limit? Where somebody only rests, there is: who has rested longest is ended. */
bool sessions_make_room(struct sessions *all);
bool sessions_end_resting(struct sessions *all); /* the longest resting; false where nobody rests */

/* Takes ownership of `client`, also on failure: 0 or ERR_NOMEM. A `surplus` one may say what he
 * wants, and is refused then. */
int session_start(struct sessions *all, struct stream *client, bool surplus,
                  struct now now) MUST_USE;

/* the session that stands on a list of the above */
struct session *session_of(struct list *link);
uint64_t session_deadline(const struct session *s);     /* of one that is not merely carried */
void session_expire(struct session *s, struct now now); /* its deadline came; may free it */
bool session_is_idle(const struct session *s);          /* has not asked for anything yet */
void session_stop(struct session *s);                   /* ends it from outside; frees it */

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
