/* SPDX-License-Identifier: MIT */
/* What libsodium does of the suite: X25519, both AEADs one by one, and the batches of machines where
 * nothing faster runs. */
#include "wg/suite_aead.h"

#include <sodium.h>

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

static const char *start(void)
{
    return sodium_init() >= 0 ? NULL : "libsodium does not start";
}

static void seal_one(uint8_t *out, const uint8_t *key, const uint8_t *nonce, const void *plain,
                     size_t len, const void *aad, size_t aad_len)
{
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, len, aad, aad_len, NULL, nonce,
                                              key);
}

static bool open_one(uint8_t *out, const uint8_t *key, const uint8_t *nonce, const uint8_t *sealed,
                     size_t len, const void *aad, size_t aad_len)
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, aad, aad_len,
                                                     nonce, key) == 0;
}

static void seal_part(unsigned worker, struct suite_job *jobs, size_t n)
{
    (void)worker;
    for (struct suite_job *job = jobs; job < jobs + n; job++) {
        uint8_t nonce[SUITE_NONCE];
        suite_nonce(nonce, job->counter);
        seal_one(job->data, job->key, nonce, job->data, job->len, NULL, 0);
    }
}

static void open_part(unsigned worker, struct suite_job *jobs, size_t n)
{
    (void)worker;
    for (struct suite_job *job = jobs; job < jobs + n; job++) {
        uint8_t nonce[SUITE_NONCE];
        suite_nonce(nonce, job->counter);
        job->ok = open_one(job->data, job->key, nonce, job->data, job->len, NULL, 0);
    }
}

const struct suite_aead suite_aead_sodium = {
    .name = "libsodium",
    .library = "libsodium",
    .worth_sharing = 64 * 1024,
    .block = 64,
    .start = start,
    .seal = seal_one,
    .open = open_one,
    .seal_part = seal_part,
    .open_part = open_part,
};

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
