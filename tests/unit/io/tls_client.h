/* SPDX-License-Identifier: MIT */
/* A client of TLS whose bytes the test carries, and a certificate that is made for the occasion. */
#ifndef WGPROXY_TESTS_UNIT_IO_TLS_CLIENT_H
#define WGPROXY_TESTS_UNIT_IO_TLS_CLIENT_H

#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

/* ---- certificates ---- */

static inline EVP_PKEY *tls_new_key(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    assert_int_equal(EVP_PKEY_keygen_init(c), 1);
    assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(c, NID_X9_62_prime256v1), 1);
    assert_int_equal(EVP_PKEY_keygen(c, &key), 1);
    EVP_PKEY_CTX_free(c);
    return key;
}

static inline X509 *tls_new_certificate(EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"proxy.test", -1,
                               -1, 0);
    X509_set_issuer_name(x, name);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

/* What was written, as a text to be freed. */
static inline char *tls_text_of(BIO *out)
{
    char *bytes;
    long len = BIO_get_mem_data(out, &bytes);
    char *text = calloc(1, (size_t)len + 1);
    memcpy(text, bytes, (size_t)len);
    BIO_free(out);
    return text;
}

static inline char *tls_key_text(EVP_PKEY *key, const char *passphrase)
{
    BIO *out = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = passphrase != NULL ? EVP_aes_256_cbc() : NULL;
    int n = passphrase != NULL ? (int)strlen(passphrase) : 0;
    assert_int_equal(PEM_write_bio_PrivateKey(out, key, cipher, (const unsigned char *)passphrase,
                                              n, NULL, NULL),
                     1);
    return tls_text_of(out);
}

/* The text of as many certificates, each of the same key. */
static inline char *tls_certificate_text(EVP_PKEY *key, unsigned n)
{
    BIO *out = BIO_new(BIO_s_mem());
    for (unsigned i = 0; i < n; i++) {
        X509 *x = tls_new_certificate(key);
        assert_int_equal(PEM_write_bio_X509(out, x), 1);
        X509_free(x);
    }
    return tls_text_of(out);
}

/* ---- the client ---- */

struct tls_client {
    SSL *ssl;
    BIO *in, *out; /* what it is to read, and what it has written */
};

static inline void tls_client_init(struct tls_client *c, int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_security_level(context, 0);
    c->ssl = SSL_new(context);
    SSL_CTX_free(context);
    c->in = BIO_new(BIO_s_mem());
    c->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(c->in, -1);
    SSL_set_bio(c->ssl, c->in, c->out);
    SSL_set_connect_state(c->ssl);
}

static inline void tls_client_fini(struct tls_client *c)
{
    SSL_free(c->ssl);
}

/* What it could read, 0 when nothing is there, -1 at close_notify. */
static inline int tls_client_read(struct tls_client *c, void *buf, int len)
{
    ERR_clear_error();
    int n = SSL_read(c->ssl, buf, len);
    int error = n > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, n);
    if (error == SSL_ERROR_ZERO_RETURN) {
        return -1;
    }
    assert_true(n > 0 || error == SSL_ERROR_WANT_READ);
    return n > 0 ? n : 0;
}

static inline void tls_client_write(struct tls_client *c, const void *bytes, size_t len)
{
    ERR_clear_error();
    assert_int_equal(SSL_write(c->ssl, bytes, (int)len), (int)len);
}

#endif
