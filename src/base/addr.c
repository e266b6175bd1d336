/* SPDX-License-Identifier: MIT */
/* Text forms and comparisons of addresses, prefixes and endpoints. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

struct addr addr_from_bytes(enum family family, const uint8_t *bytes)
{
    struct addr a = {.family = (uint8_t)family};
    if (family == FAMILY_V6 && memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
        a.family = FAMILY_V4;
        bytes += sizeof mapped_prefix;
    }
    memcpy(a.bytes, bytes, addr_len(&a));
    return a;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, addr_len(a)) == 0;
}

bool addr_is_unspecified(const struct addr *a)
{
    static const uint8_t zero[16];
    return memcmp(a->bytes, zero, addr_len(a)) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return a->family == FAMILY_V4 ? a->bytes[0] == 127
                                  : a->family == FAMILY_V6 && memcmp(a->bytes, one, 16) == 0;
}

bool addr_is_multicast(const struct addr *a)
{
    return a->family == FAMILY_V4 ? (a->bytes[0] & 0xf0) == 0xe0
                                  : a->family == FAMILY_V6 && a->bytes[0] == 0xff;
}

bool addr_parse(struct addr *out, const char *text)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        *out = addr_from_bytes(FAMILY_V4, bytes);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        *out = addr_from_bytes(FAMILY_V6, bytes);
        return true;
    }
    return false;
}

const char *addr_format(const struct addr *a, char out[ADDR_TEXT])
{
    int af = a->family == FAMILY_V4 ? AF_INET : AF_INET6;
    if (a->family == FAMILY_NONE || inet_ntop(af, a->bytes, out, ADDR_TEXT) == NULL) {
        snprintf(out, ADDR_TEXT, "(none)");
    }
    return out;
}

/* Decimal digits only, no sign, no leading blanks, at most `max`. */
static bool parse_decimal(const char *text, unsigned long max, unsigned long *out)
{
    if (*text == '\0') {
        return false;
    }
    unsigned long v = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') {
            return false;
        }
        v = v * 10 + (unsigned long)(*p - '0');
        if (v > max) {
            return false;
        }
    }
    *out = v;
    return true;
}

bool port_parse(uint16_t *out, const char *text)
{
    unsigned long v;
    if (!parse_decimal(text, 65535, &v)) {
        return false;
    }
    *out = (uint16_t)v;
    return true;
}

bool prefix_parse(struct prefix *out, const char *text)
{
    char host[ADDR_TEXT];
    const char *slash = strchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (n >= sizeof host) {
        return false;
    }
    memcpy(host, text, n);
    host[n] = '\0';
    if (!addr_parse(&out->addr, host)) {
        return false;
    }
    unsigned long max = addr_len(&out->addr) * 8;
    unsigned long len = max;
    if (slash != NULL && !parse_decimal(slash + 1, max, &len)) {
        return false;
    }
    out->len = (uint8_t)len;
    return true;
}

const char *prefix_format(const struct prefix *p, char out[PREFIX_TEXT])
{
    char addr[ADDR_TEXT];
    snprintf(out, PREFIX_TEXT, "%s/%u", addr_format(&p->addr, addr), (unsigned)p->len);
    return out;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
    if (p->addr.family != a->family) {
        return false;
    }
    size_t whole = p->len / 8;
    unsigned rest = p->len % 8;
    if (memcmp(p->addr.bytes, a->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || ((p->addr.bytes[whole] ^ a->bytes[whole]) >> (8 - rest)) == 0;
}

bool hostport_split(const char *text, char *host, size_t host_size, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return false;
    }
    const char *begin = text;
    const char *end = colon;
    if (*text == '[') {
        begin++;
        if (colon == text || colon[-1] != ']') {
            return false;
        }
        end--;
    } else if (memchr(text, ':', (size_t)(colon - text)) != NULL) {
        return false; /* a bare IPv6 address: which colon is the port's? */
    }
    size_t n = (size_t)(end - begin);
    if (end <= begin || n >= host_size || !port_parse(port, colon + 1)) {
        return false;
    }
    memcpy(host, begin, n);
    host[n] = '\0';
    return true;
}

bool endpoint_parse(struct endpoint *out, const char *text)
{
    char host[ADDR_TEXT];
    *out = (struct endpoint){0};
    if (!hostport_split(text, host, sizeof host, &out->port) || !addr_parse(&out->addr, host)) {
        return false;
    }
    return (text[0] == '[') == (strchr(host, ':') != NULL);
}

const char *endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT])
{
    char addr[ADDR_TEXT];
    addr_format(&e->addr, addr);
    if (e->addr.family != FAMILY_V6) {
        snprintf(out, ENDPOINT_TEXT, "%s:%u", addr, (unsigned)e->port);
    } else if (e->scope != 0) {
        snprintf(out, ENDPOINT_TEXT, "[%s%%%u]:%u", addr, (unsigned)e->scope, (unsigned)e->port);
    } else {
        snprintf(out, ENDPOINT_TEXT, "[%s]:%u", addr, (unsigned)e->port);
    }
    return out;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && a->scope == b->scope && addr_equal(&a->addr, &b->addr);
}
