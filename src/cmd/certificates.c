/* SPDX-License-Identifier: MIT */
/* Has each of them loaded once, and forgotten. */
#include "cmd/certificates.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "io/io.h"

static int check_door(const struct config *c, const struct config_door *d,
                      config_message_fn *message, void *ctx)
{
    char why[IO_TLS_WHY], line[IO_TLS_WHY + PATH_MAX + 64];
    struct io_tls *tls;
    if (d->tls_certificate == NULL) {
        return 0;
    }
    int err = io_tls_new(d->tls_certificate, d->tls_key, &tls, why);
    if (err == 0) {
        io_tls_free(tls);
        return 0;
    }
    snprintf(line, sizeof line, "%s:%u: CertFile, KeyFile: %s", c->path, d->tls_line, why);
    message(ctx, true, line);
    return ERR_INVALID;
}

int certificates_check(const struct files *f, config_message_fn *message, void *ctx)
{
    int err = 0;
    bool found = false;
    for (size_t i = 0; i < f->n; i++) {
        const struct config *c = f->file[i].config;
        for (size_t j = 0; j < c->n_doors; j++) {
            int one = check_door(c, &c->doors[j], message, ctx);
            err = one != 0 ? one : err;
            found |= c->doors[j].tls_certificate != NULL;
        }
    }
    if (!found) {
        io_tls_unused();
    }
    return err;
}
