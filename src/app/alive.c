/* SPDX-License-Identifier: MIT */
/* Pings inside a tunnel, and the first call of its peers. */
#include "app/alive.h"

#include <stdlib.h>

#include "base/err.h"
#include "stack/stack_ping.h"

#define INTERVAL_USUAL 5 /* seconds, as wireproxy has it */
#define GRACE (2 * NS_PER_S)
#define CALL_EVERY 5 /* seconds, of the keepalive that makes a quiet tunnel begin */

struct alive {
    struct tunnel *tunnel;
    const struct config *config;
    struct stack_ping *ping; /* NULL without targets */
    uint64_t interval;
    uint64_t next; /* ping, or look at the peers; NEVER: nothing more to do */
    uint16_t seq;
    bool calling;
    size_t n;
    struct alive_target targets[];
};

static void replied(void *ctx, struct stack_ping *p, const struct addr *from, uint16_t seq,
                    size_t len, struct now now)
{
    (void)p;
    (void)seq;
    (void)len;
    struct alive *a = ctx;
    for (size_t i = 0; i < a->n; i++) {
        if (addr_equal(&a->targets[i].addr, from)) {
            a->targets[i].last_pong = now.wall;
            a->targets[i].last_pong_mono = now.mono;
        }
    }
}

static const struct stack_ping_handler handler = {.replied = replied};

int alive_new(struct alive **out, struct tunnel *tunnel, const struct config *config,
              struct now now)
{
    size_t n = config->n_check_alive;
    struct alive *a = calloc(1, sizeof *a + n * sizeof a->targets[0]);
    if (a == NULL) {
        return ERR_NOMEM;
    }
    a->tunnel = tunnel;
    a->config = config;
    a->n = n;
    a->interval =
        (config->check_alive_interval != 0 ? config->check_alive_interval : INTERVAL_USUAL) *
        NS_PER_S;
    a->next = now.mono;
    for (size_t i = 0; i < n; i++) {
        a->targets[i].addr = config->check_alive[i];
    }
    int err = n > 0 ? stack_ping_open(tunnel_stack(tunnel), &handler, a, &a->ping) : 0;
    if (err != 0) {
        free(a);
        return err;
    }
    *out = a;
    return 0;
}

void alive_free(struct alive *a)
{
    if (a != NULL && a->ping != NULL) {
        stack_ping_close(a->ping);
    }
    free(a);
}

uint64_t alive_next_deadline(const struct alive *a)
{
    return a->next;
}

static void ping_all(struct alive *a)
{
    a->seq++;
    for (size_t i = 0; i < a->n; i++) {
        const struct addr *to = &a->targets[i].addr;
        int err = stack_ping_send(a->ping, to, a->seq, stack_ping_headers(to->family) + 8);
        if (err != 0) {
            continue; /* no pong will come, which is what the status says */
        }
    }
}

static bool has_session(const struct alive *a)
{
    for (struct wg_peer *p = wg_peer_first(tunnel_wg(a->tunnel)); p != NULL; p = wg_peer_next(p)) {
        struct wg_peer_status status;
        wg_peer_get(p, &status);
        if (status.handshakes > 0) {
            return true;
        }
    }
    return false;
}

static void set_keepalives(struct alive *a, bool calling, struct now now)
{
    size_t i = 0;
    for (struct wg_peer *p = wg_peer_first(tunnel_wg(a->tunnel)); p != NULL;
         p = wg_peer_next(p), i++) {
        uint16_t usual = i < a->config->n_peers ? a->config->peers[i].keepalive : 0;
        wg_peer_set_keepalive(p, calling ? CALL_EVERY : usual, now);
    }
}

/* A tunnel that nobody uses yet would stay silent, and so never be ready to be used. */
static void call_once(struct alive *a, struct now now)
{
    if (!a->calling) {
        a->calling = true;
        set_keepalives(a, true, now);
        a->next = now.mono + NS_PER_S;
    } else if (has_session(a)) {
        set_keepalives(a, false, now);
        a->next = NEVER;
    } else {
        a->next = now.mono + NS_PER_S;
    }
}

void alive_tick(struct alive *a, struct now now)
{
    if (a->n == 0) {
        call_once(a, now);
        return;
    }
    ping_all(a);
    a->next = now.mono + a->interval;
}

bool alive_is_ready(const struct alive *a, struct now now)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct alive_target *t = &a->targets[i];
        if (t->last_pong == 0 || now.mono - t->last_pong_mono > a->interval + GRACE) {
            return false;
        }
    }
    return a->n > 0 || has_session(a);
}

const struct alive_target *alive_targets(const struct alive *a, size_t *n)
{
    *n = a->n;
    return a->targets;
}

struct tunnel *alive_tunnel(const struct alive *a)
{
    return a->tunnel;
}

const struct config *alive_config(const struct alive *a)
{
    return a->config;
}
