/* SPDX-License-Identifier: MIT */
/* What can be wrong with a file although each of its lines is right. */
#include "config/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define IPV6_MTU_MIN 1280 /* RFC 8200 section 5 */

static bool is_zero(const uint8_t key[KEY_LEN])
{
    static const uint8_t zero[KEY_LEN];
    return memcmp(key, zero, KEY_LEN) == 0;
}

static void check_sections(const struct reading *r)
{
    if (r->interface_line == 0) {
        report_error(r->report, 0, "there is no [Interface]");
    }
    if (r->config->n_peers == 0) {
        report_error(r->report, 0, "there is no [Peer]");
    }
}

static void check_mtu(const struct reading *r)
{
    const struct config *c = r->config;
    for (size_t i = 0; i < c->n_addresses; i++) {
        if (c->addresses[i].addr.family == FAMILY_V6 && c->mtu != 0 &&
            c->mtu < IPV6_MTU_MIN) {
            report_error(r->report, r->interface_line,
                         "MTU: %u is too small for the IPv6 Address: "
                         "must be 1280 or more",
                         (unsigned)c->mtu);
            return;
        }
    }
}

static void check_keys_differ(const struct reading *r, size_t at)
{
    const struct config *c = r->config;
    const struct config_peer *peer = &c->peers[at];
    if (is_zero(peer->public_key)) {
        return; /* it could not be read, and has its own message */
    }
    if (memcmp(peer->public_key, c->private_key, KEY_LEN) == 0) {
        report_error(r->report, peer->line,
                     "PublicKey: is our PrivateKey; "
                     "the peer's own public key belongs here");
    }
    for (size_t i = 0; i < at; i++) {
        if (memcmp(peer->public_key, c->peers[i].public_key, KEY_LEN) == 0) {
            report_error(r->report, peer->line,
                         "PublicKey: the [Peer] in line %u has the same one",
                         c->peers[i].line);
            return;
        }
    }
}

static void check_peers(const struct reading *r)
{
    const struct config *c = r->config;
    bool someone_can_begin = r->config->listen_port != 0;
    for (size_t i = 0; i < c->n_peers; i++) {
        check_keys_differ(r, i);
        someone_can_begin =
            someone_can_begin || c->peers[i].endpoint_host != NULL;
        if (c->peers[i].n_allowed_ips == 0) {
            report_warning(r->report, c->peers[i].line,
                           "[Peer] has no AllowedIPs: "
                           "nothing can be sent to it");
        }
    }
    if (!someone_can_begin && c->n_peers > 0) {
        report_warning(r->report, r->interface_line,
                       "no [Peer] has an Endpoint and there is no ListenPort: "
                       "neither side can begin");
    }
}

static void check_door(const struct reading *r, size_t at)
{
    const struct config_door *doors = r->config->doors;
    const struct config_door *d = &doors[at];
    const struct endpoint *bind = &d->bind.at;
    char text[ENDPOINT_TEXT];
    if (bind->addr.family == FAMILY_NONE) {
        return; /* could not be read */
    }
    if (!addr_is_loopback(&bind->addr) && !d->allow_lan) {
        report_error(r->report, d->line,
                     "BindAddress: \"%s\": others could use the tunnel from "
                     "there; if they may, add AllowLan = yes",
                     endpoint_format(bind, text));
    }
    for (size_t i = 0; i < at; i++) {
        if (bind->port != 0 && endpoint_equal(bind, &doors[i].bind.at)) {
            report_error(r->report, d->line,
                         "BindAddress: \"%s\" is taken by line %u",
                         endpoint_format(bind, text), doors[i].line);
        }
    }
}

void check_whole(const struct reading *r)
{
    check_sections(r);
    check_mtu(r);
    check_peers(r);
    for (size_t i = 0; i < r->config->n_doors; i++) {
        check_door(r, i);
    }
}
