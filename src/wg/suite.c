/* SPDX-License-Identifier: MIT */
/* Which implementation of the AEAD is used: chosen once, by what this machine can or by whoever asks
 * for one. */
#include "wg/suite_aead.h"

#include <assert.h>
#include <string.h>

/* The fastest first. */
static const struct suite_aead *const aeads[] = {
    &suite_aead_ipsec_mb_avx512,
    &suite_aead_ipsec_mb_avx2,
    &suite_aead_sodium,
};

static const struct suite_aead *chosen;

/* By its whole name, or by that of its library: "ipsec-mb" is the better one of two. */
static bool is_called(const struct suite_aead *aead, const char *name)
{
    return strcmp(aead->name, name) == 0 || strcmp(aead->library, name) == 0;
}

const char *suite_choose(const char *name)
{
    const char *why = "is none of " SUITE_AEADS;
    for (size_t i = 0; i < ARRAY_SIZE(aeads); i++) {
        if (name != NULL && !is_called(aeads[i], name)) {
            continue;
        }
        why = aeads[i]->start();
        if (why == NULL) {
            chosen = aeads[i];
            break;
        }
    }
    return why;
}

bool suite_init(void)
{
    return suite_aead_sodium.start() == NULL && (chosen != NULL || suite_choose(NULL) == NULL);
}

const char *suite_name(void)
{
    return suite_init() ? chosen->name : "none";
}

const char *suite_aead_name(size_t i)
{
    return i < ARRAY_SIZE(aeads) ? aeads[i]->name : NULL;
}

size_t suite_worth_sharing(void)
{
    return chosen->worth_sharing;
}

uint16_t suite_block(void)
{
    return chosen->block;
}

void suite_seal(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_NONCE],
                const void *plain, size_t len, const void *aad, size_t aad_len)
{
    chosen->seal(out, key, nonce, plain, len, aad, aad_len);
}

bool suite_open(uint8_t *out, const uint8_t key[SUITE_KEY], const uint8_t nonce[SUITE_NONCE],
                const uint8_t *sealed, size_t len, const void *aad, size_t aad_len)
{
    return len >= SUITE_TAG && chosen->open(out, key, nonce, sealed, len, aad, aad_len);
}

void suite_seal_part(unsigned worker, struct suite_job *jobs, size_t n)
{
    assert(worker < SUITE_WORKERS);
    chosen->seal_part(worker, jobs, n);
}

void suite_open_part(unsigned worker, struct suite_job *jobs, size_t n)
{
    assert(worker < SUITE_WORKERS);
    chosen->open_part(worker, jobs, n);
}

void suite_seal_batch(struct suite_job *jobs, size_t n)
{
    suite_seal_part(0, jobs, n);
}

void suite_open_batch(struct suite_job *jobs, size_t n)
{
    suite_open_part(0, jobs, n);
}
