/* SPDX-License-Identifier: MIT */
/* Batches on intel-ipsec-mb, for x86 with AVX-512 or AVX2.
 *
 * Theory of operation: ChaCha20-Poly1305 is one of the library's algorithms that end within the call
 * which submits them, so one job is in flight at a time, and what it points to (key, nonce, tag) may
 * stand on our stack. Its manager keeps those pointers, never the bytes behind them; the library wipes
 * its own stack and registers. Nothing is checked per job (NOCHECK): we fill in every field that this
 * algorithm reads. A burst of jobs costs the same, and the direct calls cost more: they compute the
 * block that holds the Poly1305 key by itself. With AVX2 it reads 16 bytes beyond the key
 * (SUITE_KEY_ROOM), and nothing beyond the packet. */
#include "wg/suite_aead.h"

#include "base/pages.h"

#include <intel-ipsec-mb.h>

enum arch { AVX512, AVX2, ARCHES };

/* Each worker's own: a manager may be used by one thread at a time. */
static IMB_MGR *managers[ARCHES][SUITE_WORKERS];

/* Initialising runs the library's self-test, which touches 3 MiB of code for algorithms that we never
 * use. */
static void give_back_self_test(void)
{
    pages_give_back((const void *)(uintptr_t)init_mb_mgr_avx512);
}

static IMB_MGR *manager_new(enum arch arch)
{
    IMB_MGR *m = alloc_mb_mgr(0);
    if (m == NULL) {
        return NULL;
    }
    (arch == AVX512 ? init_mb_mgr_avx512 : init_mb_mgr_avx2)(m);
    give_back_self_test();
    if (imb_get_errno(m) != 0) { /* the self-test failed, too */
        free_mb_mgr(m);
        return NULL;
    }
    return m;
}

static IMB_MGR *manager_of(enum arch arch, unsigned worker)
{
    IMB_MGR **m = &managers[arch][worker];
    if (*m == NULL) {
        *m = manager_new(arch);
    }
    return *m;
}

static const char *start(enum arch arch)
{
    static const uint64_t needs[] = {[AVX512] = IMB_CPUFLAGS_AVX512, [AVX2] = IMB_CPUFLAGS_AVX2};
    if ((imb_get_feature_flags() & needs[arch]) != needs[arch]) {
        return arch == AVX512 ? "this processor has no AVX-512" : "this processor has no AVX2";
    }
    return manager_of(arch, 0) != NULL ? NULL : "intel-ipsec-mb does not start";
}

/* One packet from `in` to `out`, which may be the same. */
static void run(IMB_MGR *m, IMB_CIPHER_DIRECTION direction, const uint8_t *key,
                const uint8_t *nonce, uint8_t *out, const uint8_t *in, size_t len, const void *aad,
                size_t aad_len, uint8_t tag[SUITE_TAG])
{
    IMB_JOB *j = IMB_GET_NEXT_JOB(m);
    j->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    j->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    j->cipher_direction = direction;
    j->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    j->enc_keys = key;
    j->dec_keys = key;
    j->key_len_in_bytes = SUITE_KEY;
    j->iv = nonce;
    j->iv_len_in_bytes = SUITE_NONCE;
    j->src = in;
    j->dst = out;
    j->cipher_start_src_offset_in_bytes = 0;
    j->msg_len_to_cipher_in_bytes = len;
    j->hash_start_src_offset_in_bytes = 0;
    j->msg_len_to_hash_in_bytes = len;
    j->u.CHACHA20_POLY1305.aad = aad;
    j->u.CHACHA20_POLY1305.aad_len_in_bytes = aad_len;
    j->auth_tag_output = tag;
    j->auth_tag_output_len_in_bytes = SUITE_TAG;
    if (IMB_SUBMIT_JOB_NOCHECK(m) == NULL) {
        IMB_FLUSH_JOB(m);
    }
}

static void seal_one(IMB_MGR *m, uint8_t *out, const uint8_t *key, const uint8_t *nonce,
                     const uint8_t *plain, size_t len, const void *aad, size_t aad_len)
{
    run(m, IMB_DIR_ENCRYPT, key, nonce, out, plain, len, aad, aad_len, out + len);
}

/* As suite_equal, which goes byte by byte through the library: a tenth of what a small packet costs.
 * The compiler may not look inside `differ` and leave early. */
static bool is_same_tag(const uint8_t a[SUITE_TAG], const uint8_t b[SUITE_TAG])
{
    uint64_t differ = (load_le64(a) ^ load_le64(b)) | (load_le64(a + 8) ^ load_le64(b + 8));
    __asm__("" : "+r"(differ));
    return differ == 0;
}

