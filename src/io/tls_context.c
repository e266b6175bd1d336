/* SPDX-License-Identifier: MIT */
/* A certificate and its key, checked, as OpenSSL's context. It is the first thing here that OpenSSL is asked for, and a
 * program that shows no certificate never touches it. */
#include "io/tls_openssl.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/err.h"
#include "base/pages.h"
#include "io/io.h"

/* ---- what is shown ---- */

/* OpenSSL's words for what went wrong first; they hold nothing of what it read. */
static void explain(char why[IO_TLS_WHY], const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    snprintf(why, IO_TLS_WHY, "%s: %s", what, reason != NULL ? reason : "OpenSSL does not take it");
}

/* The first is ours, and those behind it lead to the root. */
static int take_certificates(SSL_CTX *context, const char *pem, char why[IO_TLS_WHY])
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    X509 *one;
    size_t n = 0;
    int err = in != NULL ? 0 : ERR_NOMEM;
    while (err == 0 && (one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        bool taken = n == 0 ? SSL_CTX_use_certificate(context, one) == 1
                            : SSL_CTX_add1_chain_cert(context, one) == 1;
        if (!taken) {
            explain(why, "the certificate");
            err = ERR_INVALID;
        }
        X509_free(one);
        n++;
    }
    BIO_free(in);
    if (err == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        snprintf(why, IO_TLS_WHY, "a certificate in PEM is damaged");
        err = ERR_INVALID;
    } else if (err == 0 && n == 0) {
        snprintf(why, IO_TLS_WHY, "there is no certificate in PEM");
        err = ERR_INVALID;
    }
    ERR_clear_error(); /* the end of the text is one */
    return err;
}

/* Nobody is there to be asked. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    *(bool *)ctx = true;
    return -1;
}

static int take_key(SSL_CTX *context, const char *pem, char why[IO_TLS_WHY])
{
    bool encrypted = false;
    BIO *in = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key =
        in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &encrypted) : NULL;
    int err = 0;
    if (key == NULL) {
        snprintf(why, IO_TLS_WHY, "%s",
                 encrypted ? "the key is encrypted: it must be without a passphrase"
                           : "there is no private key in PEM that can be read");
        err = ERR_INVALID;
    } else if (SSL_CTX_use_PrivateKey(context, key) != 1 ||
               SSL_CTX_check_private_key(context) != 1) {
        snprintf(why, IO_TLS_WHY, "the key does not fit the certificate");
        err = ERR_INVALID;
    }
    EVP_PKEY_free(key);
    BIO_free(in);
    return err;
}

/* ---- how it is spoken ---- */

/* Who asks for a protocol gets the one that is spoken here; who has not that one goes on without. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_up(SSL_CTX *context)
{
    uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    options |=
        SSL_OP_IGNORE_UNEXPECTED_EOF; /* a client's FIN alone is its end, and ours may go on */
#endif
    SSL_CTX_set_options(context, options);
    /* A record that found no room is offered again, from wherever the owner has it by then. */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(
        context, 1); /* one system call for a record, not one for its head and one for the rest */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* the tickets have it all */
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

int io_tls_new(const char *certificate, const char *key, struct io_tls **out, char why[IO_TLS_WHY])
{
    *out = NULL;
    snprintf(why, IO_TLS_WHY, "%s", err_text(ERR_NOMEM));
    struct io_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL) {
        return ERR_NOMEM;
    }
    ERR_clear_error();
    tls->context = SSL_CTX_new(TLS_server_method());
    int err = tls->context != NULL && set_up(tls->context) ? 0 : ERR_NOMEM;
    if (err == 0) {
        err = take_certificates(tls->context, certificate, why);
    }
    if (err == 0) {
        err = take_key(tls->context, key, why);
    }
    ERR_clear_error();
    if (err != 0) {
        io_tls_free(tls);
        return err;
    }
    *out = tls;
    return 0;
}

void io_tls_free(struct io_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        tls_renewal_free(tls->renewal);
        free(tls);
    }
}

void io_tls_unused(void)
{
    pages_give_back((const void *)(uintptr_t)SSL_CTX_new);
    pages_give_back((const void *)(uintptr_t)BIO_new);
}
