/* SPDX-License-Identifier: MIT */
/* The suite on libsodium, with libb2 for BLAKE2s, which libsodium does not have. */
#include "wg/suite.h"

#include <assert.h>
#include <blake2.h>
#include <sodium.h>

enum { HMAC_BLOCK = 64 };

bool suite_init(void)
{
    return sodium_init() >= 0;
}

const char *suite_name(void)
{
    return "libsodium";
}

bool suite_dh(uint8_t out[SUITE_KEY], const uint8_t private_key[SUITE_KEY],
              const uint8_t public_key[SUITE_KEY])
{
    if (crypto_scalarmult_curve25519(out, private_key, public_key) == 0 &&
        !sodium_is_zero(out, SUITE_KEY)) {
        return true;
    }
    wipe(out, SUITE_KEY);
    return false;
}

bool suite_dh_public(uint8_t out[SUITE_KEY], const uint8_t private_key[SUITE_KEY])
{
    return crypto_scalarmult_curve25519_base(out, private_key) == 0 &&
           !sodium_is_zero(out, SUITE_KEY);
}

void suite_clamp(uint8_t private_key[SUITE_KEY])
{
    private_key[0] &= 248;
    private_key[31] = (uint8_t)((private_key[31] & 127) | 64);
}

void suite_hash(uint8_t out[SUITE_HASH], const void *a, size_t a_len, const void *b, size_t b_len)
{
    blake2s_state state;
    blake2s_init(&state, SUITE_HASH);
    blake2s_update(&state, a, a_len);
    if (b_len > 0) {
        blake2s_update(&state, b, b_len);
    }
    blake2s_final(&state, out, SUITE_HASH);
    wipe(&state, sizeof state);
}

void suite_keyed_hash(uint8_t *out, size_t out_len, const void *key, size_t key_len,
                      const void *data, size_t len)
{
    assert(out_len >= 1 && out_len <= SUITE_HASH && key_len <= SUITE_KEY);
    blake2s_state state;
    if (key_len == 0) {
        blake2s_init(&state, out_len);
    } else {
        blake2s_init_key(&state, out_len, key, key_len);
    }
    if (len > 0) {
        blake2s_update(&state, data, len);
    }
    blake2s_final(&state, out, out_len);
    wipe(&state, sizeof state);
}

void suite_mac(uint8_t out[SUITE_MAC], const void *key, size_t key_len, const void *data,
               size_t len)
{
    suite_keyed_hash(out, SUITE_MAC, key, key_len, data, len);
}

void suite_hmac(uint8_t out[SUITE_HASH], const uint8_t key[SUITE_HASH], const void *data,
                size_t len)
{
    uint8_t pad[HMAC_BLOCK];
    uint8_t inner[SUITE_HASH];

    memset(pad, 0x36, sizeof pad);
    for (size_t i = 0; i < SUITE_HASH; i++) {
        pad[i] ^= key[i];
    }
    suite_hash(inner, pad, sizeof pad, data, len);
    for (size_t i = 0; i < sizeof pad; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }
    suite_hash(out, pad, sizeof pad, inner, sizeof inner);
    wipe(pad, sizeof pad);
    wipe(inner, sizeof inner);
}

void suite_kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t chain[SUITE_HASH],
               const void *input, size_t len)
{
    uint8_t secret[SUITE_HASH];
    uint8_t block[SUITE_HASH + 1]; /* the last output and the number of the next */
    uint8_t *const outs[] = {out1, out2, out3};
    size_t previous = 0;

    suite_hmac(secret, chain, input, len);
    for (size_t i = 0; i < ARRAY_SIZE(outs) && outs[i] != NULL; i++) {
        block[previous] = (uint8_t)(i + 1);
        suite_hmac(outs[i], secret, block, previous + 1);
        memcpy(block, outs[i], SUITE_HASH);
        previous = SUITE_HASH;
    }
    wipe(secret, sizeof secret);
    wipe(block, sizeof block);
}

void suite_seal(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_NONCE],
                const void *plain, size_t len, const void *aad, size_t aad_len)
{
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, len, aad, aad_len, NULL, nonce,
                                              key);
}

bool suite_open(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_NONCE],
                const uint8_t *sealed, size_t len, const void *aad, size_t aad_len)
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, aad, aad_len,
                                                     nonce, key) == 0;
}

void suite_xseal(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_XNONCE],
                 const void *plain, size_t len, const void *aad, size_t aad_len)
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain, len, aad, aad_len, NULL, nonce,
                                               key);
}

bool suite_xopen(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_XNONCE],
                 const uint8_t *sealed, size_t len, const void *aad, size_t aad_len)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, aad, aad_len,
                                                      nonce, key) == 0;
}

void suite_seal_batch(struct suite_job *jobs, size_t n)
{
    for (struct suite_job *job = jobs; job < jobs + n; job++) {
        uint8_t nonce[SUITE_NONCE];
        suite_nonce(nonce, job->counter);
        suite_seal(job->data, job->key, nonce, job->data, job->len, NULL, 0);
    }
}

void suite_open_batch(struct suite_job *jobs, size_t n)
{
    for (struct suite_job *job = jobs; job < jobs + n; job++) {
        uint8_t nonce[SUITE_NONCE];
        suite_nonce(nonce, job->counter);
        job->ok = suite_open(job->data, job->key, nonce, job->data, job->len, NULL, 0);
    }
}

bool suite_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

uint64_t suite_siphash(const uint8_t key[16], const void *data, size_t len)
{
    uint8_t out[crypto_shorthash_BYTES];
    crypto_shorthash(out, data, len, key);
    return load_le64(out);
}
