/* SPDX-License-Identifier: MIT */
/* The words for what stands. */
#include "cmd/announce.h"

#include "app/tunnel.h"
#include "wg/wg.h"

#include <stdio.h>
#include <string.h>

void announce_tunnel(const struct world *w, const struct config *c, const struct tunnel *t)
{
    const struct log *log = &w->log;
    char addresses[256] = "", workers[24] = "";
    for (size_t a = 0; a < c->n_addresses; a++) {
        char text[ADDR_TEXT];
        size_t used = strlen(addresses);
        snprintf(addresses + used, sizeof addresses - used, "%s%s", a > 0 ? ", " : "",
                 addr_format(&c->addresses[a].addr, text));
    }
    if (w->env.parallel != NULL) {
        snprintf(workers, sizeof workers, " on %u cores", w->parallel.workers + 1);
    }
    log_info(log, "tunnel %s: %s; %zu peer%s; MTU %u; UDP port %u%s%s; %s%s", c->path, addresses,
             c->n_peers, c->n_peers == 1 ? "" : "s", (unsigned)tunnel_mtu(t),
             (unsigned)tunnel_port(t), c->through != NULL ? " through " : "",
             c->through != NULL ? c->through : "", wg_suite_name(), workers);
    if (c->n_dns == 0) {
        log_info(log, "no DNS in %s: names are %s", c->path,
                 c->names_outside
                     ? "looked up by this machine, outside the tunnel, as [Resolve] says"
                     : "refused, never looked up outside -> set DNS = a server in the tunnel");
    }
}

static const char *protocols_text(const struct config_door *d)
{
    bool socks = d->protocols & (CONFIG_SOCKS5 | CONFIG_SOCKS4), http = d->protocols & CONFIG_HTTP;
    return socks && http ? "SOCKS and HTTP proxy" : http ? "HTTP proxy" : "SOCKS proxy";
}

void announce_door(const struct log *log, const struct config_door *d, const struct place *bound)
{
    char at[PLACE_TEXT] = "", target[300] = "";
    if (d->target_path != NULL) {
        snprintf(target, sizeof target, "unix:%s", d->target_path);
    } else if (d->target_host != NULL) {
        snprintf(target, sizeof target, "%s:%u", d->target_host, (unsigned)d->target_port);
    }
    place_format(bound, at);
    switch (d->kind) {
    case CONFIG_PROXY:
        log_info(log, "%s on %s%s%s", protocols_text(d), at,
                 d->tls_certificate != NULL ? ", by TLS" : "",
                 d->n_users > 0 ? ", for its users" : "");
        break;
    case CONFIG_SNI:
        log_info(log, "TLS by server name on %s", at);
        break;
    case CONFIG_FORWARD:
        log_info(log, "%s%s leads to %s in the tunnel", d->udp ? "UDP " : "", at, target);
        break;
    case CONFIG_REVERSE:
        log_info(log, "%sport %u in the tunnel leads to %s here", d->udp ? "UDP " : "",
                 (unsigned)d->port, target);
        break;
    case CONFIG_STDIO:
        break;
    }
}
