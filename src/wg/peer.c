/* SPDX-License-Identifier: MIT */
/* A peer's life and the few changes that several files make to it. */
#include "wg/peer.h"

#include "base/err.h"
#include "wg/device.h"
#include "wg/send.h"

#include <stdio.h>
#include <stdlib.h>

static void name_peer(struct wg_peer *peer)
{
    char text[KEY_TEXT];
    key_to_base64(text, peer->remote.public_key);
    snprintf(peer->name, sizeof peer->name, "%.4s\xe2\x80\xa6", text);
}

struct wg_peer *peer_new(struct wg *wg, const struct wg_peer_config *config, int *err)
{
    struct wg_peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL) {
        *err = ERR_NOMEM;
        return NULL;
    }
    list_init(&peer->link);
    peer->wg = wg;
    peer->endpoint = config->endpoint;
    cookie_maker_init(&peer->cookie, config->public_key);
    handshake_init(&peer->handshake, peer);
    keypairs_init(&peer->keypairs, peer);
    staged_init(&peer->staged);
    timers_init(&peer->timers);
    peer->timers.interval = config->keepalive * NS_PER_S;
    if (!noise_remote_init(&peer->remote, &wg->identity, config->public_key,
                           config->preshared_key)) {
        *err = ERR_INVALID;
        peer_free(peer);
        return NULL;
    }
    name_peer(peer);
    *err = 0;
    return peer;
}

void peer_free(struct wg_peer *peer)
{
    list_remove(&peer->link);
    peer_zero_keys(peer);
    staged_purge(&peer->staged);
    wipe(peer, sizeof *peer);
    free(peer);
}

void peer_zero_keys(struct wg_peer *peer)
{
    send_seal(peer->wg);
    handshake_clear(&peer->handshake, &peer->wg->indices);
    keypairs_clear(&peer->keypairs, &peer->wg->indices);
}

void peer_roam(struct wg_peer *peer, const struct endpoint *to)
{
    if (endpoint_equal(&peer->endpoint, to)) {
        return;
    }
    char old[PEER_TEXT], text[ENDPOINT_TEXT];
    log_debug(peer->wg->log, "peer %s is now at %s -> answer there", peer_text(peer, old),
              endpoint_format(to, text));
    peer->endpoint = *to;
}

void peer_handshake_complete(struct wg_peer *peer, struct now now)
{
    char text[PEER_TEXT];
    timers_handshake_complete(&peer->timers);
    peer->rekeyed_on_receive = false;
    peer->handshakes++;
    peer->last_handshake_wall = now.wall;
    log_line(peer->wg->log, peer->up ? LOG_DEBUG : LOG_INFO, "peer %s: handshake completed",
             peer_text(peer, text));
    peer->up = true;
}

void peer_heard(struct wg_peer *peer, struct now now)
{
    timers_any_received(&peer->timers, now);
    peer->initiations_pending = 0;
    peer->first_unanswered = 0;
}

const char *peer_text(const struct wg_peer *peer, char out[PEER_TEXT])
{
    char endpoint[ENDPOINT_TEXT];
    bool known = peer->endpoint.addr.family != FAMILY_NONE;
    snprintf(out, PEER_TEXT, "%s (%s)", peer->name,
             known ? endpoint_format(&peer->endpoint, endpoint) : "no endpoint");
    return out;
}
