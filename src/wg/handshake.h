/* SPDX-License-Identifier: MIT */
/* WireGuard's two handshake messages (paper 5.4.2, 5.4.3): the labels, indices and timestamps
 * around Noise, and what a peer has to remember between messages. Macs are added and checked
 * elsewhere (cookie.h).
 *
 * A handshake that we answer is over when the answer is written, so only one that we began has a
 * state. That is why both sides may begin at once: neither forgets its own initiation by answering
 * the other's. */
#ifndef WGPROXY_WG_HANDSHAKE_H
#define WGPROXY_WG_HANDSHAKE_H

#include "base/macros.h"
#include "base/now.h"
#include "base/rng.h"
#include "wg/index.h"
#include "wg/keypair.h"
#include "wg/messages.h"
#include "wg/noise.h"

#include <stdbool.h>
#include <stdint.h>

struct handshake {
    /* Listed: an initiation of ours is open under this index, and `noise` belongs to it. A
     * response is believed only for it, once: any change of the one changes the other. */
    struct index_entry entry;
    struct noise_state noise;
    uint64_t last_sent;         /* the timestamp of our last initiation, ns since 1970 */
    uint8_t latest[TAI64N_LEN]; /* the greatest timestamp the peer proved */
    uint64_t accept_from;       /* now.mono; no initiation of the peer is accepted before */
};

void handshake_init(struct handshake *hs, struct wg_peer *peer);

/* Forget the open initiation, if any; timestamps stay. */
void handshake_clear(struct handshake *hs, struct index_table *t);

/* ---- ours ---- */

/* Write an initiation up to its macs. It replaces the one that was open. False: the peer's key is
 * no good. */
bool handshake_create_initiation(struct handshake *hs, const struct noise_identity *self,
                                 const struct noise_remote *remote, struct index_table *t,
                                 const struct rng *rng, struct msg_initiation *msg,
                                 struct now now) MUST_USE;

/* Does the response answer the open initiation of `hs`, whose index it carries? If so the
 * handshake is over and *kp is the session, not yet in a slot. If not, nothing changed. */
bool handshake_consume_response(struct handshake *hs, const struct noise_identity *self,
                                const struct noise_remote *remote, struct index_table *t,
                                const struct msg_response *msg, struct keypair *kp,
                                struct now now) MUST_USE;

/* ---- the peer's ---- */

/* An initiation that is being read. The caller wipes it. */
struct handshake_incoming {
    struct noise_state noise;
    uint8_t remote_static[SUITE_KEY];
    uint8_t timestamp[TAI64N_LEN];
};

/* Who sent it? */
bool handshake_consume_initiation(struct handshake_incoming *in, const struct noise_identity *self,
                                  const struct msg_initiation *msg) MUST_USE;

/* Is it truly from `remote`? */
bool handshake_authenticate_initiation(struct handshake_incoming *in,
                                       const struct noise_remote *remote,
                                       const struct msg_initiation *msg) MUST_USE;

/* Is it newer than any before, and not too soon after the last? Remembers it if so (paper 5.1). */
bool handshake_admit_initiation(struct handshake *hs, const struct handshake_incoming *in,
                                struct now now) MUST_USE;

/* Write the response up to its macs and derive the session; wipes in->noise. */
bool handshake_create_response(struct handshake_incoming *in, const struct noise_remote *remote,
                               struct index_table *t, const struct rng *rng,
                               const struct msg_initiation *to, struct msg_response *msg,
                               struct keypair *kp, struct now now) MUST_USE;

#endif
