/* SPDX-License-Identifier: MIT */
/* What can be wrong with a file although each of its lines is right. */
#include "config/check.h"

#include "config/listener.h"

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
    if (r->names_wg_config && r->wg_config == NULL) {
        return; /* they are in the file that could not be read, which has its own message */
    }
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
        if (c->addresses[i].addr.family == FAMILY_V6 && c->mtu != 0 && c->mtu < IPV6_MTU_MIN) {
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
            report_error(r->report, peer->line, "PublicKey: the [Peer] in line %u has the same one",
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
        someone_can_begin = someone_can_begin || c->peers[i].endpoint_host != NULL;
        if (r->report->errors > 0) {
            continue; /* what is missing may be what could not be read */
        }
        if (c->peers[i].n_allowed_ips == 0 && c->n_doors > 0) {
            report_warning(
                r->report, c->peers[i].line,
                "[Peer] has no AllowedIPs: taken for 0.0.0.0/0, ::/0, as wireproxy does");
        } else if (c->peers[i].n_allowed_ips == 0) {
            report_warning(r->report, c->peers[i].line,
                           "[Peer] has no AllowedIPs: "
                           "nothing can be sent to it");
        }
    }
    if (!someone_can_begin && c->n_peers > 0 && r->report->errors == 0) {
        report_warning(r->report, r->interface_line,
                       "no [Peer] has an Endpoint and there is no ListenPort: "
                       "neither side can begin");
    }
}

static const char *quote_place(const struct place *p, char out[QUOTE_SIZE])
{
    char text[PLACE_TEXT];
    return report_quote(out, place_format(p, text));
}

static bool is_unread(const struct place *p)
{
    return p->kind == PLACE_IP && p->at.addr.family == FAMILY_NONE; /* it has its own message */
}

static void check_place(const struct reading *r, unsigned line, const struct place *at,
                        bool allowed)
{
    char text[QUOTE_SIZE];
    if (!is_unread(at) && !place_is_private(at) && !allowed) {
        report_error(r->report, line,
                     "BindAddress: %s: others could use the tunnel from "
                     "there; if they may, add AllowLan = yes, or give --allow-lan",
                     quote_place(at, text));
    }
}

static bool stands_here(const struct config_door *d)
{
    return d->kind == CONFIG_PROXY || d->kind == CONFIG_SNI || d->kind == CONFIG_FORWARD;
}

static void check_listener(const struct reading *r, size_t at)
{
    const struct config_door *doors = r->config->doors;
    const struct config_door *d = &doors[at];
    char text[QUOTE_SIZE];
    check_place(r, d->line, &d->bind, d->allow_lan || d->n_users > 0);
    for (size_t i = 0; i < at; i++) {
        if (stands_here(&doors[i]) && doors[i].udp == d->udp && !is_unread(&d->bind) &&
            place_clashes(&d->bind, &doors[i].bind)) {
            report_error(r->report, d->line, "BindAddress: %s is taken by line %u",
                         quote_place(&d->bind, text), doors[i].line);
        }
    }
}

static void check_reverse(const struct reading *r, size_t at)
{
    const struct config_door *doors = r->config->doors;
    const struct config_door *d = &doors[at];
    for (size_t i = 0; i < at; i++) {
        if (doors[i].kind == CONFIG_REVERSE && doors[i].udp == d->udp && doors[i].port == d->port &&
            d->port != 0) {
            report_error(r->report, d->line, "ListenPort: %u is taken by line %u",
                         (unsigned)d->port, doors[i].line);
        }
    }
}

