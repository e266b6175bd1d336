/* SPDX-License-Identifier: MIT */
/* Do peers have public keys of their own? The configuration knows keys, but no curve. Before anything begins, and for -n. */
#ifndef WGPROXY_CMD_OWN_KEYS_H
#define WGPROXY_CMD_OWN_KEYS_H

#include "base/macros.h"
#include "cmd/files.h"

/* 0, or ERR_INVALID after a message for each peer that has the public key of its file's own private one. */
int own_keys_check(const struct files *f, config_message_fn *message, void *ctx) MUST_USE;

#endif
