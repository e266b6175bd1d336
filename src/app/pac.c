/* SPDX-License-Identifier: MIT */
/* Writes FindProxyForURL. IPv4 addresses are compared by isInNet, which every browser has; IPv6 ones by a function of our own,
 * since not every browser has isInNetEx, and what is not found to be inside would go around the tunnel. A host that is a name is
 * judged by its domain, since looking it up would ask a server outside the tunnel. */
#include "app/pac.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
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

#define DOMAIN_SIZE 256
#define ALL_OF_IPV4 (UINT64_C(1) << 32)

struct range {
    uint64_t from, to; /* IPv4 addresses; `to` is the first one behind it */
};

static int by_begin(const void *a, const void *b)
{
    uint64_t x = ((const struct range *)a)->from, y = ((const struct range *)b)->from;
    return x < y ? -1 : x > y;
}

/* The IPv4 networks of all peers; returns their number. `out` may be NULL, to count them. */
static size_t take_ranges(struct range *out, const struct config *c)
{
    size_t n = 0;
    for (size_t p = 0; p < c->n_peers; p++) {
        for (size_t k = 0; k < c->peers[p].n_allowed_ips; k++) {
            const struct prefix *net = &c->peers[p].allowed_ips[k];
            if (net->addr.family != FAMILY_V4) {
                continue;
            }
            if (out != NULL) {
                uint64_t size = ALL_OF_IPV4 >> net->len;
                out[n].from = load_be32(net->addr.bytes) & ~(size - 1);
                out[n].to = out[n].from + size;
            }
            n++;
        }
    }
    return n;
}

/* How many IPv4 addresses belong in the tunnel: all of them where that cannot be told. */
static uint64_t width(const struct config *c)
{
    uint64_t sum = 0, reached = 0;
    size_t n = take_ranges(NULL, c);
    struct range *ranges = malloc((n + 1) * sizeof *ranges);
    if (ranges == NULL) {
        return ALL_OF_IPV4;
    }
    take_ranges(ranges, c);
    qsort(ranges, n, sizeof *ranges, by_begin);
    for (size_t i = 0; i < n; i++) {
        uint64_t from = ranges[i].from > reached ? ranges[i].from : reached;
        if (ranges[i].to > from) {
            sum += ranges[i].to - from;
            reached = ranges[i].to;
        }
    }
    free(ranges);
    return sum;
}

/* More than half is the Internet, in halves or but for what is at home: names belong there too. */
static bool takes_names(const struct config *c)
{
    return width(c) > ALL_OF_IPV4 / 2;
}

/* As the script spells hosts: in small letters, without the last dot. */
static void spell(char out[DOMAIN_SIZE], const char *name)
{
    size_t n = strnlen(name, DOMAIN_SIZE - 1);
    n -= n > 0 && name[n - 1] == '.';
    for (size_t i = 0; i < n; i++) {
        out[i] = (char)tolower((unsigned char)name[i]);
    }
    out[n] = '\0';
}

static void write_domains(struct words *out, const struct config *c, unsigned at)
{
    char name[DOMAIN_SIZE];
    for (size_t i = 0; i < c->n_search; i++) {
        spell(name, c->search[i]);
        words_add(out, "  if (host == \"%s\" || dnsDomainIs(host, \".%s\")) return tunnels[%u];\n",
                  name, name, at);
    }
}

static void write_network6(struct words *out, const struct prefix *net, unsigned at)
{
    words_add(out, "  if (v6 && isIn(v6, [");
    for (size_t i = 0; i < 16; i += 2) {
        words_add(out, "%s%u", i > 0 ? "," : "", (unsigned)load_be16(net->addr.bytes + i));
    }
    words_add(out, "], %u)) return tunnels[%u];\n", (unsigned)net->len, at);
}

static void write_network(struct words *out, const struct prefix *net, unsigned at)
{
    char text[ADDR_TEXT], mask_text[ADDR_TEXT];
    if (net->addr.family == FAMILY_V6) {
        write_network6(out, net, at);
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

/* Whatever is left; addresses only as far as they belong there. */
static void write_taker(struct words *out, const struct config *c, unsigned at)
{
    if (width(c) < ALL_OF_IPV4) {
        write_networks(out, c, at);
        words_add(out, "  if (v4) return \"DIRECT\";\n");
    }
    words_add(out, "  return tunnels[%u];\n}\n", at);
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

/* groups: the eight numbers of an IPv6 address. isIn: are the first `len` bits the same? */
static const char functions[] =
    "function groups(text) {\n"
    "  var dotted = /^(.*:)(\\d+)\\.(\\d+)\\.(\\d+)\\.(\\d+)$/.exec(text);\n"
    "  if (dotted) text = dotted[1] + (dotted[2] * 256 + +dotted[3]).toString(16) + \":\" +\n"
    "    (dotted[4] * 256 + +dotted[5]).toString(16);\n"
    "  var halves = text.split(\"::\");\n"
    "  var all = halves[0] ? halves[0].split(\":\") : [], last = halves[1] ? "
    "halves[1].split(\":\") : [];\n"
    "  while (halves.length > 1 && all.length + last.length < 8) all.push(\"0\");\n"
    "  all = all.concat(last);\n"
    "  for (var i = 0; i < all.length; i++) all[i] = parseInt(all[i], 16);\n"
    "  return all;\n"
    "}\n"
    "function isIn(address, net, len) {\n"
    "  for (var i = 0; i < len; i++)\n"
    "    if ((address[i >> 4] ^ net[i >> 4]) & 0x8000 >> (i & 15)) return false;\n"
    "  return true;\n"
    "}\n";

/* In one spelling: a name may end in a dot, and an IPv4 address may be dressed as IPv6. */
static const char beginning[] =
    "  host = host.toLowerCase().replace(/^\\[|\\]$/g, \"\").replace(/\\.$/, \"\");\n"
    "  if (host == \"localhost\" || host == \"127.0.0.1\" || host == \"::1\") return \"DIRECT\";\n"
    "  var v6 = host.indexOf(\":\") >= 0 && groups(host);\n"
    "  if (v6 && isIn(v6, [0,0,0,0,0,65535,0,0], 96)) {\n"
    "    host = [v6[6] >> 8, v6[6] & 255, v6[7] >> 8, v6[7] & 255].join(\".\");\n"
    "    v6 = false;\n"
    "  }\n"
    "  var v4 = /^\\d+\\.\\d+\\.\\d+\\.\\d+$/.test(host);\n";

void pac_write(struct words *out, const struct pac_tunnel tunnels[], size_t n, const char *host)
{
    const struct config *taker = NULL;
    unsigned at = 0, at_taker = 0;
    words_add(out, "%sfunction FindProxyForURL(url, host) {\n", functions);
    write_tunnels(out, tunnels, n, host);
    words_add(out, "%s", beginning);
    for (size_t i = 0; i < n; i++) {
        if (!pac_proxies_exist(tunnels[i].proxies)) {
            continue;
        }
        if (taker == NULL && takes_names(tunnels[i].config)) {
            taker = tunnels[i].config;
            at_taker = at;
        } else {
            write_domains(out, tunnels[i].config, at);
            write_networks(out, tunnels[i].config, at);
        }
        at++;
    }
    if (taker != NULL) {
        write_taker(out, taker, at_taker);
    } else {
        words_add(out, "  return \"DIRECT\";\n}\n");
    }
}
