/* SPDX-License-Identifier: MIT */
/* One WireGuard interface without a wire: keys, peers, handshakes, sessions and timers. Datagrams
 * and inner packets go in and out as bytes; time and chance are arguments. Everything it wants to
 * send stands in the outbox afterwards. It calls nobody but the log sink.
 *
 * Paper: J. A. Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel" (revision of 2020). */
#ifndef WGPROXY_WG_WG_H
#define WGPROXY_WG_WG_H

#include "base/addr.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/outbox.h"
#include "base/parallel.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wg;
struct wg_peer;

/* ---- life ---- */

struct wg_config {
    uint8_t private_key[KEY_LEN]; /* copied; the caller wipes its own */
    uint16_t mtu;                 /* of the inner side: padding never goes past it (paper 5.4.6) */
    struct rng rng;
    const struct log *log; /* borrowed, outlives the wg; may be NULL */
    /* Other cores for large batches, borrowed as well; NULL: none. It has no more than
     * WG_WORKERS_MAX workers. */
    const struct parallel *parallel;
};

struct wg_peer_config {
    uint8_t public_key[KEY_LEN];
    uint8_t preshared_key[KEY_LEN]; /* all zero: none (paper 5.2) */
    struct endpoint endpoint;       /* family NONE: wait for the peer to speak first */
    uint16_t keepalive;             /* PersistentKeepalive in seconds; 0 is off */
    const struct prefix *allowed_ips;
    size_t n_allowed_ips;
};

/* 0, or ERR_NOMEM. */
int wg_new(struct wg **out, const struct wg_config *config) MUST_USE;
/* Wipes every key. What still stands unsealed in an outbox is sealed first, so the outbox must
 * still be there. NULL is harmless. */
void wg_free(struct wg *wg);

/* 0, ERR_NOMEM, ERR_EXISTS (same public key twice), ERR_INVALID (the public key is our own, or a
 * low-order point). A prefix that two peers claim goes to the later one, as in wg(8); the log says
 * so. After an error such a prefix may be left without an owner; nothing else remains of the
 * attempt. */
int wg_peer_add(struct wg *wg, const struct wg_peer_config *config, struct wg_peer **out) MUST_USE;

/* The interface comes up: peers with a PersistentKeepalive and an endpoint begin at once; the rest
 * waits for traffic. */
void wg_start(struct wg *wg, struct outbox *out, struct now now);

/* ---- inner packets out ---- */

#define WG_HEADROOM 16 /* type, receiver index, counter (paper 5.4.6) */
#define WG_TAILROOM 32 /* padding to 16 and the tag */
#define WG_INNER_MAX (65507 - WG_HEADROOM - WG_TAILROOM) /* what one UDP datagram can carry */

/* So many packets are sealed or opened together; more than this goes in several batches. Worth
 * giving to wg_receive at once. */
#define WG_BATCH 256

/* Every call below that fills an outbox needs this much room for each packet or event
 * (asserted). */
#define WG_OUT_ROOM(inner_len) (WG_HEADROOM + (size_t)(inner_len) + WG_TAILROOM + 256)

enum wg_tx {
    WG_TX_SENT,     /* stands in the outbox */
    WG_TX_STAGED,   /* copied; leaves when the handshake completes (128 a peer, oldest go first) */
    WG_TX_NO_ROUTE, /* no peer's AllowedIPs hold the destination */
    WG_TX_NO_ENDPOINT, /* staged, but the peer has never been heard of and has no endpoint */
    WG_TX_INVALID,     /* not a whole IP packet, or longer than WG_INNER_MAX */
};

/* Send the inner IP packet that stands at outbox_tail(out) + WG_HEADROOM with `len` bytes. The
 * tail is committed as a data message, or given up; an initiation may follow it. Sealing may wait
 * until wg_seal. */
enum wg_tx wg_send(struct wg *wg, struct outbox *out, size_t len, struct now now) MUST_USE;

/* Seal what still stands open in the outbox. To be called before the outbox is sent or cleared. */
void wg_seal(struct wg *wg);

/* Is there a peer for this inner destination? 0, ERR_NO_ROUTE. */
int wg_route(const struct wg *wg, const struct addr *dst);

/* ---- datagrams in ---- */

/* What became of a datagram. All that are dropped are a counter and change nothing else; but the
 * last three came from the peer itself, so they are a sign of life and of where it is. */
#define WG_RX_TABLE(X)                                                                           \
    X(WG_RX_IP, "inner packet")                                                                  \
    X(WG_RX_KEEPALIVE, "keepalive")                                                              \
    X(WG_RX_HANDSHAKE, "handshake message consumed; a reply, if any, is in the outbox")          \
    X(WG_RX_DROP_MALFORMED, "not a WireGuard message: type, reserved bytes or length")           \
    X(WG_RX_DROP_MAC1, "mac1 is wrong: made for another public key")                             \
    X(WG_RX_DROP_LOAD, "under load: a cookie was sent, or the source is over its rate")          \
    X(WG_RX_DROP_UNKNOWN_PEER, "initiation by a key that is no peer")                            \
    X(WG_RX_DROP_HANDSHAKE, "handshake message does not decrypt")                                \
    X(WG_RX_DROP_STALE, "initiation repeated, too old or too soon, or an unexpected response")   \
    X(WG_RX_DROP_INDEX, "no session with that receiver index")                                   \
    X(WG_RX_DROP_EXPIRED, "the session is past its time or its messages")                        \
    X(WG_RX_DROP_AUTH, "data does not decrypt")                                                  \
    X(WG_RX_DROP_REPLAY, "counter seen before or too old")                                       \
    X(WG_RX_DROP_INNER, "what was inside is no whole IP packet")                                 \
    X(WG_RX_DROP_ECN, "congestion was marked on a packet that cannot carry the mark (RFC 6040)") \
    X(WG_RX_DROP_SOURCE, "inner source is not in the peer's AllowedIPs")

