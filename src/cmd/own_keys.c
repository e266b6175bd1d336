/* SPDX-License-Identifier: MIT */
/* Makes each file's public key, and looks for it among its peers. */
#include "cmd/own_keys.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "wg/wg.h"

static int check_file(const struct config *c, config_message_fn *message, void *ctx)
{
    uint8_t ours[KEY_LEN];
    int err = 0;
    if (!wg_public_key(ours, c->private_key)) {
        return 0; /* not a key that belongs to anybody: told when the tunnel is set up */
    }
    for (size_t i = 0; i < c->n_peers; i++) {
        char line[PATH_MAX + 128];
        if (memcmp(c->peers[i].public_key, ours, KEY_LEN) == 0) {
            snprintf(
                line, sizeof line,
                "%s:%u: [Peer]: its PublicKey is the one of our own PrivateKey; the peer's own "
                "belongs there",
                c->path, c->peers[i].line);
            message(ctx, true, line);
            err = ERR_INVALID;
        }
    }
    return err;
}

int own_keys_check(const struct files *f, config_message_fn *message, void *ctx)
{
    int err = 0;
    for (size_t i = 0; i < f->n; i++) {
        int one = check_file(f->file[i].config, message, ctx);
        err = one != 0 ? one : err;
    }
    return err;
}
