/* SPDX-License-Identifier: MIT */
/* Parsers of the values, and the words for what is wrong with them. */
#include "config/values.h"

#include "base/bytes.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Only digits, no more than `max`: no sign, no blanks, no 0x, unlike strtoul.
 */
static bool decimal(unsigned *out, const char *text, unsigned max)
{
    unsigned v = 0;
    const char *p = text;
    if (text[0] == '0' && text[1] != '\0') {
        return false; /* octal for some */
    }
    for (; isdigit((unsigned char)*p) && v <= max; p++) {
        v = v * 10 + (unsigned)(*p - '0');
    }
    *out = v;
    return p > text && *p == '\0' && v <= max;
}

const char *value_preshared_key(uint8_t key[KEY_LEN], const char *text, char why[WHY_SIZE])
{
    if (key_from_base64(key, text)) {
        return NULL;
    }
    size_t found = strlen(text);
    if (found == KEY_TEXT - 1) {
        return "not a key: 44 characters, but not the base64 of 32 bytes";
    }
    snprintf(why, WHY_SIZE, "not a key: must be 44 characters of base64 (found %zu)", found);
    return why;
}

const char *value_key(uint8_t key[KEY_LEN], const char *text, char why[WHY_SIZE])
{
    static const uint8_t zero[KEY_LEN];
    const char *problem = value_preshared_key(key, text, why);
    if (problem == NULL && memcmp(key, zero, KEY_LEN) == 0) {
        return "not a key: it is all zero";
    }
    return problem;
}

const char *value_prefix(struct prefix *out, const char *text)
{
    char host[ADDR_TEXT];
    if (*text == '+' || *text == '-') {
        return "the file states the whole list: write it without + or -";
    }
    size_t n = strcspn(text, "/");
    if (n >= sizeof host) {
        return "must be an IP address or a network such as 10.0.0.0/8";
    }
    memcpy(host, text, n);
    host[n] = '\0';
    if (!addr_parse(&out->addr, host)) {
        return "must be an IP address or a network such as 10.0.0.0/8";
    }
    if (out->addr.family == FAMILY_V4 && strchr(host, ':') != NULL) {
        return "is IPv4 in the clothes of IPv6: write it as IPv4";
    }
    unsigned max = (unsigned)addr_len(&out->addr) * 8;
    unsigned len = max;
    if (text[n] == '/' && !decimal(&len, text + n + 1, max)) {
        return max == 32 ? "prefix length must be 0 to 32" : "prefix length must be 0 to 128";
    }
    out->len = (uint8_t)len;
    return NULL;
}

/* 255.255.255.255, which is nobody's address. */
static bool is_broadcast(const struct addr *a)
{
    return a->family == FAMILY_V4 && load_be32(a->bytes) == UINT32_MAX;
}

static bool is_unicast(const struct addr *a)
{
    return !addr_is_unspecified(a) && !addr_is_multicast(a) && !is_broadcast(a);
}

const char *value_address(struct prefix *out, const char *text)
{
    const char *problem = value_prefix(out, text);
    if (problem != NULL) {
        return problem;
    }
    if (!is_unicast(&out->addr) || addr_is_loopback(&out->addr)) {
        return "cannot be the address of a host in the tunnel";
    }
    return NULL;
}

const char *value_mtu(uint16_t *out, const char *text)
{
    unsigned v;
    if (!decimal(&v, text, UINT16_MAX) || v < 576) {
        return "must be 576 to 65535";
    }
    *out = (uint16_t)v;
    return NULL;
}

const char *value_port(uint16_t *out, const char *text)
{
    unsigned v;
    if (!decimal(&v, text, UINT16_MAX)) {
        return "must be a port, 0 to 65535";
    }
    *out = (uint16_t)v;
    return NULL;
}

const char *value_keepalive(uint16_t *out, const char *text)
{
    unsigned v = 0;
    if (strcasecmp(text, "off") != 0 && !decimal(&v, text, UINT16_MAX)) {
        return "must be 0 to 65535 seconds, or off";
    }
    *out = (uint16_t)v;
    return NULL;
}

