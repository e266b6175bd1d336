/* SPDX-License-Identifier: MIT */
/* From the value of a key to the field of the configuration. */
#include "config/setters.h"

#include "base/bytes.h"
#include "config/reading.h"
#include "config/values.h"

#include <stdlib.h>
#include <string.h>

/* Lists double when they are full, at 1, 2, 4... items. */
void *setters_grow(struct reading *r, void *items, size_t n, size_t item_size)
{
    if ((n & (n - 1)) != 0) {
        return items;
    }
    char *wider = calloc(n > 0 ? 2 * n : 1, item_size);
    if (wider == NULL) {
        r->no_memory = true;
        return NULL;
    }
    if (n > 0) {
        memcpy(wider, items, n * item_size);
        wipe(items, n * item_size);
        free(items);
    }
    return wider;
}

char *setters_copy(struct reading *r, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy == NULL) {
        r->no_memory = true;
        return NULL;
    }
    return memcpy(copy, text, size);
}

static void append_prefix(struct reading *r, struct prefix **list, size_t *n, struct prefix item)
{
    struct prefix *wider = setters_grow(r, *list, *n, sizeof *wider);
    if (wider != NULL) {
        *list = wider;
        wider[(*n)++] = item;
    }
}

static struct config_peer *current_peer(struct reading *r)
{
    return &r->config->peers[r->config->n_peers - 1];
}

void setters_begin_peer(struct reading *r)
{
    struct config *c = r->config;
    struct config_peer *peers = setters_grow(r, c->peers, c->n_peers, sizeof *peers);
    if (peers != NULL) {
        c->peers = peers;
        peers[c->n_peers++] = (struct config_peer){.line = r->line};
    }
}

void setters_begin_interface(struct reading *r)
{
    if (r->interface_line == 0) {
        r->interface_line = r->line;
    } else {
        report_error(r->report, r->line, "a second [Interface], the first is in line %u",
                     r->interface_line);
        r->section = SECTION_SKIPPED;
    }
}

const char *set_private_key(struct reading *r, const char *text)
{
    return value_key(r->config->private_key, text, r->why);
}

const char *set_address(struct reading *r, const char *text)
{
    struct prefix p;
    const char *why = value_address(&p, text);
    if (why == NULL) {
        append_prefix(r, &r->config->addresses, &r->config->n_addresses, p);
    }
    return why;
}

static const char *set_search_domain(struct reading *r, const char *text)
{
    struct config *c = r->config;
    const char *why = value_search_domain(text);
    if (why != NULL) {
        return why;
    }
    char **search = setters_grow(r, c->search, c->n_search, sizeof *search);
    if (search == NULL) {
        return NULL;
    }
    c->search = search;
    search[c->n_search] = setters_copy(r, text);
    c->n_search += search[c->n_search] != NULL;
    return NULL;
}

const char *set_dns(struct reading *r, const char *text)
{
    if (!value_is_dns_server(text)) {
        return set_search_domain(r, text);
    }
    struct config *c = r->config;
    struct addr server;
    const char *why = value_dns_server(&server, text);
    if (why != NULL) {
        return why;
    }
    if (addr_is_loopback(&server)) {
        reading_warn(r,
                     "DNS: %s is this machine, and names are asked for in the tunnel only; ignored",
                     text);
        return NULL;
    }
    struct addr *dns = setters_grow(r, c->dns, c->n_dns, sizeof *dns);
    if (dns != NULL) {
        r->dns_line = c->n_dns == 0 ? r->line : r->dns_line;
        c->dns = dns;
        dns[c->n_dns++] = server;
    }
    return NULL;
}

const char *set_mtu(struct reading *r, const char *text)
{
    return value_mtu(&r->config->mtu, text);
}

const char *set_udp_offload(struct reading *r, const char *text)
{
    bool wanted;
    const char *why = value_yes_no(&wanted, text);
    if (why == NULL) {
        r->config->no_udp_offload = !wanted;
    }
    return why;
}

const char *set_listen_port(struct reading *r, const char *text)
{
    return value_port(&r->config->listen_port, text);
}

const char *set_through(struct reading *r, const char *text)
{
    free(r->config->through);
    r->config->through = setters_copy(r, text);
    return NULL;
}

const char *set_public_key(struct reading *r, const char *text)
{
    return value_key(current_peer(r)->public_key, text, r->why);
}

const char *set_preshared_key(struct reading *r, const char *text)
{
    static const uint8_t zero[KEY_LEN];
    struct config_peer *peer = current_peer(r);
    const char *why = value_preshared_key(peer->preshared_key, text, r->why);
    peer->has_preshared_key = memcmp(peer->preshared_key, zero, KEY_LEN) != 0;
    return why;
}

const char *set_allowed_ip(struct reading *r, const char *text)
{
    struct config_peer *peer = current_peer(r);
    struct prefix p;
    const char *why = value_prefix(&p, text);
    if (why == NULL) {
        append_prefix(r, &peer->allowed_ips, &peer->n_allowed_ips, p);
    }
    return why;
}

const char *set_endpoint(struct reading *r, const char *text)
{
    struct config_peer *peer = current_peer(r);
    char host[HOST_SIZE];
    uint16_t port;
    const char *why = value_endpoint(host, &port, text);
    if (why == NULL) {
        free(peer->endpoint_host);
        peer->endpoint_host = setters_copy(r, host);
        peer->endpoint_port = port;
    }
    return why;
}

const char *set_keepalive(struct reading *r, const char *text)
{
    return value_keepalive(&current_peer(r)->keepalive, text);
}

const char *set_check_alive(struct reading *r, const char *text)
{
    struct config *c = r->config;
    struct addr target;
    if (!addr_parse(&target, text)) {
        return "must be an IP address in the tunnel";
    }
    struct addr *list = setters_grow(r, c->check_alive, c->n_check_alive, sizeof *list);
    if (list != NULL) {
        c->check_alive = list;
        list[c->n_check_alive++] = target;
    }
    return NULL;
}

const char *set_check_alive_interval(struct reading *r, const char *text)
{
    return value_seconds(&r->config->check_alive_interval, 1, text);
}

const char *set_wg_config(struct reading *r, const char *text)
{
    free(r->wg_config);
    r->wg_config = setters_copy(r, text);
    r->wg_config_line = r->line;
    return NULL;
}
