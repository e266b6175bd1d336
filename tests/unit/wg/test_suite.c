/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "vectors.h"
#include "wg/suite_aead.h"
#include "world.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct tally {
    unsigned cases, skipped;
};

/* ---- X25519 ---- */

static void check_x25519(void *ctx, const struct vector *v)
{
    struct tally *t = ctx;
    uint8_t private_key[32], public_key[32], shared[32], got[32];
    if (!vector_has(v, "private")) {
        return;
    }
    vector_hex(v, "private", private_key, 32);
    vector_hex(v, "public", public_key, 32);
    vector_hex(v, "shared", shared, 32);
    static const uint8_t zero[32];
    bool expected = memcmp(shared, zero, 32) != 0;
    memset(got, 0xff, 32);
    assert_int_equal(suite_dh(got, private_key, public_key), expected);
    assert_memory_equal(got, shared, 32);
    t->cases++;
}

static void x25519_gives_the_answers_of_rfc_7748(void **state)
{
    (void)state;
    struct tally t = {0};
    vectors_of_tree("rfc7748_x25519.txt", check_x25519, &t);
    assert_int_equal(t.cases, 6);
}

static void x25519_iterated_a_thousand_times_gives_the_answer_of_rfc_7748(void **state)
{
    (void)state;
    static const uint8_t after_1000[32] = {
        0x68, 0x4c, 0xf5, 0x9b, 0xa8, 0x33, 0x09, 0x55, 0x28, 0x00, 0xef,
        0x56, 0x6f, 0x2f, 0x4d, 0x3c, 0x1c, 0x38, 0x87, 0xc4, 0x93, 0x60,
        0xe3, 0x87, 0x5f, 0x2e, 0xb9, 0x4d, 0x99, 0x53, 0x2c, 0x51,
    };
    uint8_t k[32] = {9}, u[32] = {9}, out[32];
    for (int i = 0; i < 1000; i++) {
        assert_true(suite_dh(out, k, u));
        memcpy(u, k, 32);
        memcpy(k, out, 32);
    }
    assert_memory_equal(k, after_1000, 32);
}

static void x25519_gives_wycheproofs_answers_and_refuses_its_zero_results(void **state)
{
    (void)state;
    struct tally t = {0};
    vectors_published("wycheproof_x25519_test.json", check_x25519, &t);
    assert_int_equal(t.cases, 518);
}

static void each_low_order_point_is_refused_and_leaves_zeros(void **state)
{
    (void)state;
    /* The points that the kernel's network test offers as peers: orders 1, 2, 4, 8 and their other
     * spellings. */
    static const uint8_t points[7][32] = {
        {0},
        {1},
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
         0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
         0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
         0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
         0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    };
    static const uint8_t zero[32];
    uint8_t key[32] = {1, 2, 3};
    suite_clamp(key);
    for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
        uint8_t out[32];
        memset(out, 0xff, sizeof out);
        assert_false(suite_dh(out, key, points[i]));
        assert_memory_equal(out, zero, 32);
    }
}

static void clamping_sets_the_bits_of_rfc_7748(void **state)
{
    (void)state;
    uint8_t key[32];
    memset(key, 0xff, 32);
    suite_clamp(key);
    assert_int_equal(key[0], 0xf8);
    assert_int_equal(key[31], 0x7f);
    memset(key, 0, 32);
    suite_clamp(key);
    assert_int_equal(key[0], 0);
    assert_int_equal(key[31], 0x40);
}

/* ---- BLAKE2s ---- */

static void check_blake2s(void *ctx, const struct vector *v)
{
    struct tally *t = ctx;
    uint8_t in[256], key[32], out[32], got[32];
    size_t len = vector_hex(v, "in", in, sizeof in);
    size_t key_len = vector_has(v, "key") ? vector_hex(v, "key", key, sizeof key) : 0;
    vector_hex(v, "out", out, 32);
    if (key_len == 0) {
        for (size_t cut = 0; cut <= len; cut++) {
            suite_hash(got, in, cut, in + cut, len - cut);
            assert_memory_equal(got, out, 32);
        }
    } else {
        suite_keyed_hash(got, 32, key, key_len, in, len);
        assert_memory_equal(got, out, 32);
    }
    t->cases++;
}

static void blake2s_gives_the_answer_of_rfc_7693(void **state)
{
    (void)state;
    struct tally t = {0};
    vectors_of_tree("rfc7693_blake2s.txt", check_blake2s, &t);
    assert_int_equal(t.cases, 1);
}

static void blake2s_gives_the_512_known_answers_at_every_split(void **state)
{
    (void)state;
    struct tally t = {0};
    vectors_published("blake2s_kat.json", check_blake2s, &t);
    assert_int_equal(t.cases, 512);
}

