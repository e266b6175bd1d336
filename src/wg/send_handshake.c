/* SPDX-License-Identifier: MIT */
/* Handshake messages and cookie replies, with the timers and floors that go with them (paper 5.4,
 * 6.4). */
#include "wg/send.h"

static void put(struct outbox *out, size_t len, const struct endpoint *to)
{
    outbox_commit(out, len, to, HANDSHAKE_TOS);
}

/* The floor between two handshakes that we have a part in (paper 6.4). */
static void set_floor(struct wg_peer *peer, struct now now)
{
    peer->initiate_from = now.mono + REKEY_TIMEOUT;
}

static void count_unanswered(struct wg_peer *peer, struct now now)
{
    if (peer->initiations_pending++ == 0) {
        peer->first_unanswered = now.mono;
    }
}

static void tell_clock(struct wg_peer *peer, struct now now)
{
    bool behind = peer->handshake.last_sent > now.wall + NS_PER_S;
    if (behind && !peer->clock_told) {
        log_warn(peer->wg->log,
                 "the clock was set back by %llu s -> handshakes go on with the later time, or "
                 "peers would refuse "
                 "them as replayed",
                 (unsigned long long)((peer->handshake.last_sent - now.wall) / NS_PER_S));
    }
    peer->clock_told = behind;
}

static void log_initiation(const struct wg_peer *peer)
{
    char text[PEER_TEXT];
    if (peer->timers.attempts > 0) {
        log_debug(peer->wg->log, "peer %s: no reply after 5 s, try %u -> resend initiation",
                  peer->name, peer->timers.attempts + 1);
    } else {
        log_debug(peer->wg->log, "peer %s: -> initiation", peer_text(peer, text));
    }
}

void send_initiation(struct wg_peer *peer, struct outbox *out, enum send_reason reason,
                     struct now now)
{
    struct wg *wg = peer->wg;
    if (reason == SEND_FRESH) {
        peer->timers.attempts = 0;
    }
    if (peer->endpoint.addr.family == FAMILY_NONE) {
        peer->wants_to_send = true; /* until wg_peer_set_endpoint or the peer itself says where */
        return;
    }
    if (now.mono < peer->initiate_from) {
        timers_initiation_deferred(&peer->timers, peer->initiate_from);
        return;
    }
    if (!outbox_has_room(out, SEND_EVENT_ROOM)) {
        timers_initiation_deferred(&peer->timers, now.mono);
        return;
    }
    tell_clock(peer, now);
    struct msg_initiation *msg = (struct msg_initiation *)outbox_tail(out);
    bool reopened = peer->handshake.entry.listed;
    if (!handshake_create_initiation(&peer->handshake, &wg->identity, &peer->remote, &wg->indices,
                                     &wg->rng, msg, now)) {
        log_error(wg->log, "peer %s: its public key is a low-order point -> no handshake",
                  peer->name);
        return;
    }
    peer->timers.attempts += reason == SEND_RETRY && reopened;
    log_initiation(peer);
    cookie_add_macs(&peer->cookie, msg, sizeof *msg, now);
    put(out, sizeof *msg, &peer->endpoint);
    peer->tx_bytes += sizeof *msg;
    set_floor(peer, now);
    count_unanswered(peer, now);
    timers_any_sent(&peer->timers, now);
    timers_initiation_sent(&peer->timers, &wg->rng, now);
}

void send_response(struct wg_peer *peer, struct outbox *out, struct handshake_incoming *in,
                   const struct msg_initiation *to, struct now now)
{
    struct wg *wg = peer->wg;
    if (!outbox_has_room(out, SEND_EVENT_ROOM)) {
        return; /* the peer will ask again */
    }
    send_seal(wg); /* a slot may be about to lose its keypair */
    struct msg_response *msg = (struct msg_response *)outbox_tail(out);
    struct keypair *kp = keypairs_blank(&peer->keypairs);
    if (!handshake_create_response(in, &peer->remote, &wg->indices, &wg->rng, to, msg, kp, now)) {
        return;
    }
    keypairs_add(&peer->keypairs, &wg->indices, kp);
    cookie_add_macs(&peer->cookie, msg, sizeof *msg, now);
    put(out, sizeof *msg, &peer->endpoint);
    peer->tx_bytes += sizeof *msg;
    set_floor(peer, now);
    timers_session_derived(&peer->timers, &wg->rng, now);
    timers_any_sent(&peer->timers, now);
    log_debug(wg->log, "peer %s: initiation received -> response", peer->name);
}

void send_cookie_reply(struct wg *wg, struct outbox *out, const uint8_t *msg, size_t len,
                       const struct endpoint *to, struct now now)
{
    if (!outbox_has_room(out, SEND_EVENT_ROOM)) {
        return;
    }
    struct msg_cookie *reply = (struct msg_cookie *)outbox_tail(out);
    cookie_create_reply(&wg->checker, &wg->rng, reply,
                        msg + offsetof(struct msg_initiation, sender), msg, len, to, now);
    put(out, sizeof *reply, to);
}
