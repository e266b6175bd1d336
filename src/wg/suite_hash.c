/* SPDX-License-Identifier: MIT */
/* BLAKE2s by libb2, and what Noise makes of it. */
#include "wg/suite.h"

#include <assert.h>
#include <blake2.h>

enum { HMAC_BLOCK = 64 };

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
