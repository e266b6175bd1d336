/* SPDX-License-Identifier: MIT */
/* Doors in the short form of the command line, and the parts that they share with the file. */
#include "config/doors.h"

#include "base/bytes.h"
#include "config/listener.h"
#include "config/values.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char door_no_memory[] = "there is no memory for it";

static char *copy(const char *text, size_t len)
{
    char *out = malloc(len + 1);
    if (out != NULL) {
        memcpy(out, text, len);
        out[len] = '\0';
    }
    return out;
}

void rule_fini(struct config_rule *rule)
{
    free(rule->suffix);
    free(rule->user);
    *rule = (struct config_rule){0};
}

void door_fini(struct config_door *d)
{
    for (size_t i = 0; i < d->n_users; i++) {
        if (d->users[i].password != NULL) {
            wipe(d->users[i].password, strlen(d->users[i].password));
        }
        free(d->users[i].password);
        free(d->users[i].name);
    }
    for (size_t i = 0; i < d->n_rules; i++) {
        rule_fini(&d->rules[i]);
    }
    free(d->users);
    free(d->rules);
    free(d->target_host);
    free(d->target_path);
    if (d->tls_key != NULL) {
        wipe(d->tls_key, strlen(d->tls_key));
    }
    free(d->tls_certificate);
    free(d->tls_key);
    free(d->tls_certificate_path);
    free(d->tls_key_path);
    *d = (struct config_door){0};
}

static const char *parse_target_path(struct config_door *out, const char *path)
{
    size_t n = strlen(path);
    if (n == 0 || n >= PLACE_PATH) {
        return "must have a path of 1 to 107 characters";
    }
    free(out->target_host);
    free(out->target_path);
    out->target_host = NULL;
    out->target_path = copy(path, n);
    return out->target_path != NULL ? NULL : door_no_memory;
}

const char *door_parse_target(struct config_door *out, const char *text, bool allow_path)
{
    char host[HOST_SIZE];
    uint16_t port;
    if (strncasecmp(text, "unix:", 5) == 0) {
        return allow_path ? parse_target_path(out, text + 5)
                          : "cannot be a Unix socket here: must be host:port";
    }
    const char *why = value_endpoint(host, &port, text);
    if (why != NULL) {
        return why;
    }
    free(out->target_host);
    free(out->target_path);
    out->target_path = NULL;
    out->target_port = port;
    out->target_host = copy(host, strlen(host));
    return out->target_host != NULL ? NULL : door_no_memory;
}

const char *door_parse_proxy(struct config_door *out, const char *text)
{
    *out = (struct config_door){.kind = CONFIG_PROXY,
                                .protocols = CONFIG_SOCKS4 | CONFIG_SOCKS5 | CONFIG_HTTP};
    return listener_parse(&out->bind, text);
}

const char *door_parse_stdio(struct config_door *out, const char *text)
{
    *out = (struct config_door){.kind = CONFIG_STDIO};
    return door_parse_target(out, text, false);
}

static const char *skip_udp(struct config_door *out, const char *text)
{
    out->udp = strncasecmp(text, "udp:", 4) == 0;
    return out->udp ? text + 4 : text;
}

/* Where the last two parts, host and port, begin: behind the second colon from the end that stands
 * outside brackets. NULL when there are none before them. */
static const char *find_target(const char *text)
{
    unsigned colons = 0;
    bool in_brackets = false;
    for (const char *p = text + strlen(text); p > text; p--) {
        in_brackets = p[-1] == ']' || (in_brackets && p[-1] != '[');
        colons += p[-1] == ':' && !in_brackets;
        if (colons == 2) {
            return p;
        }
    }
    return NULL;
}

const char *door_parse_forward(struct config_door *out, const char *text)
{
    static const char form[] =
        "must be [address:]port:host:hostport, with IPv6 addresses in brackets";
    char where[PLACE_TEXT + ADDR_TEXT];
    *out = (struct config_door){.kind = CONFIG_FORWARD};
    text = skip_udp(out, text);
    const char *target = find_target(text);
    if (target == NULL || (size_t)(target - text) > sizeof where) {
        return form;
    }
    size_t n = (size_t)(target - text) - 1;
    memcpy(where, text, n);
    where[n] = '\0';
    const char *why = listener_parse(&out->bind, where);
    if (why == NULL && out->udp && out->bind.kind != PLACE_IP) {
        why = "must be an address and a port for UDP";
    }
    if (why == NULL) {
        why = door_parse_target(out, target, false);
    }
    if (why != NULL) {
        door_fini(out);
    }
    return why;
}

const char *door_parse_reverse(struct config_door *out, const char *text)
{
    char port[8];
    *out = (struct config_door){.kind = CONFIG_REVERSE};
    text = skip_udp(out, text);
    size_t n = strcspn(text, ":");
    if (text[n] == '\0' || n >= sizeof port) {
        return "must be port:host:hostport";
    }
    memcpy(port, text, n);
    port[n] = '\0';
    if (!port_parse(&out->port, port) || out->port == 0) {
        return "must begin with a port of the tunnel, 1 to 65535";
    }
    const char *why = door_parse_target(out, text + n + 1, !out->udp);
    if (why != NULL) {
        door_fini(out);
    }
    return why;
}

/* ---- rules ---- */

static const char *parse_ports(struct config_rule *out, const char *text)
{
    char first[8];
    size_t n = strcspn(text, "-");
    if (n >= sizeof first) {
        return "port= must be a port or a range such as 8000-8999";
    }
    memcpy(first, text, n);
    first[n] = '\0';
    const char *last = text[n] == '-' ? text + n + 1 : first;
    if (!port_parse(&out->first_port, first) || !port_parse(&out->last_port, last) ||
        out->first_port > out->last_port) {
        return "port= must be a port or a range such as 8000-8999";
    }
    return NULL;
}

static const char *parse_term(struct config_rule *out, char *term)
{
    if (strncasecmp(term, "port=", 5) == 0) {
        return parse_ports(out, term + 5);
    }
    if (strncasecmp(term, "user=", 5) == 0) {
        free(out->user);
        out->user = copy(term + 5, strlen(term + 5));
        return term[5] == '\0' ? "user= has no name" : out->user != NULL ? NULL : door_no_memory;
    }
    if (strcmp(term, "*") == 0) {
        return NULL;
    }
    if (out->has_net || out->suffix != NULL) {
        return "has two destinations: write two lines";
    }
    if (value_prefix(&out->net, term) == NULL) {
        out->has_net = true;
        return NULL;
    }
    const char *name = term[0] == '*' && term[1] == '.' ? term + 2
                       : term[0] == '.'                 ? term + 1
                                                        : term;
    if (value_search_domain(name) != NULL || strspn(name, "0123456789./") == strlen(name)) {
        return "must be a network, an address, a name, or *";
    }
    out->suffix = copy(name, strlen(name));
    return out->suffix != NULL ? NULL : door_no_memory;
}

const char *rule_parse(struct config_rule *out, const char *text)
{
    char words[512];
    char *rest = words, *term;
    const char *why = NULL;
    unsigned terms = 0;
    *out = (struct config_rule){.line = out->line, .allow = out->allow, .last_port = UINT16_MAX};
    if (strlen(text) >= sizeof words) {
        return "is too long";
    }
    memcpy(words, text, strlen(text) + 1);
    while (why == NULL && (term = strtok_r(rest, " \t", &rest)) != NULL) {
        why = parse_term(out, term);
        terms++;
    }
    if (why == NULL && terms == 0) {
        why = "has no destination: * is every one";
    }
    if (why != NULL) {
        rule_fini(out);
    }
    return why;
}
