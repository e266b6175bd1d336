/* SPDX-License-Identifier: MIT */
/* The Internet checksum: the portable form and the choice between the forms. */
#include "stack/checksum.h"

#include <string.h>

/* Below this the wide registers cost more to set up than they save. */
enum { SIMD_MIN = 128 };

/* 32-bit words into a 64-bit sum: no carry to look after for 2^32 words. */
uint16_t checksum_portable(const uint8_t *data, size_t len)
{
    uint64_t sum = 0;
    for (; len >= 32; data += 32, len -= 32) {
        uint32_t w[8];
        memcpy(w, data, sizeof w);
        for (int i = 0; i < 8; i++) {
            sum += w[i];
        }
    }
    for (; len >= 4; data += 4, len -= 4) {
        uint32_t w;
        memcpy(&w, data, sizeof w);
        sum += w;
    }
    uint32_t rest = 0;
    memcpy(&rest, data, len);
    return checksum_fold(sum + rest);
}

uint16_t stack_checksum(const void *data, int len)
{
    static checksum_fn *simd;
    static int asked;
    if (!asked) {
        simd = checksum_simd();
        asked = 1;
    }
    if (simd && len >= SIMD_MIN) {
        return simd(data, (size_t)len);
    }
    return checksum_portable(data, (size_t)len);
}
