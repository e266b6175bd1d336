/* SPDX-License-Identifier: MIT */
/* mac1, mac2 and the cookie reply (paper 5.4.4, 5.4.7), in both roles. The checker is the
 * interface's: it judges what comes in and hands out cookies. The maker is a peer's: it
 * authenticates what we send and keeps the cookie that the peer gave us. */
#ifndef WGPROXY_WG_COOKIE_H
#define WGPROXY_WG_COOKIE_H

#include "base/addr.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/rng.h"
#include "wg/messages.h"
#include "wg/suite.h"

#include <stdbool.h>
#include <stddef.h>

struct cookie_checker {
    uint8_t mac1_key[SUITE_KEY];
    uint8_t cookie_key[SUITE_KEY];
    uint8_t secret[SUITE_HASH];
    uint64_t secret_until; /* now.mono; 0: none drawn yet */
};

struct cookie_maker {
    uint8_t mac1_key[SUITE_KEY];
    uint8_t cookie_key[SUITE_KEY];
    uint8_t cookie[COOKIE_LEN];
    uint64_t cookie_until; /* now.mono; 0: none */
    uint8_t sent_mac1[MAC_LEN];
    bool awaits_reply; /* sent_mac1 was not answered with a cookie yet */
};

/* Both take the public key of whoever reads the messages: ours, the peer's. */
void cookie_checker_init(struct cookie_checker *c, const uint8_t public_key[SUITE_KEY]);
void cookie_maker_init(struct cookie_maker *m, const uint8_t public_key[SUITE_KEY]);

/* `msg` is a whole handshake message; its macs are its last 32 bytes. */
bool cookie_mac1_is_valid(const struct cookie_checker *c, const uint8_t *msg, size_t len) MUST_USE;

/* Was it made with the cookie that we would give to `from` now? */
bool cookie_mac2_is_valid(struct cookie_checker *c, const struct rng *rng, const uint8_t *msg,
                          size_t len, const struct endpoint *from, struct now now) MUST_USE;

/* The reply to `msg`, whose mac1 was valid. `receiver` is its sender index as it stands there. */
void cookie_create_reply(struct cookie_checker *c, const struct rng *rng, struct msg_cookie *reply,
                         const uint8_t receiver[4], const uint8_t *msg, size_t len,
                         const struct endpoint *from, struct now now);

/* Fill in both macs of a message that is complete but for them. */
void cookie_add_macs(struct cookie_maker *m, void *msg, size_t len, struct now now);

/* False when no message of ours awaits a reply or it was not made for the last one. */
bool cookie_consume_reply(struct cookie_maker *m, const struct msg_cookie *reply,
                          struct now now) MUST_USE;

#endif