const char *value_seconds(unsigned *out, unsigned least, const char *text)
{
    static const struct {
        char letter;
        unsigned seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    char digits[16];
    size_t n = strspn(text, "0123456789");
    unsigned factor = text[n] == '\0' ? 1 : 0, v;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        factor = text[n] == units[i].letter && text[n + 1] == '\0' ? units[i].seconds : factor;
    }
    if (n >= sizeof digits || factor == 0) {
        return "must be seconds, as 30, or 5m, or 1h";
    }
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (!decimal(&v, digits, 366u * 86400 / factor) || v * factor < least) {
        return least > 0 ? "must be at least a second, at most a year" : "must be at most a year";
    }
    *out = v * factor;
    return NULL;
}

const char *value_count(unsigned *out, const char *text)
{
    return decimal(out, text, 10000000) ? NULL : "must be a number, 0 to 10000000";
}

const char *value_workers(unsigned *out, const char *text)
{
    return decimal(out, text, 32) ? NULL : "must be auto, or a number from 0 to 32";
}

const char *value_yes_no(bool *out, const char *text)
{
    static const struct {
        const char *word;
        bool meaning;
    } words[] = {
        {"yes", true}, {"true", true},   {"on", true},   {"1", true},
        {"no", false}, {"false", false}, {"off", false}, {"0", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            *out = words[i].meaning;
            return NULL;
        }
    }
    return "must be yes or no";
}

static bool is_numeric(const char *text)
{
    return text[strspn(text, "0123456789.")] == '\0';
}

bool value_is_dns_server(const char *text)
{
    return is_numeric(text) || strchr(text, ':') != NULL;
}

const char *value_dns_server(struct addr *out, const char *text)
{
    if (!addr_parse(out, text)) {
        return "must be an IP address or a search domain";
    }
    return is_unicast(out) ? NULL : "cannot be the address of a DNS server";
}

/* Letters, digits, '-' and '_' in labels of 1 to 63, 253 in all, one dot at the
 * end allowed (RFC 1123 2.1; names with an underscore are seen in the wild). */
static bool is_name(const char *text)
{
    size_t n = strlen(text);
    if (n > 0 && text[n - 1] == '.') {
        n--;
    }
    size_t label = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '.' && label > 0) {
            label = 0;
        } else if ((isalnum(c) || c == '-' || c == '_') && label < 63) {
            label++;
        } else {
            return false;
        }
    }
    return n <= 253 && label > 0;
}

const char *value_search_domain(const char *text)
{
    return is_name(text) ? NULL : "must be an IP address or a search domain";
}

/* A link-local address with the interface it is on, "fe80::1%eth0", for the
 * system's resolver to take. */
static bool is_scoped(const char *host)
{
    char literal[ADDR_TEXT];
    struct addr a;
    size_t n = strcspn(host, "%");
    if (host[n] == '\0' || host[n + 1] == '\0' || n >= sizeof literal) {
        return false;
    }
    memcpy(literal, host, n);
    literal[n] = '\0';
    return addr_parse(&a, literal) && a.family == FAMILY_V6 && a.bytes[0] == 0xfe &&
           (a.bytes[1] & 0xc0) == 0x80;
}

static const char *check_host(const char *host, bool in_brackets)
{
    struct addr a;
    if (in_brackets && is_scoped(host)) {
        return NULL;
    }
    if (addr_parse(&a, host)) {
        return is_unicast(&a) ? NULL : "no datagram can be sent to one host there";
    }
    if (in_brackets) {
        return "must have an IPv6 address in the brackets";
    }
    return is_name(host) && !is_numeric(host) ? NULL : "must name a host or an IP address";
}

const char *value_endpoint(char host[HOST_SIZE], uint16_t *port, const char *text)
{
    bool in_brackets = *text == '[';
    const char *colon = strrchr(text, ':');
    if (strstr(text, "://") != NULL) {
        return "must be host:port, with nothing before it";
    }
    if (!in_brackets && colon != NULL && strchr(text, ':') != colon) {
        return "must have the IPv6 address in brackets, as in [2001:db8::1]:51820";
    }
    if (colon == NULL || (in_brackets && strstr(text, "]:") == NULL)) {
        return "has no port: must be host:port";
    }
    if (!port_parse(port, colon + 1) || *port == 0) {
        return "port must be 1 to 65535";
    }
    if (!hostport_split(text, host, HOST_SIZE, port)) {
        return "must be host:port";
    }
    return check_host(host, in_brackets);
}
