/* SPDX-License-Identifier: MIT */
/* A browser's proxy configuration: only what belongs in the tunnel goes there. */
#ifndef WGPROXY_APP_PAC_H
#define WGPROXY_APP_PAC_H

#include "app/words.h"
#include "config/config.h"

/* FindProxyForURL for one tunnel or several: the search domains and AllowedIPs of each lead to `proxy` (as
 * "SOCKS5 host:port; PROXY host:port"), the rest goes directly. A tunnel that takes everything takes everything. */
void pac_write(struct words *out, const struct config *const configs[], size_t n, const char *proxy);

#endif
