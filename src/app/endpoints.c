/* SPDX-License-Identifier: MIT */
/* Looks up the names of peers' endpoints, with back-off, until each has an address. */
#include "app/endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"

#define RETRY_FIRST (1 * NS_PER_S)
#define RETRY_LONGEST (30 * NS_PER_S)

struct endpoints {
    const struct env *env;
    struct list names;
};

struct name {
    struct endpoints *owner;
    struct list link;
    struct wg_peer *peer;
    uint16_t port;
    uint64_t due;              /* when to ask; NEVER while asking, and once answered */
    uint64_t pause;            /* before the next try */
    struct env_lookup *lookup; /* under way, or NULL */
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
            e->env->ops->resolve_cancel(n->lookup);
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
    char text[ENDPOINT_TEXT];
    log_info(n->owner->env->log, "endpoint %s is %s", n->host, endpoint_format(&found[0], text));
    wg_peer_set_endpoint(n->peer, &found[0]);
}

void endpoints_tick(struct endpoints *e, struct now now)
{
    list_foreach(l, &e->names) {
        struct name *n = list_item(l, struct name, link);
        if (n->due > now.mono) {
            continue;
        }
        n->due = NEVER;
        int err = e->env->ops->resolve(e->env->world, n->host, n->port, resolved, n, &n->lookup);
        if (err != 0) {
            n->lookup = NULL;
            try_later(n, err, now);
        }
    }
}
