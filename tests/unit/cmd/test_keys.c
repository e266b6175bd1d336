/* SPDX-License-Identifier: MIT */
#include "cmd/keys.h"

#include "base/base64.h"
#include "base/err.h"

#include <string.h>

#include "unit/test.h"

/* RFC 7748 section 6.1: Alice's private key and her public one. */
#define PRIVATE_KEY "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
#define PUBLIC_KEY "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="

static void fill_with_ff(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 0xff, len);
}

static const struct rng all_ones = {.fill = fill_with_ff};

/* Standard output and standard error as files. */
struct streams {
    FILE *out, *err;
};

static void streams_init(struct streams *s)
{
    s->out = tmpfile();
    s->err = tmpfile();
    assert_non_null(s->out);
    assert_non_null(s->err);
}

static void expect_content(FILE *f, const char *expected)
{
    char text[256];
    rewind(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    assert_string_equal(text, expected);
}

static void streams_expect(struct streams *s, const char *out, const char *err)
{
    expect_content(s->out, out);
    expect_content(s->err, err);
}

static void genkey_prints_a_clamped_key(void **state)
{
    (void)state;
    struct streams s;
    uint8_t key[KEY_LEN];
    char text[KEY_TEXT + 1];
    memset(key, 0xff, sizeof key);
    key[0] = 0xf8; /* RFC 7748 section 5 */
    key[31] = 0x7f;
    key_to_base64(text, key);
    strcat(text, "\n");
    streams_init(&s);
    assert_int_equal(keys_genkey(s.out, s.err, &all_ones), 0);
    streams_expect(&s, text, "");
}

static void genpsk_prints_random_bytes_as_they_come(void **state)
{
    (void)state;
    struct streams s;
    streams_init(&s);
    assert_int_equal(keys_genpsk(s.out, s.err, &all_ones), 0);
    streams_expect(&s, "//////////////////////////////////////////8=\n", "");
}

static int pubkey_of(struct streams *s, const char *text)
{
    FILE *in = tmpfile();
    assert_non_null(in);
    fputs(text, in);
    rewind(in);
    streams_init(s);
    int err = keys_pubkey(in, s->out, s->err);
    fclose(in);
    return err;
}

static void pubkey_prints_the_public_key(void **state)
{
    (void)state;
    static const char *const inputs[] = {PRIVATE_KEY, PRIVATE_KEY "\n", PRIVATE_KEY " \r\n\n"};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct streams s;
        assert_int_equal(pubkey_of(&s, inputs[i]), 0);
        streams_expect(&s, PUBLIC_KEY "\n", "");
    }
}

static void pubkey_refuses_what_is_no_key_and_does_not_repeat_it(void **state)
{
    (void)state;
    static const char *const inputs[] = {
        "",
        "\n",
        "x",
        "\n" PRIVATE_KEY,
        PRIVATE_KEY "x",
        PRIVATE_KEY "\n" PRIVATE_KEY,
        "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC",
        "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=",
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct streams s;
        assert_int_equal(pubkey_of(&s, inputs[i]), ERR_INVALID);
        streams_expect(&s, "",
                       "wgproxy: standard input must be a private key: 44 characters of base64\n");
    }
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct streams s;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        skip_because("there is no /dev/full here");
    }
    streams_init(&s);
    assert_int_equal(keys_genkey(full, s.err, &all_ones), ERR_IO);
    streams_expect(&s, "", "wgproxy: cannot write the key: No space left on device\n");
    fclose(full);
}

static void an_unreadable_input_is_an_error(void **state)
{
    (void)state;
    struct streams s;
    FILE *folder = fopen("/", "r");
    assert_non_null(folder);
    streams_init(&s);
    assert_int_equal(keys_pubkey(folder, s.out, s.err), ERR_IO);
    streams_expect(&s, "", "wgproxy: cannot read the key: Is a directory\n");
    fclose(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genkey_prints_a_clamped_key),
        cmocka_unit_test(genpsk_prints_random_bytes_as_they_come),
        cmocka_unit_test(pubkey_prints_the_public_key),
        cmocka_unit_test(pubkey_refuses_what_is_no_key_and_does_not_repeat_it),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(an_unreadable_input_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
