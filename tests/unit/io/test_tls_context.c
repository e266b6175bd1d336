/* SPDX-License-Identifier: MIT */
/* Certificates and keys as files have them: what is taken, and the words for what is not. */
#include "unit/io/tls_client.h"

#include "base/err.h"
#include "io/io.h"

static EVP_PKEY *key, *other;

static void assert_answer(const char *certificate, const char *key_text, const char *words)
{
    char why[IO_TLS_WHY];
    struct io_tls *tls;
    int err = io_tls_new(certificate, key_text, &tls, why);
    assert_int_equal(err, words != NULL ? ERR_INVALID : 0);
    if (words != NULL) {
        assert_string_equal(why, words);
        assert_null(tls);
    }
    assert_int_equal(ERR_peek_error(), 0); /* nothing is left for whoever asks OpenSSL next */
    io_tls_free(tls);
}

static void a_certificate_with_its_key_is_taken(void **state)
{
    (void)state;
    char *certificate = tls_certificate_text(key, 1), *chain = tls_certificate_text(key, 3);
    char *key_text = tls_key_text(key, NULL);
    assert_answer(certificate, key_text, NULL);
    assert_answer(chain, key_text, NULL);
    char both[8192];
    snprintf(both, sizeof both, "Words before it.\n%s%s", key_text, certificate);
    assert_answer(both, both, NULL);
    free(certificate);
    free(chain);
    free(key_text);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    char *certificate = tls_certificate_text(key, 1);
    char *key_text = tls_key_text(key, NULL), *others = tls_key_text(other, NULL),
         *locked = tls_key_text(key, "secret");
    assert_answer(certificate, others, "the key does not fit the certificate");
    assert_answer(certificate, locked, "the key is encrypted: it must be without a passphrase");
    assert_answer(certificate, certificate, "there is no private key in PEM that can be read");
    assert_answer(certificate, "", "there is no private key in PEM that can be read");
    assert_answer(key_text, key_text, "there is no certificate in PEM");
    assert_answer("\n", key_text, "there is no certificate in PEM");
    free(certificate);
    free(key_text);
    free(others);
    free(locked);
}

static void what_is_damaged_is_not_taken_in_part(void **state)
{
    (void)state;
    char *certificate = tls_certificate_text(key, 1), *chain = tls_certificate_text(key, 2);
    char *key_text = tls_key_text(key, NULL);
    for (size_t i = 0; i < 3; i++) {
        char *broken = strdup(i < 2 ? chain : key_text);
        char *second = strstr(broken + 6, "BEGIN CERTIFICATE");
        char *at = i == 1 ? second : broken;
        memset(strchr(at, '\n') + 1, '*', 8);
        assert_answer(i < 2 ? broken : certificate, i < 2 ? key_text : broken,
                      i < 2 ? "a certificate in PEM is damaged"
                            : "there is no private key in PEM that can be read");
        free(broken);
    }
    free(certificate);
    free(chain);
    free(key_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_with_its_key_is_taken),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(what_is_damaged_is_not_taken_in_part),
    };
    key = tls_new_key();
    other = tls_new_key();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    return failed;
}
