/* SPDX-License-Identifier: MIT */
/* Are the certificates that doors show, and their keys, any good? Before anything begins, and for -n. */
#ifndef WGPROXY_CMD_CERTIFICATES_H
#define WGPROXY_CMD_CERTIFICATES_H

#include "base/macros.h"
#include "cmd/files.h"

/* Where no door has one, OpenSSL's memory is given back. 0, or ERR_INVALID after a message for each door whose certificate is not. */
int certificates_check(const struct files *f, config_message_fn *message, void *ctx) MUST_USE;

#endif
