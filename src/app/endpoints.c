/* SPDX-License-Identifier: MIT */
/* Names of peers' endpoints: looked up with back-off, tried address by address, looked up again. */
#include "app/endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"

#define RETRY_FIRST (1 * NS_PER_S)
#define RETRY_LONGEST (30 * NS_PER_S)
#define FOUND_MAX 8
#define TRIES_EACH 2 /* initiations without an answer before the next address has its turn */
#define ASK_AGAIN (10 * NS_PER_S)   /* at most this often while the peer is silent */
#define REFRESH (5 * 60 * NS_PER_S) /* with the first new session after that */

struct endpoints {
    const struct env *env;
    struct list names;
};

struct name {
    struct endpoints *owner;
    struct list link;
    struct wg_peer *peer;
    uint16_t port;
    uint64_t due;                /* when to ask; NEVER: not by time alone */
    uint64_t pause;              /* before the next try, after a failed one */
    uint64_t asked;              /* when the last lookup began */
    struct local_lookup *lookup; /* under way, or NULL */
    struct endpoint found[FOUND_MAX];
    size_t n_found, at; /* the one that the peer was given last */
    unsigned tried;     /* initiations that earlier addresses of this round have had */
    uint64_t sessions;  /* as of the last look */
    char host[];
};

int endpoints_new(struct endpoints **out, const struct env *env)
{
    struct endpoints *e = malloc(sizeof *e);
    if (e == NULL) {
        return ERR_NOMEM;
    }
    e->env = env;
    list_init(&e->names);
    *out = e;
    return 0;
}

void endpoints_free(struct endpoints *e)
{
    if (e == NULL) {
        return;
    }
    for (struct list *l; (l = list_pop_front(&e->names)) != NULL;) {
        struct name *n = list_item(l, struct name, link);
        if (n->lookup != NULL) {
            e->env->ops->local.resolve_cancel(n->lookup);
        }
        free(n);
    }
    free(e);
}

int endpoints_add(struct endpoints *e, struct wg_peer *peer, const char *host, uint16_t port)
{
    size_t size = strlen(host) + 1;
    struct name *n = malloc(sizeof *n + size);
    if (n == NULL) {
        return ERR_NOMEM;
    }
    *n = (struct name){.owner = e, .peer = peer, .port = port, .due = 0, .pause = RETRY_FIRST};
    memcpy(n->host, host, size);
    list_push_back(&e->names, &n->link);
    return 0;
}

uint64_t endpoints_next_deadline(const struct endpoints *e)
{
    uint64_t due = NEVER;
    list_foreach(l, &e->names) {
        due = deadline_min(due, list_item(l, struct name, link)->due);
    }
    return due;
}

void endpoints_hurry(struct endpoints *e, struct now now)
{
    list_foreach(l, &e->names) {
        struct name *n = list_item(l, struct name, link);
        if (n->n_found == 0 && n->lookup == NULL) {
            n->due = now.mono;
            n->pause = RETRY_FIRST;
        }
    }
}

/* ---- addresses ---- */

static void use(struct name *n, size_t at)
{
    char text[ENDPOINT_TEXT];
    n->at = at;
    log_info(n->owner->env->log, "endpoint %s is %s", n->host,
             endpoint_format(&n->found[at], text));
    wg_peer_set_endpoint(n->peer, &n->found[at]);
}

static bool is_found(const struct name *n, const struct endpoint *ep)
{
    for (size_t i = 0; i < n->n_found; i++) {
        if (endpoint_equal(&n->found[i], ep)) {
            return true;
        }
    }
    return false;
}

/* A peer that answers from an address which the name still has, or that it roamed to by itself, stays there. */
static bool stays(const struct name *n, const struct endpoint *given)
{
    struct wg_peer_status status;
    wg_peer_get(n->peer, &status);
    if (!status.has_session || status.initiations_pending > 0) {
        return false;
    }
    return is_found(n, &status.endpoint) || !endpoint_equal(&status.endpoint, given);
}

static void try_later(struct name *n, int err, struct now now)
{
    n->due = now.mono + n->pause;
    log_warn(n->owner->env->log, "endpoint %s: %s -> try again in %u s", n->host, err_text(err),
             (unsigned)(n->pause / NS_PER_S));
    n->pause = n->pause * 2 < RETRY_LONGEST ? n->pause * 2 : RETRY_LONGEST;
}

static void resolved(void *ctx, int err, const struct endpoint *found, size_t count, struct now now)
{
    struct name *n = ctx;
    n->lookup = NULL;
    if (err != 0 || count == 0) {
        try_later(n, err != 0 ? err : ERR_NO_DATA, now);
        return;
    }
    struct endpoint given = n->found[n->at];
    n->pause = RETRY_FIRST;
    n->n_found = count < FOUND_MAX ? count : FOUND_MAX;
    memcpy(n->found, found, n->n_found * sizeof *found);
    n->at = 0;
    if (!stays(n, &given)) {
        use(n, 0);
    }
}

/* ---- watching ---- */

static void ask_again(struct name *n, struct now now)
{
    if (n->lookup == NULL && n->due == NEVER) {
        n->due = now.mono > n->asked + ASK_AGAIN ? now.mono : n->asked + ASK_AGAIN;
    }
}

/* The address has had its tries: the next one, or when it was the last, the name again. */
static void move_on(struct name *n, struct now now)
{
    if (n->at + 1 < n->n_found) {
        use(n, n->at + 1);
    } else {
        ask_again(n, now);
    }
}

static void look(struct name *n, struct now now)
{
    struct wg_peer_status status;
    wg_peer_get(n->peer, &status);
    if (status.initiations_pending < n->tried) {
        n->tried = 0; /* answered, or given up and begun anew */
    }
    if (status.initiations_pending > n->tried + TRIES_EACH) {
        /* the one just sent went to the old address: it counts for the new */
        n->tried = status.initiations_pending - 1;
        move_on(n, now);
    }
    if (status.answer_due <= now.mono) {
        /* it may have moved, and the call that is about to be made should find it */
        ask_again(n, now);
    }
    if (status.handshakes != n->sessions) {
        n->sessions = status.handshakes;
        if (now.mono > n->asked + REFRESH && n->lookup == NULL) {
            n->due = now.mono;
        }
    }
}

void endpoints_look(struct endpoints *e, struct now now)
{
    list_foreach(l, &e->names) {
        struct name *n = list_item(l, struct name, link);
        if (n->n_found > 0) {
            look(n, now);
        }
    }
}

void endpoints_tick(struct endpoints *e, struct now now)
{
    list_foreach(l, &e->names) {
        struct name *n = list_item(l, struct name, link);
        if (n->due > now.mono) {
            continue;
        }
        n->due = NEVER;
        n->asked = now.mono;
        int err = e->env->ops->local.resolve(e->env->world, n->host, n->port, resolved, n,
                                             &n->lookup, now);
        if (err != 0) {
            n->lookup = NULL;
            try_later(n, err, now);
        }
    }
}