/* The deterministic sequence of RFC 7693 appendix E. */
static void fill_sequence(uint8_t *out, size_t len, uint32_t seed)
{
    uint32_t a = 0xdead4bad * seed, b = 1;
    for (size_t i = 0; i < len; i++) {
        uint32_t t = a + b;
        a = b;
        b = t;
        out[i] = (uint8_t)(t >> 24);
    }
}

static void blake2s_passes_the_self_test_of_rfc_7693(void **state)
{
    (void)state;
    static const uint8_t expected[32] = {
        0x6a, 0x41, 0x1f, 0x08, 0xce, 0x25, 0xad, 0xcd, 0xfb, 0x02, 0xab,
        0xa6, 0x41, 0x45, 0x1c, 0xec, 0x53, 0xc5, 0x98, 0xb2, 0x4f, 0x4f,
        0xc7, 0x87, 0xfb, 0xdc, 0x88, 0x79, 0x7f, 0x4c, 0x1d, 0xfe,
    };
    static const size_t out_lens[] = {16, 20, 28, 32};
    static const size_t in_lens[] = {0, 3, 64, 65, 255, 1024};
    uint8_t all[4 * 6 * 2 * 32], in[1024], key[32], got[32];
    size_t n = 0;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 6; j++) {
            size_t out_len = out_lens[i], in_len = in_lens[j];
            fill_sequence(in, in_len, (uint32_t)in_len);
            suite_keyed_hash(all + n, out_len, NULL, 0, in, in_len);
            n += out_len;
            fill_sequence(key, out_len, (uint32_t)out_len);
            suite_keyed_hash(all + n, out_len, key, out_len, in, in_len);
            n += out_len;
        }
    }
    suite_hash(got, all, n, NULL, 0);
    assert_memory_equal(got, expected, 32);
}

static void check_hkdf(void *ctx, const struct vector *v)
{
    struct tally *t = ctx;
    uint8_t key[32] = {0}, input[64], want[3][32], got[3][32];
    vector_hex(v, "key", key, sizeof key); /* HMAC fills up with zeros itself */
    size_t len = vector_hex(v, "input", input, sizeof input);
    vector_hex(v, "t1", want[0], 32);
    vector_hex(v, "t2", want[1], 32);
    vector_hex(v, "t3", want[2], 32);
    suite_kdf(got[0], got[1], got[2], key, input, len);
    assert_memory_equal(got, want, sizeof want);
    suite_kdf(got[0], got[1], NULL, key, input, len);
    assert_memory_equal(got, want, 64);
    suite_kdf(key, NULL, NULL, key, input, len); /* in place */
    assert_memory_equal(key, want[0], 32);
    t->cases++;
}

static void hkdf_gives_the_known_answers(void **state)
{
    (void)state;
    struct tally t = {0};
    vectors_of_tree("hkdf_blake2s.txt", check_hkdf, &t);
    assert_int_equal(t.cases, 3);
}

/* ---- AEAD, by every implementation that runs here ---- */

typedef void aead_check_fn(void);

/* Without a processor that can, there is nothing to compare; but libsodium is always there. */
static void with_each_aead(aead_check_fn *check)
{
    unsigned n = 0;
    for (size_t i = 0; suite_aead_name(i) != NULL; i++) {
        if (suite_choose(suite_aead_name(i)) == NULL) {
            assert_string_equal(suite_name(), suite_aead_name(i));
            check();
            n++;
        }
    }
    print_message("%u of %s\n", n, SUITE_AEADS);
    assert_in_range(n, 1, 3);
    assert_null(suite_choose(NULL));
}

typedef void (*seal_fn)(uint8_t *, const uint8_t *, const uint8_t *, const void *, size_t,
                        const void *, size_t);
typedef bool (*open_fn)(uint8_t *, const uint8_t *, const uint8_t *, const uint8_t *, size_t,
                        const void *, size_t);

struct aead {
    struct tally tally;
    seal_fn seal;
    open_fn open;
    size_t nonce_len;
};

static void check_aead(void *ctx, const struct vector *v)
{
    struct aead *a = ctx;
    static uint8_t key[32], iv[64], aad[1024], msg[4096], sealed[4096 + 16], work[4096 + 16];
    if (!vector_has(v, "ct")) {
        return;
    }
    size_t iv_len = vector_hex(v, "iv", iv, sizeof iv);
    if (iv_len != a->nonce_len) {
        a->tally.skipped++;
        return;
    }
    vector_hex(v, "key", key, 32);
    size_t aad_len = vector_hex(v, "aad", aad, sizeof aad);
    size_t len = vector_hex(v, "msg", msg, sizeof msg);
    assert_int_equal(vector_hex(v, "ct", sealed, sizeof sealed - 16), len);
    vector_hex(v, "tag", sealed + len, 16);

    bool valid = !vector_is(v, "result", "invalid");
    memcpy(work, sealed, len + 16);
    assert_int_equal(a->open(work, key, iv, work, len + 16, aad, aad_len), valid);
    if (valid) {
        assert_memory_equal(work, msg, len);
        a->seal(work, key, iv, work, len, aad, aad_len);
        assert_memory_equal(work, sealed, len + 16);
    }
    a->tally.cases++;
}

