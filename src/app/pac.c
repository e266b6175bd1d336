/* SPDX-License-Identifier: MIT */
/* Writes FindProxyForURL. Addresses are compared by the browser's own functions: isInNet for IPv4, isInNetEx for IPv6 where it
 * has it; a host that is a name is judged by its domain, since looking it up would ask a server outside the tunnel. */
#include "app/pac.h"

#include "base/bytes.h"

static bool takes_everything(const struct config *const configs[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t p = 0; p < configs[i]->n_peers; p++) {
            const struct config_peer *peer = &configs[i]->peers[p];
            for (size_t k = 0; k < peer->n_allowed_ips; k++) {
                if (peer->allowed_ips[k].len == 0 && peer->allowed_ips[k].addr.family == FAMILY_V4) {
                    return true;
                }
            }
        }
    }
    return false;
}

static void write_domains(struct words *out, const struct config *c)
{
    for (size_t i = 0; i < c->n_search; i++) {
        words_add(out, "  if (host == \"%s\" || dnsDomainIs(host, \".%s\")) return tunnel;\n", c->search[i], c->search[i]);
    }
}

static void write_network(struct words *out, const struct prefix *net)
{
    char text[PREFIX_TEXT], mask_text[ADDR_TEXT];
    if (net->addr.family == FAMILY_V6) {
        words_add(out, "  if (v6 && typeof isInNetEx == \"function\" && isInNetEx(bare, \"%s\")) return tunnel;\n",
                  prefix_format(net, text));
        return;
    }
    struct addr mask = {.family = FAMILY_V4};
    store_be32(mask.bytes, net->len == 0 ? 0 : UINT32_MAX << (32 - net->len));
    words_add(out, "  if (v4 && isInNet(host, \"%s\", \"%s\")) return tunnel;\n", addr_format(&net->addr, text),
              addr_format(&mask, mask_text));
}

static void write_networks(struct words *out, const struct config *c)
{
    for (size_t p = 0; p < c->n_peers; p++) {
        for (size_t k = 0; k < c->peers[p].n_allowed_ips; k++) {
            write_network(out, &c->peers[p].allowed_ips[k]);
        }
    }
}

void pac_write(struct words *out, const struct config *const configs[], size_t n, const char *proxy)
{
    words_add(out, "function FindProxyForURL(url, host) {\n  var tunnel = \"%s\";\n", proxy);
    words_add(out, "  if (host == \"localhost\" || host == \"127.0.0.1\" || host == \"[::1]\" || host == \"::1\") "
                   "return \"DIRECT\";\n");
    if (takes_everything(configs, n)) {
        words_add(out, "  return tunnel;\n}\n");
        return;
    }
    words_add(out, "  host = host.toLowerCase();\n"
                   "  var bare = host.replace(/^\\[|\\]$/g, \"\");\n"
                   "  var v4 = /^\\d+\\.\\d+\\.\\d+\\.\\d+$/.test(host), v6 = bare.indexOf(\":\") >= 0;\n");
    for (size_t i = 0; i < n; i++) {
        write_domains(out, configs[i]);
        write_networks(out, configs[i]);
    }
    words_add(out, "  return \"DIRECT\";\n}\n");
}
