/* SPDX-License-Identifier: MIT */
/* The cryptography that WireGuard is made of (paper 5.4), and the only door to the crypto
 * libraries. Nothing here knows a message or a peer. */
#ifndef WGPROXY_WG_SUITE_H
#define WGPROXY_WG_SUITE_H

#include "base/bytes.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SUITE_KEY = 32, /* X25519 keys and results, AEAD keys, PSK */
    SUITE_KEY_ROOM =
        48,            /* an AEAD may read, and not use, so many bytes from where its key begins */
    SUITE_HASH = 32,   /* BLAKE2s */
    SUITE_MAC = 16,    /* keyed BLAKE2s */
    SUITE_TAG = 16,    /* Poly1305 */
    SUITE_NONCE = 12,  /* ChaCha20-Poly1305 */
    SUITE_XNONCE = 24, /* XChaCha20-Poly1305 */
};

/* Must have returned true once before anything else here is called; again is harmless. */
bool suite_init(void) MUST_USE;

/* The implementations of ChaCha20-Poly1305, as a user may name them. */
#define SUITE_AEADS "ipsec-mb, ipsec-mb-avx512, ipsec-mb-avx2, libsodium"

/* Use this one from now on; NULL is the fastest that runs here, which suite_init takes as well. NULL, or why not, and nothing changes. Not while a batch is under way. */
const char *suite_choose(const char *name) MUST_USE;

/* The one that was chosen: "ipsec-mb-avx512". */
const char *suite_name(void);

/* All that the program knows, the fastest first, whether they run here or not; NULL past the end. */
const char *suite_aead_name(size_t i);

/* ---- X25519 (RFC 7748) ---- */

/* False when the result is all zero: the other side gave a low-order point (RFC 7748,
 * section 6.1). */
bool suite_dh(uint8_t out[SUITE_KEY], const uint8_t private_key[SUITE_KEY],
              const uint8_t public_key[SUITE_KEY]) MUST_USE;
bool suite_dh_public(uint8_t out[SUITE_KEY], const uint8_t private_key[SUITE_KEY]) MUST_USE;
void suite_clamp(uint8_t private_key[SUITE_KEY]);

/* ---- BLAKE2s (RFC 7693), HMAC (RFC 2104), HKDF with Noise's conventions ---- */

/* HASH(a || b); `b` may be NULL with b_len 0. */
void suite_hash(uint8_t out[SUITE_HASH], const void *a, size_t a_len, const void *b, size_t b_len);

/* Keyed BLAKE2s, key_len 0..32 (0: no key), out_len 1..32. */
void suite_keyed_hash(uint8_t *out, size_t out_len, const void *key, size_t key_len,
                      const void *data, size_t len);
void suite_mac(uint8_t out[SUITE_MAC], const void *key, size_t key_len, const void *data,
               size_t len);
void suite_hmac(uint8_t out[SUITE_HASH], const uint8_t key[SUITE_HASH], const void *data,
                size_t len);

/* KDF1 to KDF3 of the paper: as many outputs as are not NULL, from the first. `chain` may be one
 * of them. */
void suite_kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t chain[SUITE_HASH],
               const void *input, size_t len);

/* ---- ChaCha20-Poly1305 (RFC 8439), XChaCha20-Poly1305 ---- */

/* The nonce of the data path and of Noise: 4 zero bytes and the counter in little endian. */
static inline void suite_nonce(uint8_t nonce[SUITE_NONCE], uint64_t counter)
{
    store_le32(nonce, 0);
    store_le64(nonce + 4, counter);
}

/* `out` takes len + SUITE_TAG bytes and may be `plain`. */
void suite_seal(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_NONCE],
                const void *plain, size_t len, const void *aad, size_t aad_len);

/* `len` counts the tag. False, with `out` untouched or zero, when it does not authenticate. */
bool suite_open(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_NONCE],
                const uint8_t *sealed, size_t len, const void *aad, size_t aad_len) MUST_USE;

void suite_xseal(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_XNONCE],
                 const void *plain, size_t len, const void *aad, size_t aad_len);
bool suite_xopen(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_XNONCE],
                 const uint8_t *sealed, size_t len, const void *aad, size_t aad_len) MUST_USE;

/* One data packet, worked in place, without additional data. */
struct suite_job {
    const uint8_t *key; /* borrowed until the batch has run */
    uint64_t counter;
    uint8_t *data;
    size_t len; /* seal: the plaintext, SUITE_TAG bytes of room follow; open: with the tag */
    bool ok;    /* open: it authenticated */
};

/* Jobs of a batch are independent of each other and may run in any order. What does not
 * authenticate leaves no plaintext in `data`. */
void suite_seal_batch(struct suite_job *jobs, size_t n);
void suite_open_batch(struct suite_job *jobs, size_t n);

/* Parts of one batch may be worked at the same time if each has a worker number of its own; 0 is
 * the one of the calls above. */
enum { SUITE_WORKERS = 33 };
void suite_seal_part(unsigned worker, struct suite_job *jobs, size_t n);
void suite_open_part(unsigned worker, struct suite_job *jobs, size_t n);

/* Batches of fewer bytes than this are done before another core has woken up for them. */
size_t suite_worth_sharing(void);

/* Plaintexts of a multiple of so many bytes are the cheapest for their length; 1 where all are alike. */
uint16_t suite_block(void);

/* ---- small things ---- */

/* In time that does not depend on the contents. */
bool suite_equal(const void *a, const void *b, size_t len) MUST_USE;

/* SipHash-2-4, for tables whose keys a stranger may choose. */
uint64_t suite_siphash(const uint8_t key[16], const void *data, size_t len);

#endif
