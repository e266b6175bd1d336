/* SPDX-License-Identifier: MIT */
/* The implementations of ChaCha20-Poly1305 that suite.c chooses among. */
#ifndef WGPROXY_WG_SUITE_AEAD_H
#define WGPROXY_WG_SUITE_AEAD_H

#include "wg/suite.h"

struct suite_aead {
    const char *name;
    const char *library;
    /* Bytes of payload that take it about 60 us: less is not worth another core. */
    size_t worth_sharing;
    /* It works in blocks of so many bytes: a packet of whole ones is cheapest. 1: no matter. */
    uint16_t block;
    /* Get ready for worker 0. NULL, or why it cannot work here. Again is harmless. */
    const char *(*start)(void);
    /* As the functions of suite.h of these names. */
    void (*seal)(uint8_t *out, const uint8_t *key, const uint8_t *nonce, const void *plain,
                 size_t len, const void *aad, size_t aad_len);
    bool (*open)(uint8_t *out, const uint8_t *key, const uint8_t *nonce, const uint8_t *sealed,
                 size_t len, const void *aad, size_t aad_len);
    void (*seal_part)(unsigned worker, struct suite_job *jobs, size_t n);
    void (*open_part)(unsigned worker, struct suite_job *jobs, size_t n);
};

extern const struct suite_aead suite_aead_sodium;          /* suite_sodium.c */
extern const struct suite_aead suite_aead_ipsec_mb_avx512; /* suite_ipsec_mb.c, or its stand-in */
extern const struct suite_aead suite_aead_ipsec_mb_avx2;

#endif
