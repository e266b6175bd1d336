/* SPDX-License-Identifier: MIT */
/* What tls_context.c, tls_renewal.c and tls_stream.c share: OpenSSL's context. */
#ifndef WGPROXY_IO_TLS_OPENSSL_H
#define WGPROXY_IO_TLS_OPENSSL_H

#include <openssl/ssl.h>

struct tls_renewal;

struct io_tls {
    SSL_CTX *context;            /* counted: streams keep it beyond us */
    struct tls_renewal *renewal; /* NULL: it stays as it is */
};

void tls_renewal_free(struct tls_renewal *r); /* NULL is harmless */

#endif
