/* SPDX-License-Identifier: MIT */
/* `wgproxy genkey`, `pubkey` and `genpsk`: what wg(8) does under these names,
 * with the same text forms. */
#ifndef WGPROXY_CMD_KEYS_H
#define WGPROXY_CMD_KEYS_H

#include "base/macros.h"
#include "base/rng.h"

#include <stdio.h>

/* Each writes one line with a key to `out`: a new private key, the public key
 * of the private one that stands in `in`, a new preshared key. 0, or
 * ERR_INVALID (pubkey: `in` holds no key) or ERR_IO after one line on `err`
 * that tells nothing of the key. The streams lose their buffers, so that none
 * of them keeps a key. */
int keys_genkey(FILE *out, FILE *err, const struct rng *rng) MUST_USE;
int keys_pubkey(FILE *in, FILE *out, FILE *err) MUST_USE;
int keys_genpsk(FILE *out, FILE *err, const struct rng *rng) MUST_USE;

#endif
