/* SPDX-License-Identifier: MIT */
/* Places on this machine as they are written, behind BindAddress = and -D alike. */
#include "config/listener.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct addr loopback = {.family = FAMILY_V4, .bytes = {127, 0, 0, 1}};

static const char *parse_path(struct place *out, const char *path)
{
    size_t n = strlen(path);
    out->kind = PLACE_UNIX;
    if (n == 0) {
        return "has no path";
    }
    if (n >= sizeof out->path) {
        return "has a path that is too long for a Unix socket (107 characters)";
    }
    memcpy(out->path, path, n + 1);
    return NULL;
}

static const char *parse_fd(struct place *out, const char *name)
{
    uint16_t number;
    out->kind = PLACE_FD;
    out->fd = -1;
    if (port_parse(&number, name)) {
        out->fd = number;
        return number >= 3 ? NULL : "must be a descriptor from 3 on";
    }
    size_t n = strlen(name);
    if (n == 0 || n >= sizeof out->path) {
        return "must be the number or the name of a socket that was handed over";
    }
    memcpy(out->path, name, n + 1);
    return NULL;
}

static const char *parse_ip(struct endpoint *out, const char *text)
{
    char host[ADDR_TEXT];
    out->addr = loopback;
    if (port_parse(&out->port, text) || endpoint_parse(out, text)) {
        return addr_is_multicast(&out->addr) ? "cannot be listened on" : NULL;
    }
    out->addr = loopback;
    const char *colon = text + (text[0] == '*'); /* as ssh has it */
    if (colon[0] == ':' && port_parse(&out->port, colon + 1)) {
        out->addr = (struct addr){.family = FAMILY_V4};
        return NULL;
    }
    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
        return "must be a port, 0 to 65535";
    }
    if (!hostport_split(text, host, sizeof host, &out->port)) {
        return "must be a port, or address:port with an IPv6 address in brackets";
    }
    return strcasecmp(host, "localhost") == 0 ? NULL : "must have an IP address, not a name";
}

const char *listener_parse(struct place *out, const char *text)
{
    *out = (struct place){.kind = PLACE_IP};
    if (strncasecmp(text, "unix:", 5) == 0) {
        return parse_path(out, text + 5);
    }
    if (strncasecmp(text, "fd:", 3) == 0) {
        return parse_fd(out, text + 3);
    }
    return parse_ip(&out->at, text);
}

bool place_is_private(const struct place *p)
{
    return p->kind != PLACE_IP || addr_is_loopback(&p->at.addr);
}

bool place_is_everywhere(const struct place *p)
{
    return p->kind == PLACE_IP && p->at.addr.family != FAMILY_NONE &&
           addr_is_unspecified(&p->at.addr);
}

struct place place_of_other_family(const struct place *p)
{
    struct place other = *p;
    other.at.addr = (struct addr){.family = p->at.addr.family == FAMILY_V4 ? FAMILY_V6 : FAMILY_V4};
    return other;
}

static bool endpoints_clash(const struct endpoint *a, const struct endpoint *b)
{
    return a->port != 0 && a->port == b->port && a->addr.family == b->addr.family &&
           (addr_equal(&a->addr, &b->addr) || addr_is_unspecified(&a->addr) ||
            addr_is_unspecified(&b->addr));
}

bool place_clashes(const struct place *a, const struct place *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case PLACE_IP:
        return endpoints_clash(&a->at, &b->at);
    case PLACE_UNIX:
        return strcmp(a->path, b->path) == 0;
    case PLACE_FD:
        return a->fd == b->fd && (a->fd >= 0 || strcmp(a->path, b->path) == 0);
    }
    return false;
}
