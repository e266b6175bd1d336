/* SPDX-License-Identifier: MIT */
/* A browser's proxy configuration: only what belongs in a tunnel goes there. */
#ifndef WGPROXY_APP_PAC_H
#define WGPROXY_APP_PAC_H

#include "app/words.h"
#include "config/config.h"

/* Where browsers find the proxies of one tunnel; port 0: there is none. */
struct pac_proxies {
    struct endpoint socks, http;
    bool http_by_tls;
};

/* Note the door, which stands at `bound`, if browsers can use it and there is none of its kind yet. They give a
 * password over HTTP only, and speak TLS to no proxy but one for HTTP. */
void pac_proxies_add(struct pac_proxies *p, const struct config_door *d, const struct place *bound);
bool pac_proxies_exist(const struct pac_proxies *p);

struct pac_tunnel {
    const struct config *config;
    const struct pac_proxies *proxies;
};

/* How the browser called this machine, from the value of its Host: a name, or an address without brackets; 127.0.0.1
 * where it is neither. Nothing else is taken, since it becomes a part of a script. */
#define PAC_HOST_SIZE 256
void pac_host(char out[PAC_HOST_SIZE], const char *text, size_t len);

/* FindProxyForURL: the search domains and AllowedIPs of each tunnel lead to its proxies, the rest goes directly. The first
 * tunnel that takes more than half of IPv4 gets what no other one takes as well, but for IPv4 addresses that are not its
 * own. Tunnels without proxies are passed over. `host` is for proxies that stand on every address, see pac_host. */
void pac_write(struct words *out, const struct pac_tunnel tunnels[], size_t n, const char *host);

#endif
