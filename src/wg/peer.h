/* SPDX-License-Identifier: MIT */
/* One peer: what is configured about it and everything that is going on with it. Inside of src/wg
 * only. */
#ifndef WGPROXY_WG_PEER_H
#define WGPROXY_WG_PEER_H

#include "base/addr.h"
#include "base/list.h"
#include "wg/cookie.h"
#include "wg/handshake.h"
#include "wg/keypair.h"
#include "wg/noise.h"
#include "wg/staged.h"
#include "wg/timers.h"
#include "wg/wg.h"

struct wg_peer {
    struct list link; /* wg.peers, in the order they were added */
    struct wg *wg;
    char name[8]; /* the first characters of its public key, for the log */

    struct noise_remote remote;
    struct endpoint endpoint;
    struct cookie_maker cookie;
    struct handshake handshake;
    struct keypairs keypairs;
    struct staged staged;
    struct timers timers;

    uint64_t initiate_from;  /* now.mono; the floor between two handshakes of ours (paper 6.4) */
    bool rekeyed_on_receive; /* the late rekey was asked for; once per session */
    bool wants_to_send;      /* something waits for an endpoint, or waited for room in the outbox */

    /* What the log and the user are told. */
    bool up; /* a handshake completed and the peer was not silent since */
    bool clock_told;
    uint64_t rx_bytes, tx_bytes;
    uint64_t last_handshake_wall;
    uint64_t handshakes;
    unsigned initiations_pending;
    uint64_t first_unanswered;
};

/* NULL without memory; *err says why: ERR_NOMEM, ERR_INVALID. Not on any list yet. */
struct wg_peer *peer_new(struct wg *wg, const struct wg_peer_config *config, int *err);
void peer_free(struct wg_peer *peer); /* wipes */

/* Keys, the open handshake: all gone (paper 6.3). */
void peer_zero_keys(struct wg_peer *peer);

/* The endpoint that the peer proved to be at (paper 2.1). */
void peer_roam(struct wg_peer *peer, const struct endpoint *to);

/* The session is mutual: the response came, or the first data under it. */
void peer_handshake_complete(struct wg_peer *peer, struct now now);

/* Something authenticated came. */
void peer_heard(struct wg_peer *peer, struct now now);

/* "Ab3d… (192.0.2.1:51820)" */
#define PEER_TEXT (8 + ENDPOINT_TEXT + 4)
const char *peer_text(const struct wg_peer *peer, char out[PEER_TEXT]);

#endif
