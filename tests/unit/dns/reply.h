/* SPDX-License-Identifier: MIT */
/* Replies made by hand, from lines of text:
 *
 *   www.example.com CNAME 60 real.example.com      an answer
 *   !example.com SOA 300 60                        an authority: TTL and minimum; NS likewise
 *   +. OPT 0 1                                     an additional: its extended response code
 *
 * Owners that equal the question's name are written as a pointer to it, as servers do. */
#ifndef WGPROXY_TESTS_UNIT_DNS_REPLY_H
#define WGPROXY_TESTS_UNIT_DNS_REPLY_H

#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "dns/wire.h"

enum { RCODE_OK, RCODE_FORMERR, RCODE_SERVFAIL, RCODE_NXDOMAIN, RCODE_NOTIMP, RCODE_REFUSED };

struct reply {
    size_t len;
    uint8_t bytes[65535];
};

static inline void reply_put(struct reply *r, const void *bytes, size_t n)
{
    assert(r->len + n <= sizeof r->bytes);
    memcpy(r->bytes + r->len, bytes, n);
    r->len += n;
}

static inline void reply_put_u16(struct reply *r, unsigned v)
{
    uint8_t b[2];
    store_be16(b, (uint16_t)v);
    reply_put(r, b, 2);
}

static inline void reply_put_u32(struct reply *r, uint32_t v)
{
    uint8_t b[4];
    store_be32(b, v);
    reply_put(r, b, 4);
}

/* "a.b" as labels; "." or "" is the root. */
static inline void reply_put_name(struct reply *r, const char *name)
{
    while (*name != '\0' && *name != '.') {
        uint8_t n = (uint8_t)strcspn(name, ".");
        reply_put(r, &n, 1);
        reply_put(r, name, n);
        name += n + (name[n] == '.');
    }
    reply_put(r, "", 1);
}

/* The name in the question of `query`, as text. */
static inline void query_name(const uint8_t *query, char out[256])
{
    char *p = out;
    for (const uint8_t *q = query + WIRE_HEADER; *q != 0; q += 1 + *q) {
        memcpy(p, q + 1, *q);
        p += *q;
        *p++ = '.';
    }
    p[p > out ? -1 : 0] = '\0';
}

static inline uint16_t query_type(const uint8_t *query)
{
    char name[256];
    query_name(query, name);
    return load_be16(query + WIRE_HEADER + strlen(name) + 2);
}

/* The header and the question of `query`, as a response with nothing in it. */
static inline void reply_begin(struct reply *r, const uint8_t *query, unsigned rcode)
{
    char name[256];
    query_name(query, name);
    r->len = 0;
    reply_put(r, query, WIRE_HEADER + strlen(name) + 2 + 4);
    store_be16(r->bytes + 2, (uint16_t)(0x8180 | rcode));
    memset(r->bytes + 6, 0, 6);
}

static inline void reply_put_data(struct reply *r, unsigned type, const char *data)
{
    switch (type) {
    case WIRE_A:
    case WIRE_AAAA: {
        uint8_t address[16];
        int ok = inet_pton(type == WIRE_A ? AF_INET : AF_INET6, data, address);
        assert(ok == 1);
        reply_put(r, address, type == WIRE_A ? 4 : 16);
        break;
    }
    case WIRE_SOA: {
        unsigned minimum = 0;
        sscanf(data, "%u", &minimum);
        reply_put_name(r, "ns.example");
        reply_put_name(r, "root.example");
        for (uint32_t i = 1; i < 5; i++) {
            reply_put_u32(r, i);
        }
        reply_put_u32(r, minimum);
        break;
    }
    case WIRE_OPT:
        break;
    default:
        reply_put_name(r, data);
    }
}

static inline unsigned reply_type(const char *name)
{
    static const struct {
        const char *name;
        unsigned type;
    } types[] = {{"A", WIRE_A},     {"AAAA", WIRE_AAAA}, {"CNAME", WIRE_CNAME},
                 {"SOA", WIRE_SOA}, {"NS", WIRE_NS},     {"OPT", WIRE_OPT}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) == 0) {
            return types[i].type;
        }
    }
    fprintf(stderr, "replies know no type %s\n", name);
    abort();
}

static inline void reply_add(struct reply *r, const char *line)
{
    char owner[300], type_name[10], data[300] = "", asked[256];
    unsigned long ttl;
    int fields = sscanf(line, "%299s %9s %lu %299s", owner, type_name, &ttl, data);
    assert(fields >= 3);
    (void)fields;
    const char *name = owner + (owner[0] == '!' || owner[0] == '+');
    uint8_t *count = r->bytes + (owner[0] == '!' ? 8 : owner[0] == '+' ? 10 : 6);
    unsigned type = reply_type(type_name);
    query_name(r->bytes, asked);
    if (strcasecmp(name, asked) == 0) {
        reply_put_u16(r, 0xc000 | WIRE_HEADER);
    } else {
        reply_put_name(r, name);
    }
    reply_put_u16(r, type);
    reply_put_u16(r, type == WIRE_OPT ? 1232 : WIRE_CLASS_IN);
    unsigned long extended = 0;
    if (type == WIRE_OPT) {
        sscanf(data, "%lu", &extended);
        ttl = extended << 24;
    }
    reply_put_u32(r, (uint32_t)ttl);
    size_t at = r->len;
    reply_put_u16(r, 0);
    reply_put_data(r, type, data);
    store_be16(r->bytes + at, (uint16_t)(r->len - at - 2));
    store_be16(count, (uint16_t)(load_be16(count) + 1));
}

/* A whole reply to `query`; `lines` are separated by newlines. */
static inline void reply_make(struct reply *r, const uint8_t *query, unsigned rcode,
                              const char *lines)
{
    reply_begin(r, query, rcode);
    while (*lines != '\0') {
        char line[700];
        size_t n = strcspn(lines, "\n");
        assert(n < sizeof line);
        memcpy(line, lines, n);
        line[n] = '\0';
        reply_add(r, line);
        lines += n + (lines[n] == '\n');
    }
}

#endif