static void check_rfc_8439(void)
{
    struct aead a = {.seal = suite_seal, .open = suite_open, .nonce_len = 12};
    vectors_of_tree("rfc8439_aead.txt", check_aead, &a);
    assert_int_equal(a.tally.cases, 2);
}

static void each_aead_gives_the_answers_of_rfc_8439(void **state)
{
    (void)state;
    with_each_aead(check_rfc_8439);
}

static void check_wycheproof(void)
{
    struct aead a = {.seal = suite_seal, .open = suite_open, .nonce_len = 12};
    vectors_published("wycheproof_chacha20_poly1305_test.json", check_aead, &a);
    assert_int_equal(a.tally.cases, 316);
    assert_int_equal(a.tally.skipped,
                     9); /* nonces of other sizes: the type of ours does not let them in */
}

static void each_aead_gives_wycheproofs_answers(void **state)
{
    (void)state;
    with_each_aead(check_wycheproof);
}

static void xchacha20_poly1305_gives_wycheproofs_answers(void **state)
{
    (void)state;
    struct aead a = {.seal = suite_xseal, .open = suite_xopen, .nonce_len = 24};
    vectors_published("wycheproof_xchacha20_poly1305_test.json", check_aead, &a);
    assert_int_equal(a.tally.cases, 306);
    assert_int_equal(a.tally.skipped, 9);
}

/* A place whose last byte is the last that may be touched. */
struct edge {
    uint8_t *map, *end;
    size_t size;
};

static struct edge edge_new(size_t room)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct edge e = {.size = (room + page - 1) / page * page + 2 * page};
    e.map = mmap(NULL, e.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(e.map, MAP_FAILED);
    e.end = e.map + e.size - page;
    assert_int_equal(mprotect(e.end, page, PROT_NONE), 0);
    assert_int_equal(mprotect(e.map, page, PROT_NONE), 0);
    return e;
}

static void edge_free(struct edge *e)
{
    munmap(e->map, e->size);
}

enum { LENGTHS_MOST = 2112 };

/* Every length, at every place within a word, up against the end of the memory; libsodium says
 * what is right. */
static void check_lengths(void)
{
    struct edge at = edge_new(LENGTHS_MOST + SUITE_TAG), key_at = edge_new(SUITE_KEY_ROOM);
    static uint8_t plain[LENGTHS_MOST], expected[LENGTHS_MOST + SUITE_TAG];
    uint64_t seed = 11;
    struct rng rng = seeded_rng(&seed);
    uint8_t *key = key_at.end - SUITE_KEY_ROOM;
    rng_fill(&rng, plain, sizeof plain);
    for (size_t len = 0; len <= LENGTHS_MOST; len++) {
        uint8_t nonce[SUITE_NONCE];
        struct suite_job job = {
            .key = key, .counter = splitmix(&seed), .data = at.end - len - SUITE_TAG, .len = len};
        rng_fill(&rng, key, SUITE_KEY);
        suite_nonce(nonce, job.counter);
        suite_aead_sodium.seal(expected, key, nonce, plain, len, NULL, 0);

        memcpy(job.data, plain, len);
        suite_seal_batch(&job, 1);
        assert_memory_equal(job.data, expected, len + SUITE_TAG);
        job.len += SUITE_TAG;
        suite_open_batch(&job, 1);
        assert_true(job.ok);
        assert_memory_equal(job.data, plain, len);
    }
    edge_free(&at);
    edge_free(&key_at);
}

static void each_aead_seals_and_opens_every_length_as_single_calls_do(void **state)
{
    (void)state;
    with_each_aead(check_lengths);
}

/* Any bit that is wrong, in the text or the tag, is noticed; and what was under it does not come out. */
static void check_forged(void)
{
    static const uint8_t key[SUITE_KEY] = {1, 2, 3};
    static const size_t lens[] = {0, 1, 16, 100, 320};
    uint8_t sealed[320 + SUITE_TAG], work[320 + SUITE_TAG], plain[320];
    memset(plain, 'x', sizeof plain);
    for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
        size_t len = lens[i];
        uint8_t nonce[SUITE_NONCE];
        suite_nonce(nonce, 5);
        suite_seal(sealed, key, nonce, plain, len, NULL, 0);
        for (size_t bit = 0; bit < (len + SUITE_TAG) * 8; bit++) {
            struct suite_job job = {.key = key, .counter = 5, .data = work, .len = len + SUITE_TAG};
            memcpy(work, sealed, sizeof work);
            work[bit / 8] ^= (uint8_t)(1 << bit % 8);
            suite_open_batch(&job, 1);
            assert_false(job.ok);
            assert_true(len < 16 || memcmp(work, plain, 16) != 0);
            assert_true(len < 32 || memcmp(work + len - 16, plain, 16) != 0);
        }
    }
}

