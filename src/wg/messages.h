/* SPDX-License-Identifier: MIT */
/* The four messages as they stand on the wire (paper 5.4) and the constants of the protocol (paper
 * 6.1), with the kernel module's values where the paper leaves a choice. */
#ifndef WGPROXY_WG_MESSAGES_H
#define WGPROXY_WG_MESSAGES_H

#include "base/bytes.h"
#include "base/now.h"

#include <assert.h>
#include <stdint.h>

/* The type is one byte and three reserved zero bytes: read as one little-endian word, so that a
 * reserved byte that is not zero makes the type unknown. */
enum msg_type { MSG_INITIATION = 1, MSG_RESPONSE = 2, MSG_COOKIE = 3, MSG_DATA = 4 };

enum {
    TAG_LEN = 16,
    MAC_LEN = 16,
    COOKIE_LEN = 16,
    TAI64N_LEN = 12,
};

struct msg_macs {
    uint8_t mac1[MAC_LEN];
    uint8_t mac2[MAC_LEN];
};

struct msg_initiation {
    uint8_t type[4];
    uint8_t sender[4];
    uint8_t ephemeral[32];
    uint8_t static_key[32 + TAG_LEN];
    uint8_t timestamp[TAI64N_LEN + TAG_LEN];
    struct msg_macs macs;
};
static_assert(sizeof(struct msg_initiation) == 148, "paper 5.4.2");

struct msg_response {
    uint8_t type[4];
    uint8_t sender[4];
    uint8_t receiver[4];
    uint8_t ephemeral[32];
    uint8_t empty[TAG_LEN];
    struct msg_macs macs;
};
static_assert(sizeof(struct msg_response) == 92, "paper 5.4.3");

struct msg_cookie {
    uint8_t type[4];
    uint8_t receiver[4];
    uint8_t nonce[24];
    uint8_t cookie[COOKIE_LEN + TAG_LEN];
};
static_assert(sizeof(struct msg_cookie) == 64, "paper 5.4.7");

struct msg_data {
    uint8_t type[4];
    uint8_t receiver[4];
    uint8_t counter[8];
};
static_assert(sizeof(struct msg_data) == 16, "paper 5.4.6");

#define MSG_DATA_MIN (sizeof(struct msg_data) + TAG_LEN) /* a keepalive */
#define MSG_PADDING 16                                   /* paper 5.4.6 */

/* DSCP AF41 for handshakes, as the kernel module marks them. */
#define HANDSHAKE_TOS 0x88

/* paper 6.1 */
#define REKEY_AFTER_MESSAGES (UINT64_C(1) << 60)
/* The paper's 2^64 - 2^13 - 1: the smaller of the two values in use, so that we never send what a
 * peer refuses. */
#define REJECT_AFTER_MESSAGES (UINT64_MAX - (UINT64_C(1) << 13))
#define REKEY_AFTER_TIME (120 * NS_PER_S)
#define REJECT_AFTER_TIME (180 * NS_PER_S)
#define REKEY_TIMEOUT (5 * NS_PER_S)
#define REKEY_ATTEMPT_TIME (90 * NS_PER_S)
#define KEEPALIVE_TIMEOUT (10 * NS_PER_S)

static_assert(sizeof(uint64_t) * 8 == 64 && REJECT_AFTER_MESSAGES == UINT64_C(0xffffffffffffdfff),
              "2^64 - 8193: a 32-bit counter would repeat nonces");

#define REKEY_JITTER_MAX (NS_PER_S / 3) /* paper 6.1, kernel: HZ / 3 */
#define REKEY_ON_RECEIVE_AFTER \
    (REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT) /* 165 s, paper 6.2 */
#define DEAD_PEER_TIME (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT)  /* paper 6.5 */
#define ZERO_KEYS_AFTER (3 * REJECT_AFTER_TIME)             /* paper 6.3 */

#define COOKIE_SECRET_AGE (120 * NS_PER_S) /* paper 5.4.7 */
#define COOKIE_USE_AGE (115 * NS_PER_S)    /* 5 s less, so that it is not stale when it arrives */

#define INITIATION_GAP (20 * NS_PER_MS)     /* between two accepted from one peer */
#define TIMESTAMP_GRAIN (UINT32_C(1) << 24) /* ns: the gap rounded down to a power of two */

#define STAGED_MAX 128

static inline uint32_t msg_type(const uint8_t *data)
{
    return load_le32(data);
}

#endif
