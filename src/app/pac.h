/* SPDX-License-Identifier: MIT */
/* A browser's proxy configuration: only what belongs in a tunnel goes there. */
#ifndef WGPROXY_APP_PAC_H
#define WGPROXY_APP_PAC_H

#include "app/words.h"
#include "config/config.h"

/* Where browsers find the proxies of one tunnel; port 0: there is none. */
struct pac_proxies {
    struct endpoint socks, http;
};

/* Note the door, which stands at `bound`, if browsers can use it and there is none of its kind yet. They give a
 * password over HTTP only. */
void pac_proxies_add(struct pac_proxies *p, const struct config_door *d, const struct place *bound);
bool pac_proxies_exist(const struct pac_proxies *p);

struct pac_tunnel {
    const struct config *config;
    const struct pac_proxies *proxies;
};

/* FindProxyForURL: the search domains and AllowedIPs of each tunnel lead to its proxies, the rest goes directly; what
 * none of them names goes to the first that takes everything. Tunnels without proxies are passed over. `host` is how
 * the browser called us, for proxies that stand on every address: a name or an address without brackets. */
void pac_write(struct words *out, const struct pac_tunnel tunnels[], size_t n, const char *host);

#endif