static void each_aead_notices_every_bit_that_is_wrong(void **state)
{
    (void)state;
    with_each_aead(check_forged);
}

enum { N = 37, MAX = 9000 };

/* Jobs of one batch under keys of their own, parts of it under worker numbers of their own. */
static void check_parts(void)
{
    static uint8_t batch[N][MAX + 16], single[MAX + 16], keys[N][32];
    struct suite_job jobs[N];
    uint64_t seed = 7;
    struct rng rng = seeded_rng(&seed);
    for (size_t i = 0; i < N; i++) {
        size_t len = i == 0 ? 0 : rng_below(&rng, MAX + 1);
        rng_fill(&rng, keys[i], 32);
        rng_fill(&rng, batch[i], len);
        jobs[i] = (struct suite_job){
            .key = keys[i], .counter = splitmix(&seed), .data = batch[i], .len = len};
    }
    suite_seal_part(SUITE_WORKERS - 1, jobs, 20);
    suite_seal_part(1, jobs + 20, N - 20);
    for (size_t i = 0; i < N; i++) {
        uint8_t nonce[12];
        suite_nonce(nonce, jobs[i].counter);
        assert_true(
            suite_aead_sodium.open(single, keys[i], nonce, batch[i], jobs[i].len + 16, NULL, 0));
        jobs[i].len += 16;
    }
    batch[5][3] ^= 1;
    suite_open_part(2, jobs, 3);
    suite_open_batch(jobs + 3, N - 3);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(jobs[i].ok, i != 5);
    }
}

static void a_batch_in_parts_seals_and_opens_as_single_calls_do(void **state)
{
    (void)state;
    with_each_aead(check_parts);
}

static void an_aead_is_chosen_by_its_name_or_its_librarys(void **state)
{
    (void)state;
    assert_null(suite_choose("libsodium"));
    assert_string_equal(suite_name(), "libsodium");
    static const char *const no_names[] = {
        "", "ipsec", "ipsec-", "ipsec-mb-", "ipsec-mb-avx", "Libsodium", "openssl"};
    for (size_t i = 0; i < ARRAY_SIZE(no_names); i++) {
        assert_string_equal(suite_choose(no_names[i]), "is none of " SUITE_AEADS);
        assert_string_equal(suite_name(), "libsodium"); /* nothing changed */
    }
    const char *why = suite_choose("ipsec-mb");
    if (why == NULL) {
        assert_int_equal(strncmp(suite_name(), "ipsec-mb-avx", 12), 0);
        assert_null(suite_choose(NULL)); /* the fastest is no other */
        assert_int_equal(strncmp(suite_name(), "ipsec-mb-avx", 12), 0);
    } else {
        assert_string_equal(suite_name(), "libsodium");
        assert_null(suite_choose(NULL));
        assert_string_equal(suite_name(), "libsodium");
    }
    assert_true(suite_worth_sharing() >= 16 * 1024);
}

static void a_nonce_is_four_zero_bytes_and_the_counter_in_little_endian(void **state)
{
    (void)state;
    static const uint8_t expected[12] = {0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
    uint8_t nonce[12];
    suite_nonce(nonce, UINT64_C(0x0102030405060708));
    assert_memory_equal(nonce, expected, 12);
}

static int set_up(void **state)
{
    (void)state;
    return suite_init() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(x25519_gives_the_answers_of_rfc_7748),
        unit(x25519_iterated_a_thousand_times_gives_the_answer_of_rfc_7748),
        unit(x25519_gives_wycheproofs_answers_and_refuses_its_zero_results),
        unit(each_low_order_point_is_refused_and_leaves_zeros),
        unit(clamping_sets_the_bits_of_rfc_7748),
        unit(blake2s_gives_the_answer_of_rfc_7693),
        unit(blake2s_gives_the_512_known_answers_at_every_split),
        unit(blake2s_passes_the_self_test_of_rfc_7693),
        unit(hkdf_gives_the_known_answers),
        unit(each_aead_gives_the_answers_of_rfc_8439),
        unit(each_aead_gives_wycheproofs_answers),
        unit(xchacha20_poly1305_gives_wycheproofs_answers),
        unit(each_aead_seals_and_opens_every_length_as_single_calls_do),
        unit(each_aead_notices_every_bit_that_is_wrong),
        unit(a_batch_in_parts_seals_and_opens_as_single_calls_do),
        unit(an_aead_is_chosen_by_its_name_or_its_librarys),
        unit(a_nonce_is_four_zero_bytes_and_the_counter_in_little_endian),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
