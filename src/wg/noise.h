/* SPDX-License-Identifier: MIT */
/* Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, both roles (paper 5.4, Noise revision 34), without
 * anything of WireGuard: prologue and payloads are parameters, so that published transcripts can
 * be replayed through it.
 *
 *     <- s
 *     ...
 *     -> e, es, s, ss, payload      noise_create_initiation, noise_consume_initiation_*
 *     <- e, ee, se, psk, payload    noise_create_response, noise_consume_response
 *
 * Messages lie flat: e (32), then each ciphertext with its tag. False from any of these means that
 * a DH result was all zero or a tag was wrong; the message is then not to be sent or believed. */
#ifndef WGPROXY_WG_NOISE_H
#define WGPROXY_WG_NOISE_H

#include "base/macros.h"
#include "wg/suite.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct noise_identity {
    uint8_t private_key[SUITE_KEY];
    uint8_t public_key[SUITE_KEY];
};

/* The other side, as it is known beforehand. */
struct noise_remote {
    uint8_t public_key[SUITE_KEY];
    uint8_t static_static[SUITE_KEY]; /* DH of both static keys, computed once */
    uint8_t psk[SUITE_KEY];           /* all zero: none */
};

struct noise_state {
    uint8_t chain[SUITE_HASH];
    uint8_t hash[SUITE_HASH];
    uint8_t ephemeral[SUITE_KEY];        /* ours, private; initiator only */
    uint8_t remote_ephemeral[SUITE_KEY]; /* theirs, public; responder only */
};

/* False when `public_key` is a low-order point. */
bool noise_remote_init(struct noise_remote *remote, const struct noise_identity *self,
                       const uint8_t public_key[SUITE_KEY], const uint8_t psk[SUITE_KEY]) MUST_USE;

void noise_begin(struct noise_state *st, const void *prologue, size_t len,
                 const uint8_t responder_public[SUITE_KEY]);

/* Writes SUITE_KEY + SUITE_KEY + SUITE_TAG + len + SUITE_TAG bytes. `ephemeral` is private and
 * clamped. */
bool noise_create_initiation(struct noise_state *st, const struct noise_identity *self,
                             const struct noise_remote *remote, const uint8_t ephemeral[SUITE_KEY],
                             const void *payload, size_t len, uint8_t *out) MUST_USE;

/* The first half names the sender; the caller looks it up and reads the second with it. `len` is
 * the payload without its tag. */
bool noise_consume_initiation_static(struct noise_state *st, const struct noise_identity *self,
                                     const uint8_t *in, uint8_t remote_static[SUITE_KEY]) MUST_USE;
bool noise_consume_initiation_payload(struct noise_state *st, const struct noise_remote *remote,
                                      const uint8_t *in, uint8_t *payload, size_t len) MUST_USE;

/* Writes SUITE_KEY + len + SUITE_TAG bytes. */
bool noise_create_response(struct noise_state *st, const struct noise_remote *remote,
                           const uint8_t ephemeral[SUITE_KEY], const void *payload, size_t len,
                           uint8_t *out) MUST_USE;

/* Changes *st only on success: a forged response must not spoil the handshake that waits for the
 * true one. */
bool noise_consume_response(struct noise_state *st, const struct noise_identity *self,
                            const struct noise_remote *remote, const uint8_t *in, uint8_t *payload,
                            size_t len) MUST_USE;

/* The initiator sends with the first key, the responder with the second. Wipes *st. */
void noise_split(struct noise_state *st, uint8_t first[SUITE_KEY], uint8_t second[SUITE_KEY]);

#endif
