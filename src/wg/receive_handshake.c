/* SPDX-License-Identifier: MIT */
/* Initiations, responses and cookie replies that come in (paper 5.3, 5.4). Nothing is answered,
 * and nothing remembered, before the message has proved where it comes from. */
#include "wg/receive.h"

#include "wg/send.h"

/* mac1, and under load mac2 and the source's rate (paper 5.3). WG_RX_HANDSHAKE means: go on. */
static enum wg_rx admit(struct wg *wg, const struct wg_packet *packet, struct outbox *out,
                        struct now now)
{
    if (!cookie_mac1_is_valid(&wg->checker, packet->data, packet->len)) {
        return WG_RX_DROP_MAC1;
    }
    if (!load_add(&wg->load, now)) {
        return WG_RX_HANDSHAKE;
    }
    if (!cookie_mac2_is_valid(&wg->checker, &wg->rng, packet->data, packet->len, &packet->from,
                              now)) {
        send_cookie_reply(wg, out, packet->data, packet->len, &packet->from, now);
        return WG_RX_DROP_LOAD;
    }
    return ratelimiter_allow(&wg->limiter, &packet->from.addr, now) ? WG_RX_HANDSHAKE
                                                                    : WG_RX_DROP_LOAD;
}

/* A handshake message of `peer` was good. */
static void accepted(struct wg_packet *packet, struct wg_peer *peer, struct now now)
{
    packet->peer = peer;
    peer->rx_bytes += packet->len;
    peer_roam(peer, &packet->from);
    peer_heard(peer, now);
}

static enum wg_rx read_initiation(struct wg *wg, struct handshake_incoming *in,
                                  struct wg_packet *packet, struct outbox *out, struct now now)
{
    const struct msg_initiation *msg = (const struct msg_initiation *)packet->data;
    if (!handshake_consume_initiation(in, &wg->identity, msg)) {
        return WG_RX_DROP_HANDSHAKE;
    }
    struct wg_peer *peer = device_peer_lookup(wg, in->remote_static);
    if (peer == NULL) {
        return WG_RX_DROP_UNKNOWN_PEER;
    }
    if (!handshake_authenticate_initiation(in, &peer->remote, msg)) {
        return WG_RX_DROP_HANDSHAKE;
    }
    if (!handshake_admit_initiation(&peer->handshake, in, now)) {
        return WG_RX_DROP_STALE;
    }
    accepted(packet, peer, now);
    send_response(peer, out, in, msg, now);
    return WG_RX_HANDSHAKE;
}

static enum wg_rx receive_initiation(struct wg *wg, struct wg_packet *packet, struct outbox *out,
                                     struct now now)
{
    struct handshake_incoming in;
    enum wg_rx verdict = read_initiation(wg, &in, packet, out, now);
    wipe(&in, sizeof in);
    return verdict;
}

static enum wg_rx receive_response(struct wg *wg, struct wg_packet *packet, struct outbox *out,
                                   struct now now)
{
    const struct msg_response *msg = (const struct msg_response *)packet->data;
    struct index_entry *entry = index_lookup(&wg->indices, load_le32(msg->receiver));
    if (entry == NULL || entry->kind != INDEX_HANDSHAKE) {
        return WG_RX_DROP_STALE;
    }
    struct wg_peer *peer = entry->peer;
    struct keypair *kp = keypairs_blank(&peer->keypairs);
    if (!handshake_consume_response(&peer->handshake, &wg->identity, &peer->remote, &wg->indices,
                                    msg, kp, now)) {
        return WG_RX_DROP_HANDSHAKE;
    }
    send_seal(wg); /* a slot is about to lose its keypair */
    keypairs_add(&peer->keypairs, &wg->indices, kp);
    accepted(packet, peer, now);
    timers_session_derived(&peer->timers, &wg->rng, now);
    peer_handshake_complete(peer, now);
    /* At once, so that the responder has its confirmation: what is staged, or an empty packet. */
    send_keepalive(peer, out, now);
    return WG_RX_HANDSHAKE;
}

/* A cookie changes what the next initiation carries and nothing else: it is not authenticated by
 * the peer's static key in the way of a handshake, so the endpoint stays and nothing is sent. */
static enum wg_rx receive_cookie(struct wg *wg, const struct wg_packet *packet, struct now now)
{
    const struct msg_cookie *msg = (const struct msg_cookie *)packet->data;
    struct index_entry *entry = index_lookup(&wg->indices, load_le32(msg->receiver));
    if (entry == NULL) {
        return WG_RX_DROP_INDEX;
    }
    if (!cookie_consume_reply(&entry->peer->cookie, msg, now)) {
        return WG_RX_DROP_HANDSHAKE;
    }
    log_debug(wg->log, "peer %s is under load and gave a cookie -> next initiation carries it",
              entry->peer->name);
    return WG_RX_HANDSHAKE;
}

enum wg_rx receive_handshake(struct wg *wg, struct wg_packet *packet, struct outbox *out,
                             struct now now)
{
    uint32_t type = msg_type(packet->data);
    if (type == MSG_COOKIE) {
        return receive_cookie(wg, packet, now);
    }
    enum wg_rx verdict = admit(wg, packet, out, now);
    if (verdict != WG_RX_HANDSHAKE) {
        return verdict;
    }
    return type == MSG_INITIATION ? receive_initiation(wg, packet, out, now)
                                  : receive_response(wg, packet, out, now);
}
