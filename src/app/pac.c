/* SPDX-License-Identifier: MIT */
/* Writes FindProxyForURL. Addresses are compared by the browser's own functions: isInNet for IPv4, isInNetEx for IPv6 where it
 * has it; a host that is a name is judged by its domain, since looking it up would ask a server outside the tunnel. */
#include "app/pac.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

void pac_proxies_add(struct pac_proxies *p, const struct config_door *d, const struct place *bound)
{
    if (d->kind != CONFIG_PROXY || bound->kind != PLACE_IP) {
        return;
    }
    bool tls = d->tls_certificate != NULL; /* browsers speak it to HTTP proxies alone */
    if (p->socks.port == 0 && d->protocols & CONFIG_SOCKS5 && d->n_users == 0 && !tls) {
        p->socks = bound->at;
    }
    if (p->http.port == 0 && d->protocols & CONFIG_HTTP) {
        p->http = bound->at;
        p->http_by_tls = tls;
    }
}

bool pac_proxies_exist(const struct pac_proxies *p)
{
    return p->socks.port != 0 || p->http.port != 0;
}

/* ---- the proxies ---- */

void pac_host(char out[PAC_HOST_SIZE], const char *text, size_t len)
{
    static const char harmless[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:";
    char whole[PAC_HOST_SIZE + sizeof "[]:65535"] = "";
    uint16_t port;
    if (len < sizeof whole) {
        memcpy(whole, text, len);
    }
    if (!hostport_split(whole, out, PAC_HOST_SIZE, &port)) {
        snprintf(out, PAC_HOST_SIZE, "%.*s", PAC_HOST_SIZE - 1, whole);
    }
    if (out[0] == '\0' || out[strspn(out, harmless)] != '\0') {
        snprintf(out, PAC_HOST_SIZE, "127.0.0.1");
    }
}

static void write_proxy(struct words *out, const char *word, const struct endpoint *at,
                        const char *host)
{
    static const struct addr everywhere;
    char text[ENDPOINT_TEXT];
    if (memcmp(at->addr.bytes, everywhere.bytes, sizeof everywhere.bytes) != 0) {
        words_add(out, "%s %s", word, endpoint_format(at, text));
    } else {
        bool brackets = strchr(host, ':') != NULL;
        words_add(out, "%s %s%s%s:%u", word, brackets ? "[" : "", host, brackets ? "]" : "",
                  (unsigned)at->port);
    }
}

static void write_proxies(struct words *out, const struct pac_proxies *p, const char *host)
{
    words_add(out, "\"");
    if (p->socks.port != 0) {
        write_proxy(out, "SOCKS5", &p->socks, host);
    }
    if (p->socks.port != 0 && p->http.port != 0) {
        words_add(out, "; ");
    }
    if (p->http.port != 0) {
        write_proxy(out, p->http_by_tls ? "HTTPS" : "PROXY", &p->http, host);
    }
    words_add(out, "\"");
}

/* ---- what goes there ---- */

static bool takes_everything(const struct config *c)
{
    for (size_t p = 0; p < c->n_peers; p++) {
        for (size_t k = 0; k < c->peers[p].n_allowed_ips; k++) {
            const struct prefix *net = &c->peers[p].allowed_ips[k];
            if (net->len == 0 && net->addr.family == FAMILY_V4) {
                return true;
            }
        }
    }
    return false;
}

static void write_domains(struct words *out, const struct config *c, unsigned at)
{
    for (size_t i = 0; i < c->n_search; i++) {
        words_add(out, "  if (host == \"%s\" || dnsDomainIs(host, \".%s\")) return tunnels[%u];\n",
                  c->search[i], c->search[i], at);
    }
}

static void write_network(struct words *out, const struct prefix *net, unsigned at)
{
    char text[PREFIX_TEXT], mask_text[ADDR_TEXT];
    if (net->addr.family == FAMILY_V6) {
        words_add(out,
                  "  if (v6 && typeof isInNetEx == \"function\" && isInNetEx(bare, \"%s\")) return "
                  "tunnels[%u];\n",
                  prefix_format(net, text), at);
        return;
    }
    struct addr mask = {.family = FAMILY_V4};
    store_be32(mask.bytes, net->len == 0 ? 0 : UINT32_MAX << (32 - net->len));
    words_add(out, "  if (v4 && isInNet(host, \"%s\", \"%s\")) return tunnels[%u];\n",
              addr_format(&net->addr, text), addr_format(&mask, mask_text), at);
}

static void write_networks(struct words *out, const struct config *c, unsigned at)
{
    for (size_t p = 0; p < c->n_peers; p++) {
        for (size_t k = 0; k < c->peers[p].n_allowed_ips; k++) {
            write_network(out, &c->peers[p].allowed_ips[k], at);
        }
    }
}

static void write_tunnels(struct words *out, const struct pac_tunnel tunnels[], size_t n,
                          const char *host)
{
    const char *comma = "";
    words_add(out, "  var tunnels = [");
    for (size_t i = 0; i < n; i++) {
        if (pac_proxies_exist(tunnels[i].proxies)) {
            words_add(out, "%s", comma);
            write_proxies(out, tunnels[i].proxies, host);
            comma = ", ";
        }
    }
    words_add(out, "];\n");
}

void pac_write(struct words *out, const struct pac_tunnel tunnels[], size_t n, const char *host)
{
    unsigned at = 0;
    int taker = -1;
    words_add(out, "function FindProxyForURL(url, host) {\n");
    write_tunnels(out, tunnels, n, host);
    words_add(
        out,
        "  if (host == \"localhost\" || host == \"127.0.0.1\" || host == \"[::1]\" || host == "
        "\"::1\") "
        "return \"DIRECT\";\n"
        "  host = host.toLowerCase();\n"
        "  var bare = host.replace(/^\\[|\\]$/g, \"\");\n"
        "  var v4 = /^\\d+\\.\\d+\\.\\d+\\.\\d+$/.test(host), v6 = bare.indexOf(\":\") >= 0;\n");
    for (size_t i = 0; i < n; i++) {
        if (!pac_proxies_exist(tunnels[i].proxies)) {
            continue;
        }
        if (takes_everything(tunnels[i].config) && taker < 0) {
            taker = (int)at;
        } else {
            write_domains(out, tunnels[i].config, at);
            write_networks(out, tunnels[i].config, at);
        }
        at++;
    }
    if (taker >= 0) {
        words_add(out, "  return tunnels[%d];\n}\n", taker);
    } else {
        words_add(out, "  return \"DIRECT\";\n}\n");
    }
}
