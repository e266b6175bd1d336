/* SPDX-License-Identifier: MIT */
/* The setters of whatever is not wg-quick's: doors, rules, limits, the status port. */
#include "config/setters.h"

#include "base/bytes.h"
#include "config/doors.h"
#include "config/listener.h"
#include "config/reading.h"
#include "config/values.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct config_door *current_door(struct reading *r)
{
    return &r->config->doors[r->config->n_doors - 1];
}

/* ---- sections ---- */

static void begin_door(struct reading *r, struct config_door door)
{
    struct config *c = r->config;
    struct config_door *doors = setters_grow(r, c->doors, c->n_doors, sizeof *doors);
    if (doors != NULL) {
        c->doors = doors;
        door.line = r->line;
        doors[c->n_doors++] = door;
    }
}

void setters_begin_proxy(struct reading *r)
{
    begin_door(r, (struct config_door){.kind = CONFIG_PROXY});
}

void setters_begin_socks5(struct reading *r)
{
    begin_door(
        r, (struct config_door){.kind = CONFIG_PROXY, .protocols = CONFIG_SOCKS5 | CONFIG_SOCKS4});
}

void setters_begin_http(struct reading *r)
{
    begin_door(r, (struct config_door){.kind = CONFIG_PROXY, .protocols = CONFIG_HTTP});
}

void setters_begin_sni(struct reading *r)
{
    begin_door(r, (struct config_door){.kind = CONFIG_SNI, .port = 443});
}

void setters_begin_tcp_client(struct reading *r)
{
    begin_door(r, (struct config_door){.kind = CONFIG_FORWARD});
}

void setters_begin_udp_client(struct reading *r)
{
    begin_door(r, (struct config_door){.kind = CONFIG_FORWARD, .udp = true});
}

void setters_begin_tcp_server(struct reading *r)
{
    begin_door(r, (struct config_door){.kind = CONFIG_REVERSE});
}

void setters_begin_udp_server(struct reading *r)
{
    begin_door(r, (struct config_door){.kind = CONFIG_REVERSE, .udp = true});
}

void setters_begin_stdio(struct reading *r)
{
    begin_door(r, (struct config_door){.kind = CONFIG_STDIO});
}

void setters_begin_resolve(struct reading *r)
{
    if (r->resolve_line != 0) {
        reading_warn(r, "a second [Resolve] is ignored: the one in line %u counts",
                     r->resolve_line);
        r->section = SECTION_SKIPPED;
        return;
    }
    r->resolve_line = r->line;
}

void setters_begin_status(struct reading *r)
{
    if (r->config->status_line != 0) {
        report_error(r->report, r->line, "a second [Status], the first is in line %u",
                     r->config->status_line);
        r->section = SECTION_SKIPPED;
        return;
    }
    r->config->status_line = r->line;
}

/* ---- where it is, and for whom ---- */

const char *set_bind_address(struct reading *r, const char *text)
{
    struct config_door *door = current_door(r);
    const char *why = listener_parse(&door->bind, text);
    if (why == NULL && door->udp && door->bind.kind != PLACE_IP) {
        why = "must be an address and a port for UDP";
    }
    if (why != NULL) {
        door->bind = (struct place){.kind = PLACE_IP};
    }
    door->is_for_both_families = r->section & SECTIONS_OF_WIREPROXY &&
                                 place_is_everywhere(&door->bind) && door->bind.at.port != 0;
    door->line = r->line;
    return why;
}

const char *set_allow_lan(struct reading *r, const char *text)
{
    return value_yes_no(&current_door(r)->allow_lan, text);
}

/* The user that is the i-th of the section, as far as the file has come: NULL without memory. */
static struct config_user *user_at(struct reading *r, size_t i)
{
    struct config_door *door = current_door(r);
    if (i < door->n_users) {
        return &door->users[i];
    }
    struct config_user *users = setters_grow(r, door->users, door->n_users, sizeof *users);
    if (users == NULL) {
        return NULL;
    }
    door->users = users;
    users[door->n_users] = (struct config_user){0};
    return &users[door->n_users++];
}

