/* SPDX-License-Identifier: MIT */
/* Built where OpenSSL is missing: nothing can be shown, so that nobody is let in by TLS. */
#include "io/tls.h"

#include <stdio.h>

#include "base/err.h"

int io_tls_new(const char *certificate, const char *key, struct io_tls **out, char why[IO_TLS_WHY])
{
    (void)certificate;
    (void)key;
    *out = NULL;
    snprintf(why, IO_TLS_WHY, "this program was built without TLS (OpenSSL)");
    return ERR_INVALID;
}

int io_tls_renew_from(struct io_tls *tls, const char *certificate_path, const char *key_path)
{
    (void)tls;
    (void)certificate_path;
    (void)key_path;
    return ERR_INVALID;
}

void tls_look(struct io_tls *tls, const struct log *log, struct now now)
{
    (void)tls;
    (void)log;
    (void)now;
}

void io_tls_free(struct io_tls *tls)
{
    (void)tls;
}

void io_tls_unused(void)
{
}

int tls_stream_new(struct io_loop *loop, const struct io_tls *tls, struct stream *under,
                   struct stream **out)
{
    (void)loop;
    (void)tls;
    (void)out;
    stream_abort(under);
    return ERR_INVALID;
}