static bool open_one(IMB_MGR *m, uint8_t *out, const uint8_t *key, const uint8_t *nonce,
                     const uint8_t *sealed, size_t len, const void *aad, size_t aad_len)
{
    uint8_t tag[SUITE_TAG];
    len -= SUITE_TAG;
    for (size_t i = 0; i < SUITE_TAG; i++) {
        tag[i] = (uint8_t)~sealed[len + i]; /* what the library did not write is not right */
    }
    run(m, IMB_DIR_DECRYPT, key, nonce, out, sealed, len, aad, aad_len, tag);
    bool ok = is_same_tag(tag, sealed + len);
    if (!ok) {
        wipe(out, len);
    }
    return ok;
}

static void seal_part(enum arch arch, unsigned worker, struct suite_job *jobs, size_t n)
{
    IMB_MGR *m = manager_of(arch, worker);
    if (m == NULL) { /* no memory for another worker's */
        suite_aead_sodium.seal_part(worker, jobs, n);
        return;
    }
    for (struct suite_job *job = jobs; job < jobs + n; job++) {
        uint8_t nonce[SUITE_NONCE];
        suite_nonce(nonce, job->counter);
        seal_one(m, job->data, job->key, nonce, job->data, job->len, NULL, 0);
    }
}

static void open_part(enum arch arch, unsigned worker, struct suite_job *jobs, size_t n)
{
    IMB_MGR *m = manager_of(arch, worker);
    if (m == NULL) {
        suite_aead_sodium.open_part(worker, jobs, n);
        return;
    }
    for (struct suite_job *job = jobs; job < jobs + n; job++) {
        uint8_t nonce[SUITE_NONCE];
        suite_nonce(nonce, job->counter);
        job->ok = open_one(m, job->data, job->key, nonce, job->data, job->len, NULL, 0);
    }
}

/* ---- with AVX-512 ---- */

static const char *start_avx512(void)
{
    return start(AVX512);
}

static void seal_avx512(uint8_t *out, const uint8_t *key, const uint8_t *nonce, const void *plain,
                        size_t len, const void *aad, size_t aad_len)
{
    seal_one(managers[AVX512][0], out, key, nonce, plain, len, aad, aad_len);
}

static bool open_avx512(uint8_t *out, const uint8_t *key, const uint8_t *nonce,
                        const uint8_t *sealed, size_t len, const void *aad, size_t aad_len)
{
    return open_one(managers[AVX512][0], out, key, nonce, sealed, len, aad, aad_len);
}

static void seal_part_avx512(unsigned worker, struct suite_job *jobs, size_t n)
{
    seal_part(AVX512, worker, jobs, n);
}

static void open_part_avx512(unsigned worker, struct suite_job *jobs, size_t n)
{
    open_part(AVX512, worker, jobs, n);
}

const struct suite_aead suite_aead_ipsec_mb_avx512 = {
    .name = "ipsec-mb-avx512",
    .library = "ipsec-mb",
    .worth_sharing = 192 * 1024,
    .block = 1,
    .start = start_avx512,
    .seal = seal_avx512,
    .open = open_avx512,
    .seal_part = seal_part_avx512,
    .open_part = open_part_avx512,
};

/* ---- with AVX2 ---- */

static const char *start_avx2(void)
{
    return start(AVX2);
}

static void seal_avx2(uint8_t *out, const uint8_t *key, const uint8_t *nonce, const void *plain,
                      size_t len, const void *aad, size_t aad_len)
{
    seal_one(managers[AVX2][0], out, key, nonce, plain, len, aad, aad_len);
}

static bool open_avx2(uint8_t *out, const uint8_t *key, const uint8_t *nonce, const uint8_t *sealed,
                      size_t len, const void *aad, size_t aad_len)
{
    return open_one(managers[AVX2][0], out, key, nonce, sealed, len, aad, aad_len);
}

static void seal_part_avx2(unsigned worker, struct suite_job *jobs, size_t n)
{
    seal_part(AVX2, worker, jobs, n);
}

static void open_part_avx2(unsigned worker, struct suite_job *jobs, size_t n)
{
    open_part(AVX2, worker, jobs, n);
}

const struct suite_aead suite_aead_ipsec_mb_avx2 = {
    .name = "ipsec-mb-avx2",
    .library = "ipsec-mb",
    .worth_sharing = 96 * 1024,
    .block = 1,
    .start = start_avx2,
    .seal = seal_avx2,
    .open = open_avx2,
    .seal_part = seal_part_avx2,
    .open_part = open_part_avx2,
};