static bool is_user_already(const struct config_door *door, const char *name)
{
    for (size_t i = 0; i < door->n_users; i++) {
        if (door->users[i].name != NULL && strcmp(door->users[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

const char *set_username(struct reading *r, const char *text)
{
    if (strlen(text) > 255) {
        return "is longer than 255 bytes";
    }
    bool is_twin = is_user_already(current_door(r), text);
    struct config_user *user = user_at(r, r->usernames);
    if (user != NULL) {
        user->name = setters_copy(r, text);
        r->usernames++;
    }
    return is_twin ? "is a user of this section already" : NULL;
}

const char *set_password(struct reading *r, const char *text)
{
    if (strlen(text) > 255) {
        return "is longer than 255 bytes";
    }
    struct config_user *user = user_at(r, r->passwords);
    if (user != NULL) {
        user->password = setters_copy(r, text);
        r->passwords++;
    }
    return NULL;
}

/* Somebody is meant to be asked, so that the door is no open one. */
void setters_lost(struct reading *r, const struct key_entry *key)
{
    if (key->set == set_username || key->set == set_password) {
        r->lost_user = true;
        user_at(r, 0);
    }
}

const char *set_protocol(struct reading *r, const char *text)
{
    static const struct {
        const char *name;
        unsigned protocols;
    } words[] = {{"socks", CONFIG_SOCKS4 | CONFIG_SOCKS5},
                 {"socks5", CONFIG_SOCKS5},
                 {"socks4", CONFIG_SOCKS4},
                 {"http", CONFIG_HTTP}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcasecmp(text, words[i].name) == 0) {
            current_door(r)->protocols |= words[i].protocols;
            return NULL;
        }
    }
    return "must be socks5, socks4 or http";
}

/* Without memory nothing is wrong with the text. */
static const char *unless_no_memory(struct reading *r, const char *why)
{
    r->no_memory |= why == door_no_memory;
    return why == door_no_memory ? NULL : why;
}

static const char *add_rule(struct reading *r, const char *text, bool allow)
{
    struct config *c = r->config;
    bool of_all = r->section == SECTION_ACCESS;
    struct config_rule **rules = of_all ? &c->rules : &current_door(r)->rules;
    size_t *n = of_all ? &c->n_rules : &current_door(r)->n_rules;
    struct config_rule rule = {.line = r->line, .allow = allow};
    const char *why = rule_parse(&rule, text);
    if (why != NULL) {
        return unless_no_memory(r, why);
    }
    struct config_rule *wider = setters_grow(r, *rules, *n, sizeof *wider);
    if (wider == NULL) {
        rule_fini(&rule);
        return NULL;
    }
    *rules = wider;
    wider[(*n)++] = rule;
    return NULL;
}

const char *set_allow(struct reading *r, const char *text)
{
    return add_rule(r, text, true);
}

const char *set_deny(struct reading *r, const char *text)
{
    return add_rule(r, text, false);
}

/* ---- what it does ---- */

const char *set_target(struct reading *r, const char *text)
{
    struct config_door *door = current_door(r);
    door->target_line = r->line;
    bool allow_path = door->kind == CONFIG_REVERSE && !door->udp;
    return unless_no_memory(r, door_parse_target(door, text, allow_path));
}

const char *set_door_port(struct reading *r, const char *text)
{
    struct config_door *door = current_door(r);
    door->line = r->line;
    return value_port(&door->port, text) == NULL && door->port != 0 ? NULL
                                                                    : "must be a port, 1 to 65535";
}

const char *set_door_idle(struct reading *r, const char *text)
{
    struct config_door *door = current_door(r);
    door->has_idle = true;
    return value_seconds(&door->idle, 0, text);
}

/* 0, and for wireproxy anything below, too: for ever. */
const char *set_inactivity(struct reading *r, const char *text)
{
    return set_door_idle(
        r, text[0] == '-' && strspn(text + 1, "0123456789") == strlen(text + 1) ? "0" : text);
}

const char *set_log_domains(struct reading *r, const char *text)
{
    return value_yes_no(&current_door(r)->log_domains, text);
}

const char *set_udp(struct reading *r, const char *text)
{
    bool wanted;
    const char *why = value_yes_no(&wanted, text);
    if (why == NULL) {
        current_door(r)->no_udp = !wanted;
    }
    return why;
}

const char *set_udp_port(struct reading *r, const char *text)
{
    return value_port(&current_door(r)->udp_port, text);
}

const char *set_udp_advertise(struct reading *r, const char *text)
{
    struct endpoint *at = &current_door(r)->udp_advertise;
    *at = (struct endpoint){0};
    return addr_parse(&at->addr, text) || endpoint_parse(at, text)
               ? NULL
               : "must be an IP address, with or without a port";
}

static const char *set_pem(struct reading *r, char **field, char **path, const char *text)
{
    if (*field != NULL) {
        wipe(*field, strlen(*field));
        free(*field);
    }
    free(*path);
    *field = setters_copy(r, text);
    *path = r->value_path != NULL ? setters_copy(r, r->value_path) : NULL;
    current_door(r)->tls_line = r->line;
    return NULL;
}

const char *set_certificate(struct reading *r, const char *text)
{
    struct config_door *d = current_door(r);
    return set_pem(r, &d->tls_certificate, &d->tls_certificate_path, text);
}

const char *set_certificate_key(struct reading *r, const char *text)
{
    struct config_door *d = current_door(r);
    return set_pem(r, &d->tls_key, &d->tls_key_path, text);
}

/* ---- for all ---- */

const char *set_names_outside(struct reading *r, const char *text)
{
    return value_yes_no(&r->config->names_outside, text);
}

const char *set_strategy(struct reading *r, const char *text)
{
    static const char *const words[] = {
        [CONFIG_AUTO] = "auto", [CONFIG_IPV4] = "ipv4", [CONFIG_IPV6] = "ipv6"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            r->config->strategy = (enum config_strategy)i;
            return NULL;
        }
    }
    return "must be auto, ipv4 or ipv6";
}

const char *set_connect_timeout(struct reading *r, const char *text)
{
    return value_seconds(&r->config->limits.connect_timeout, 1, text);
}

const char *set_greeting_timeout(struct reading *r, const char *text)
{
    return value_seconds(&r->config->limits.greeting_timeout, 1, text);
}

const char *set_idle_timeout(struct reading *r, const char *text)
{
    return value_seconds(&r->config->limits.idle_timeout, 0, text);
}

const char *set_udp_idle_timeout(struct reading *r, const char *text)
{
    return value_seconds(&r->config->limits.udp_idle_timeout, 1, text);
}

const char *set_drain_timeout(struct reading *r, const char *text)
{
    r->config->limits.has_drain_timeout = true;
    return value_seconds(&r->config->limits.drain_timeout, 0, text);
}

const char *set_max_connections(struct reading *r, const char *text)
{
    return value_count(&r->config->limits.max_connections, text);
}

const char *set_workers(struct reading *r, const char *text)
{
    struct config_limits *l = &r->config->limits;
    l->has_workers = strcasecmp(text, "auto") != 0;
    return l->has_workers ? value_workers(&l->workers, text) : NULL;
}

const char *set_status_address(struct reading *r, const char *text)
{
    r->config->status_line = r->line;
    return listener_parse(&r->config->status, text);
}

const char *set_status_allow_lan(struct reading *r, const char *text)
{
    return value_yes_no(&r->config->status_allow_lan, text);
}
