/* SPDX-License-Identifier: MIT */
/* A suite that keeps nothing secret, linked in place of wg/suite.c, so that a fuzzer gets past
 * authentication and reaches the state behind it. Ciphertext is plaintext; a tag is wrong only
 * when its first byte is 0xff; macs are zero; DH and hashes give something that depends on their
 * input. */
#include "wg/suite.h"

#include <string.h>

bool suite_init(void)
{
    return true;
}

const char *suite_name(void)
{
    return "null";
}

bool suite_dh(uint8_t out[SUITE_KEY], const uint8_t private_key[SUITE_KEY],
              const uint8_t public_key[SUITE_KEY])
{
    static const uint8_t zero[SUITE_KEY];
    for (size_t i = 0; i < SUITE_KEY; i++) {
        out[i] = private_key[i] ^ public_key[i];
    }
    return memcmp(public_key, zero, SUITE_KEY) != 0;
}

bool suite_dh_public(uint8_t out[SUITE_KEY], const uint8_t private_key[SUITE_KEY])
{
    for (size_t i = 0; i < SUITE_KEY; i++) {
        out[i] = private_key[i] ^ 0x5a;
    }
    return true;
}

void suite_clamp(uint8_t private_key[SUITE_KEY])
{
    private_key[31] &= 127;
}

static void fold(uint8_t out[SUITE_HASH], const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i % SUITE_HASH] = (uint8_t)(out[i % SUITE_HASH] * 31 + data[i] + 1);
    }
}

void suite_hash(uint8_t out[SUITE_HASH], const void *a, size_t a_len, const void *b, size_t b_len)
{
    uint8_t sum[SUITE_HASH] = {1};
    fold(sum, a, a_len);
    fold(sum, b, b_len);
    memcpy(out, sum, sizeof sum);
}

void suite_keyed_hash(uint8_t *out, size_t out_len, const void *key, size_t key_len,
                      const void *data, size_t len)
{
    (void)key, (void)key_len, (void)data, (void)len;
    memset(out, 0, out_len);
}

void suite_mac(uint8_t out[SUITE_MAC], const void *key, size_t key_len, const void *data,
               size_t len)
{
    suite_keyed_hash(out, SUITE_MAC, key, key_len, data, len);
}

void suite_hmac(uint8_t out[SUITE_HASH], const uint8_t key[SUITE_HASH], const void *data,
                size_t len)
{
    suite_hash(out, key, SUITE_HASH, data, len);
}

void suite_kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t chain[SUITE_HASH],
               const void *input, size_t len)
{
    uint8_t *const outs[] = {out1, out2, out3};
    uint8_t secret[SUITE_HASH];
    suite_hash(secret, chain, SUITE_HASH, input, len);
    for (size_t i = 0; i < ARRAY_SIZE(outs) && outs[i] != NULL; i++) {
        memcpy(outs[i], secret, SUITE_HASH);
        outs[i][0] ^= (uint8_t)i;
    }
}

void suite_seal(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_NONCE],
                const void *plain, size_t len, const void *aad, size_t aad_len)
{
    (void)key, (void)nonce, (void)aad, (void)aad_len;
    if (len > 0) {
        memmove(out, plain, len);
    }
    memset(out + len, 0, SUITE_TAG);
}

bool suite_open(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_NONCE],
                const uint8_t *sealed, size_t len, const void *aad, size_t aad_len)
{
    (void)key, (void)nonce, (void)aad, (void)aad_len;
    if (sealed[len - SUITE_TAG] == 0xff) {
        return false;
    }
    memmove(out, sealed, len - SUITE_TAG);
    return true;
}

void suite_xseal(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_XNONCE],
                 const void *plain, size_t len, const void *aad, size_t aad_len)
{
    suite_seal(out, key, nonce, plain, len, aad, aad_len);
}

bool suite_xopen(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_XNONCE],
                 const uint8_t *sealed, size_t len, const void *aad, size_t aad_len)
{
    return suite_open(out, key, nonce, sealed, len, aad, aad_len);
}

const char *suite_choose(const char *name)
{
    return name == NULL || strcmp(name, "null") == 0 ? NULL : "is not null";
}

const char *suite_aead_name(size_t i)
{
    return i == 0 ? "null" : NULL;
}

size_t suite_worth_sharing(void)
{
    return SIZE_MAX;
}

uint16_t suite_block(void)
{
    return 1;
}

void suite_seal_part(unsigned worker, struct suite_job *jobs, size_t n)
{
    (void)worker;
    suite_seal_batch(jobs, n);
}

void suite_open_part(unsigned worker, struct suite_job *jobs, size_t n)
{
    (void)worker;
    suite_open_batch(jobs, n);
}

void suite_seal_batch(struct suite_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        suite_seal(jobs[i].data, jobs[i].key, NULL, jobs[i].data, jobs[i].len, NULL, 0);
    }
}

void suite_open_batch(struct suite_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        jobs[i].ok =
            suite_open(jobs[i].data, jobs[i].key, NULL, jobs[i].data, jobs[i].len, NULL, 0);
    }
}

bool suite_equal(const void *a, const void *b, size_t len)
{
    return memcmp(a, b, len) == 0;
}

uint64_t suite_siphash(const uint8_t key[16], const void *data, size_t len)
{
    uint8_t sum[SUITE_HASH] = {key[0]};
    fold(sum, data, len);
    return load_le64(sum);
}
