/* SPDX-License-Identifier: MIT */
/* The batch of a turn, and the port that it leaves by. */
#include "app/outside.h"

#include "base/err.h"

#define STAGED_MAX 128 /* packets that one handshake can release (paper 6.4, wg.h) */
#define BATCH 64       /* full packets of our own beside them */
#define OUTBOX_MESSAGES 1024
#define TRIES 3 /* initiations in vain before another port is taken */

int outside_init(struct outside *o, const struct env *env, uint16_t mtu)
{
    size_t room = WG_OUT_ROOM(mtu);
    *o = (struct outside){.env = env,
                          .release_room = (STAGED_MAX + 1) * room + WG_BATCH * WG_OUT_ROOM(0)};
    return outbox_init(&o->outbox, (o->release_room + BATCH * room) / 16 * 16, OUTBOX_MESSAGES);
}

void outside_fini(struct outside *o)
{
    if (o->port != NULL) {
        o->port->ops->close(o->port);
    }
    outbox_fini(&o->outbox);
    *o = (struct outside){0};
}

/* What was asked of earlier ports holds for this one too. */
static int open_port(struct outside *o, uint16_t number, struct dgram **out)
{
    int err = o->env->ops->udp_open(o->env->world, number, o->handler, o->ctx, out);
    if (err == 0 && o->plain && (*out)->ops->no_offload != NULL) {
        (*out)->ops->no_offload(*out);
    }
    if (err == 0 && o->fragments) {
        (*out)->ops->allow_fragments(*out);
    }
    return err;
}

int outside_open(struct outside *o, uint16_t port, bool plain, const struct dgram_handler *handler,
                 void *ctx)
{
    o->configured = port;
    o->plain = plain;
    o->handler = handler;
    o->ctx = ctx;
    return open_port(o, port, &o->port);
}

void outside_send(struct outside *o, struct wg *wg)
{
    wg_seal(wg);
    if (o->outbox.n > 0) {
        o->port->ops->send(o->port, &o->outbox);
        outbox_clear(&o->outbox);
    }
}

static void make_room(struct outside *o, struct wg *wg, size_t len, unsigned messages)
{
    if (!outbox_has_room(&o->outbox, len) || o->outbox.max - o->outbox.n < messages) {
        outside_send(o, wg);
    }
}

void outside_room_for_packet(struct outside *o, struct wg *wg, size_t len)
{
    make_room(o, wg, WG_OUT_ROOM(len), 2); /* an initiation may follow it */
}

void outside_room_for_event(struct outside *o, struct wg *wg)
{
    make_room(o, wg, o->release_room, STAGED_MAX + WG_BATCH); /* one batch, an answer to each */
}

static struct dgram_counters port_counters(const struct dgram *port)
{
    return port->ops->counters != NULL ? port->ops->counters(port) : (struct dgram_counters){0};
}

struct dgram_counters outside_counters(const struct outside *o)
{
    struct dgram_counters c = port_counters(o->port);
    c.received += o->past.received;
    c.receive_calls += o->past.receive_calls;
    c.receive_dropped += o->past.receive_dropped;
    c.sent += o->past.sent;
    c.send_calls += o->past.send_calls;
    c.send_dropped += o->past.send_dropped;
    c.undelivered += o->past.undelivered;
    return c;
}

void outside_allow_fragments(struct outside *o)
{
    o->fragments = true;
    o->port->ops->allow_fragments(o->port);
}

/* Most initiations that a peer has not answered; 0 while any peer answers. */
static unsigned unanswered(const struct wg *wg)
{
    unsigned most = 0;
    for (struct wg_peer *p = wg_peer_first(wg); p != NULL; p = wg_peer_next(p)) {
        struct wg_peer_status status;
        wg_peer_get(p, &status);
        if (status.has_session && status.initiations_pending == 0) {
            return 0;
        }
        most = status.initiations_pending > most ? status.initiations_pending : most;
    }
    return most;
}

void outside_renew(struct outside *o, const struct wg *wg)
{
    unsigned now_tried = unanswered(wg);
    if (now_tried < o->tries) {
        o->tries = 0;
    }
    if (o->configured != 0 || now_tried < o->tries + TRIES) {
        return;
    }
    o->tries = now_tried;
    struct dgram *fresh;
    if (open_port(o, 0, &fresh) != 0) {
        return; /* the old one is better than none */
    }
    o->past = outside_counters(o);
    o->port->ops->close(o->port);
    o->port = fresh;
    log_debug(o->env->log, "no answer to %u initiations -> UDP port %u from now on", now_tried,
              (unsigned)fresh->ops->local_port(fresh));
}