#define WG_RX_ENUM(name, words) name,
enum wg_rx { WG_RX_TABLE(WG_RX_ENUM) WG_RX_N };
#undef WG_RX_ENUM

struct wg_packet {
    /* in: a datagram, writable; decrypted in place */
    uint8_t *data;
    size_t len;
    struct endpoint from;
    uint8_t tos;
    /* out: */
    enum wg_rx verdict;
    uint8_t *ip; /* WG_RX_IP: the inner packet, a slice of `data` without its padding */
    size_t ip_len;
    struct wg_peer *peer; /* who sent it, where that is proven; else NULL */
};

/* Take a batch, in order. Replies and released staged packets are appended to the outbox, which is
 * sent on the caller's next flush. When it has no room left, replies are lost, as on a full wire,
 * and staged packets wait for the next wg_tick, which is then due at once. The order of checks for
 * data is the security property: index, key's age and count, AEAD, replay, endpoint, key
 * confirmation, timers, keepalive, inner version and length, ECN, padding, inner source. */
void wg_receive(struct wg *wg, struct wg_packet *batch, size_t n, struct outbox *out,
                struct now now);

/* ---- time ---- */

/* When wg_tick must run next, in ns of now.mono; NEVER when nothing waits. */
uint64_t wg_next_deadline(const struct wg *wg);
void wg_tick(struct wg *wg, struct outbox *out, struct now now);

/* ---- looking on ---- */

struct wg_peer_status {
    uint8_t public_key[KEY_LEN];
    struct endpoint endpoint;
    uint64_t rx_bytes, tx_bytes;  /* outer, as wg(8) counts: whole messages with header and tag */
    uint64_t last_handshake_wall; /* ns since 1970; 0 is never */
    uint64_t handshakes;          /* completed */
    unsigned initiations_pending; /* sent since the last answer */
    uint64_t first_unanswered;    /* now.mono of the first of those; 0 when none */
    uint64_t
        /* now.mono when a peer that lives has answered what was sent (paper 6.5); NEVER: it has */
        answer_due;
    bool has_session; /* a key that may send now (as of the last tick) */
    unsigned staged;
};

struct wg_peer *wg_peer_first(const struct wg *wg);
struct wg_peer *wg_peer_next(const struct wg_peer *peer);
void wg_peer_get(const struct wg_peer *peer, struct wg_peer_status *out);

/* A new address for the peer, as when its name was resolved again. Staged packets and a pending
 * handshake go there. */
void wg_peer_set_endpoint(struct wg_peer *peer, const struct endpoint *to);
/* The inner side's MTU became another one: from now on padding stays within it. */
void wg_set_mtu(struct wg *wg, uint16_t mtu);
/* Say something empty, so that the peer learns where we are; nothing without a session. */
void wg_peer_greet(struct wg_peer *peer, struct outbox *out, struct now now);
void wg_peer_set_keepalive(struct wg_peer *peer, uint16_t seconds, struct now now);

/* How often each verdict was given since wg_new. */
uint64_t wg_rx_count(const struct wg *wg, enum wg_rx verdict);
const char *wg_rx_text(enum wg_rx verdict);

/* What our peers must know us by. */
const uint8_t *wg_own_public_key(const struct wg *wg);

/* The public key of a private one. False for a key whose public half is all zero. */
bool wg_public_key(uint8_t public_key[KEY_LEN], const uint8_t private_key[KEY_LEN]);
/* Make random bytes a private key (clamped, RFC 7748 section 5). */
void wg_clamp(uint8_t key[KEY_LEN]);

/* Which AEAD works the data path on this machine, for --version: "ipsec-mb-avx512" or
 * "ipsec-mb-avx2" where the processor can and the program was built with intel-ipsec-mb, else
 * "libsodium". Chosen once, by this call or the first wg_new, unless wg_suite_choose came before. */
const char *wg_suite_name(void);
/* Choose by name: one of those, or "ipsec-mb" for the better of the two. NULL, or why not, to stand
 * behind the name in a message. Before the first wg_new. */
const char *wg_suite_choose(const char *name) MUST_USE;

/* Inner packets of a multiple of so many bytes are the cheapest for their length; 1 where all are
 * alike. */
uint16_t wg_suite_block(void);

/* ---- several cores ---- */

#define WG_WORKERS_MAX 32

/* What `least` of a struct parallel should be on this machine. */
size_t wg_parallel_least(void);

#endif
