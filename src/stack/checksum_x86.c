/* SPDX-License-Identifier: MIT */
/* The Internet checksum with AVX2: 64 bytes a step into four sums of 64-bit lanes, which no packet
 * overflows. */
#include "stack/checksum.h"

#include <immintrin.h>

__attribute__((target("avx2"))) static uint16_t checksum_avx2(const uint8_t *data, size_t len)
{
    const __m256i low = _mm256_set1_epi64x(0xffffffff);
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (; len >= 64; data += 64, len -= 64) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)data);
        __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)(data + 32));
        a = _mm256_add_epi64(a, _mm256_and_si256(v, low));
        b = _mm256_add_epi64(b, _mm256_srli_epi64(v, 32));
        c = _mm256_add_epi64(c, _mm256_and_si256(w, low));
        d = _mm256_add_epi64(d, _mm256_srli_epi64(w, 32));
    }
    a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d));
    uint64_t lanes[4];
    _mm256_storeu_si256((__m256i *)(void *)lanes, a);
    return checksum_fold(lanes[0] + lanes[1] + lanes[2] + lanes[3] + checksum_portable(data, len));
}

checksum_fn *checksum_simd(void)
{
    return __builtin_cpu_supports("avx2") ? checksum_avx2 : NULL;
}