static bool may_be_user(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->n_doors; i++) {
        for (size_t j = 0; j < c->doors[i].n_users; j++) {
            const char *known = c->doors[i].users[j].name;
            /* NULL: this may be the one that could not be read */
            if (known == NULL || strcmp(known, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void check_rules(const struct reading *r, const struct config_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rules[i].user != NULL && !may_be_user(r->config, rules[i].user)) {
            report_warning(r->report, rules[i].line, "no door has this user: the rule never fits");
        }
    }
}

static void check_status(const struct reading *r)
{
    const struct config *c = r->config;
    char text[QUOTE_SIZE];
    check_place(r, c->status_line, &c->status, c->status_allow_lan);
    for (size_t i = 0; i < c->n_doors; i++) {
        if (stands_here(&c->doors[i]) && !c->doors[i].udp &&
            place_clashes(&c->status, &c->doors[i].bind)) {
            report_error(r->report, c->status_line, "BindAddress: %s is taken by line %u",
                         quote_place(&c->status, text), c->doors[i].line);
        }
    }
}

static void check_doors(const struct reading *r)
{
    const struct config *c = r->config;
    unsigned stdio = 0;
    for (size_t i = 0; i < c->n_doors; i++) {
        if (stands_here(&c->doors[i])) {
            check_listener(r, i);
        } else if (c->doors[i].kind == CONFIG_REVERSE) {
            check_reverse(r, i);
        } else if (stdio++ > 0) {
            report_error(r->report, c->doors[i].line,
                         "a second [STDIOTunnel]: there is one standard input");
        }
        check_rules(r, c->doors[i].rules, c->doors[i].n_rules);
    }
    check_rules(r, c->rules, c->n_rules);
    if (c->status_line != 0) {
        check_status(r);
    }
}

static void check_names(const struct reading *r)
{
    const struct config *c = r->config;
    if (c->names_outside && c->n_dns > 0) {
        report_warning(
            r->report, 0,
            "[Resolve] Outside: DNS is set, so names are asked for in the tunnel all the same");
    } else if (c->names_outside) {
        report_warning(r->report, 0,
                       "[Resolve] Outside = yes: the names of destinations are told to this "
                       "machine's resolver, outside "
                       "the tunnel");
    }
    if (c->check_alive_interval != 0 && c->n_check_alive == 0) {
        report_error(r->report, r->interface_line, "CheckAliveInterval: there is no CheckAlive");
    }
}

static bool leads_to_a_peer(const struct config *c, const struct addr *a)
{
    for (size_t i = 0; i < c->n_peers; i++) {
        for (size_t j = 0; j < c->peers[i].n_allowed_ips; j++) {
            if (prefix_contains(&c->peers[i].allowed_ips[j], a)) {
                return true;
            }
        }
        if (c->peers[i].n_allowed_ips == 0) {
            return true; /* that has its own message */
        }
    }
    return false;
}

/* With wg-quick(8), what AllowedIPs leave out goes past the tunnel, such a server's questions among it. */
static void check_dns(const struct reading *r)
{
    const struct config *c = r->config;
    char text[ADDR_TEXT];
    for (size_t i = 0; i < c->n_dns; i++) {
        if (leads_to_a_peer(c, &c->dns[i])) {
            return;
        }
    }
    if (c->n_dns > 0) {
        report_warning(r->report, r->dns_line,
                       "DNS: %s%s in no peer's AllowedIPs, so no name can be looked up: add it "
                       "there, or name a server in the tunnel",
                       addr_format(&c->dns[0], text), c->n_dns > 1 ? " and the others are" : " is");
    }
}

/* wireproxy asks this machine's resolver. */
static void check_target_names(const struct reading *r)
{
    const struct config *c = r->config;
    for (size_t i = 0; i < c->n_doors && c->n_dns == 0 && !c->names_outside; i++) {
        const struct config_door *d = &c->doors[i];
        struct addr addr;
        if ((d->kind == CONFIG_FORWARD || d->kind == CONFIG_STDIO) && d->target_host != NULL &&
            !addr_parse(&addr, d->target_host)) {
            char text[QUOTE_SIZE];
            report_warning(r->report, d->target_line,
                           "Target: %s is a name, and there is no DNS to ask for it in the tunnel",
                           report_quote(text, d->target_host));
        }
    }
}

void check_whole(const struct reading *r)
{
    check_sections(r);
    check_mtu(r);
    check_peers(r);
    check_doors(r);
    check_names(r);
    if (r->report->errors == 0) {
        check_dns(r);
        check_target_names(r);
    }
}
