/* SPDX-License-Identifier: MIT */
/* What tls_context.c and tls_stream.c share: OpenSSL's context. */
#ifndef WGPROXY_IO_TLS_OPENSSL_H
#define WGPROXY_IO_TLS_OPENSSL_H

#include <openssl/ssl.h>

struct io_tls {
    SSL_CTX *context; /* counted: streams keep it beyond us */
};

#endif
