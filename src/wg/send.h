/* SPDX-License-Identifier: MIT */
/* Everything that leaves: data, keepalives, handshake messages, cookies. Inside of src/wg only.
 * What does not fit the outbox is dropped, as on a full wire, unless the function says
 * otherwise. */
#ifndef WGPROXY_WG_SEND_H
#define WGPROXY_WG_SEND_H

#include "base/outbox.h"
#include "wg/device.h"
#include "wg/peer.h"

/* Room that a handshake message and anything small needs. */
#define SEND_EVENT_ROOM 256

/* The packet at outbox_tail + WG_HEADROOM, to this peer. */
enum wg_tx send_data(struct wg_peer *peer, struct outbox *out, size_t len, uint8_t tos,
                     struct now now) MUST_USE;

/* As many staged packets as key and room allow; the rest stays. Without a key, begin a
 * handshake. */
void send_staged(struct wg_peer *peer, struct outbox *out, struct now now);

/* Send what is staged, or an empty packet if nothing is. Without a key, begin a handshake. */
void send_keepalive(struct wg_peer *peer, struct outbox *out, struct now now);

/* Seal all that stands open. */
void send_seal(struct wg *wg);

/* ---- send_handshake.c ---- */

/* Why a handshake begins; only a retry keeps the count of attempts. */
enum send_reason { SEND_FRESH, SEND_RETRY };

/* Begin a handshake unless one of ours left less than 5 s ago. */
void send_initiation(struct wg_peer *peer, struct outbox *out, enum send_reason reason,
                     struct now now);

/* Answer an initiation that was admitted, and make the session. */
void send_response(struct wg_peer *peer, struct outbox *out, struct handshake_incoming *in,
                   const struct msg_initiation *to, struct now now);

/* `msg` begins with type and sender index. */
void send_cookie_reply(struct wg *wg, struct outbox *out, const uint8_t *msg, size_t len,
                       const struct endpoint *to, struct now now);

#endif
