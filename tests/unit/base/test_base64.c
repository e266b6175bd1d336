/* SPDX-License-Identifier: MIT */
#include "base/base64.h"

#include <string.h>

#include "unit/seeded.h"
#include "unit/test.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The slow model: RFC 4648 section 4 with a table, one bit at a time. */
static void encode_by_bits(char out[KEY_TEXT], const uint8_t key[KEY_LEN])
{
    for (unsigned c = 0; c < 43; c++) {
        unsigned v = 0;
        for (unsigned b = 0; b < 6; b++) {
            unsigned bit = 6 * c + b;
            v = v << 1 | (bit < 256 ? key[bit / 8] >> (7 - bit % 8) & 1u : 0u);
        }
        out[c] = alphabet[v];
    }
    out[43] = '=';
    out[44] = '\0';
}

static void random_keys_agree_with_the_model_and_come_back(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct rng rng = seeded_rng(&seed);
    for (int i = 0; i < 2000; i++) {
        uint8_t key[KEY_LEN], back[KEY_LEN];
        char text[KEY_TEXT], model[KEY_TEXT];
        rng_fill(&rng, key, sizeof key);
        key_to_base64(text, key);
        encode_by_bits(model, key);
        assert_string_equal(text, model);
        assert_true(key_from_base64(back, text));
        assert_memory_equal(key, back, KEY_LEN);
    }
}

static void every_byte_in_every_place_is_judged_by_the_alphabet(void **state)
{
    (void)state;
    uint8_t key[KEY_LEN] = {0};
    char text[KEY_TEXT];
    for (size_t place = 0; place < 43; place++) {
        for (int c = 1; c < 256; c++) {
            key_to_base64(text, (const uint8_t[KEY_LEN]){0});
            text[place] = (char)c;
            const char *at = strchr(alphabet, c);
            /* the last character carries only four bits of the key */
            bool good = at != NULL && (place != 42 || (at - alphabet) % 4 == 0);
            assert_int_equal(key_from_base64(key, text), good);
        }
    }
}

static void wrong_lengths_and_padding_are_refused_and_leave_zero(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
        " AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAA=",
    };
    static const uint8_t zero[KEY_LEN];
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint8_t key[KEY_LEN];
        memset(key, 0xaa, sizeof key);
        assert_false(key_from_base64(key, bad[i]));
        assert_memory_equal(key, zero, KEY_LEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys_agree_with_the_model_and_come_back),
        cmocka_unit_test(every_byte_in_every_place_is_judged_by_the_alphabet),
        cmocka_unit_test(wrong_lengths_and_padding_are_refused_and_leave_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
