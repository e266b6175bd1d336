/* SPDX-License-Identifier: MIT */
/* The table of replies and what they mean, for those who read them whole and those who damage them.
 */
#ifndef WGPROXY_TESTS_UNIT_DNS_REPLIES_H
#define WGPROXY_TESTS_UNIT_DNS_REPLIES_H

#include "dns/message.h"

#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

#include "unit/dns/reply.h"

struct asked {
    uint8_t query[MESSAGE_QUERY_MAX];
    size_t len;
};

static inline struct asked ask(const char *name, enum family family)
{
    struct asked a = {.len = 0};
    assert_int_equal(message_create_query(a.query, &a.len, 0xbeef, name, family, true), 0);
    return a;
}

/* From memory of exactly that size, so that a sanitizer sees a read past the end. */
static inline enum message_verdict consume(struct answer *out, const struct asked *a,
                                           const uint8_t *reply, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, reply, len);
    memset(out, 0x5a, sizeof *out);
    enum message_verdict v = message_consume_reply(out, a->query, a->len, exact, len);
    free(exact);
    return v;
}

#define WWW "www.example.com"

static const struct {
    enum family family;
    unsigned rcode;
    const char *lines;
    enum message_verdict verdict;
    const char *addrs; /* each followed by a blank */
    uint32_t ttl;
    const char *alias;
} replies[] = {
    /* addresses */
    {4, RCODE_OK, WWW " A 60 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 60, NULL},
    {6, RCODE_OK, WWW " AAAA 60 2001:db8::1", MESSAGE_ADDRESSES, "2001:db8::1 ", 60, NULL},
    {4, RCODE_OK, WWW " A 60 192.0.2.1\n" WWW " A 50 192.0.2.2", MESSAGE_ADDRESSES,
     "192.0.2.1 192.0.2.2 ", 50, NULL},
    {4, RCODE_OK, WWW " A 60 192.0.2.1\n" WWW " A 60 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ",
     60, NULL},
    {4, RCODE_OK, "WWW.example.COM A 60 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 60, NULL},
    {4, RCODE_OK, WWW " A 0 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 0, NULL},
    {4, RCODE_OK, WWW " A 2147483647 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 2147483647, NULL},
    {4, RCODE_OK, WWW " A 2147483648 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 0, NULL},
    {4, RCODE_OK,
     WWW " A 60 192.0.2.1\n!example.com NS 9 ns.example\n+ns.example A 9 10.0.0.9\n+. OPT 0 0",
     MESSAGE_ADDRESSES, "192.0.2.1 ", 60, NULL},
    /* of another family, of another name, of a kind that was not asked for */
    {4, RCODE_OK, WWW " AAAA 60 2001:db8::1", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, "evil.example A 60 192.0.2.6", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, WWW " NS 60 ns.example\n" WWW " A 60 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ",
     60, NULL},
    {4, RCODE_OK, "evil.example A 1 192.0.2.6\n" WWW " A 60 192.0.2.1", MESSAGE_ADDRESSES,
     "192.0.2.1 ", 60, NULL},
    {4, RCODE_OK, "!" WWW " A 60 192.0.2.1", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, "+" WWW " A 60 192.0.2.1", MESSAGE_NO_DATA, NULL, 0, NULL},
    {6, RCODE_OK, WWW " AAAA 60 ::ffff:192.0.2.1", MESSAGE_NO_DATA, NULL, 0, NULL},
    /* chains */
    {4, RCODE_OK, WWW " CNAME 60 a.x\na.x A 30 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 30,
     NULL},
    {4, RCODE_OK, WWW " CNAME 20 a.x\na.x CNAME 40 b.x\nb.x A 30 192.0.2.1", MESSAGE_ADDRESSES,
     "192.0.2.1 ", 20, NULL},
    {4, RCODE_OK, "b.x A 30 192.0.2.1\na.x CNAME 40 b.x\n" WWW " CNAME 20 A.x\nb.x A 30 192.0.2.2",
     MESSAGE_ADDRESSES, "192.0.2.1 192.0.2.2 ", 20, NULL}, /* shuffled */
    {4, RCODE_OK, WWW " CNAME 60 a.x\nb.x A 30 192.0.2.1", MESSAGE_ALIAS, NULL, 60, "a.x"},
    {4, RCODE_OK, WWW " CNAME 60 a.x\na.x CNAME 30 B.x", MESSAGE_ALIAS, NULL, 30, "b.x"},
    {4, RCODE_OK, WWW " CNAME 60 a.x\n!x NS 30 ns.x", MESSAGE_ALIAS, NULL, 60, "a.x"},
    {4, RCODE_OK, "a.x CNAME 60 " WWW "\na.x A 1 192.0.2.1", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 60 " WWW, MESSAGE_BROKEN, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 60 a.x\na.x CNAME 60 " WWW, MESSAGE_BROKEN, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 60 .", MESSAGE_BROKEN, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 60 a\\b", MESSAGE_BROKEN, NULL, 0, NULL},
    /* absence */
    {4, RCODE_OK, "", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, "!example.com SOA 300 60", MESSAGE_NO_DATA, NULL, 60, NULL},
    {4, RCODE_OK, "!example.com SOA 30 60", MESSAGE_NO_DATA, NULL, 30, NULL},
    {4, RCODE_OK, "!example.com SOA 300 3000000000", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 20 a.x\n!x SOA 300 60", MESSAGE_NO_DATA, NULL, 20, NULL},
    {4, RCODE_OK, "!example.com NS 300 ns.x\n!example.com SOA 300 60", MESSAGE_NO_DATA, NULL, 60,
     NULL},
    {4, RCODE_OK, WWW " SOA 300 60", MESSAGE_NO_DATA, NULL, 0, NULL}, /* not where it counts */
    {4, RCODE_NXDOMAIN, "", MESSAGE_NO_NAME, NULL, 0, NULL},
    {4, RCODE_NXDOMAIN, "!com SOA 300 60", MESSAGE_NO_NAME, NULL, 60, NULL},
    {4, RCODE_NXDOMAIN, WWW " CNAME 20 a.x\n!x SOA 300 60", MESSAGE_NO_NAME, NULL, 20, NULL},
    {4, RCODE_NXDOMAIN, WWW " CNAME 20 a.x", MESSAGE_NO_NAME, NULL, 0, NULL},
    /* not this server's to say */
    {4, RCODE_OK, "!example.com NS 300 ns.x\n+ns.x A 300 10.0.0.9", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_NXDOMAIN, WWW " A 60 192.0.2.1", MESSAGE_BROKEN, NULL, 0, NULL},
    {4, RCODE_FORMERR, "", MESSAGE_FORMERR, NULL, 0, NULL},
    {4, RCODE_SERVFAIL, "", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_SERVFAIL, WWW " A 60 192.0.2.1", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_NOTIMP, "", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_REFUSED, "", MESSAGE_FAILED, NULL, 0, NULL},
    {4, 11, "", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_OK, WWW " A 60 192.0.2.1\n+. OPT 0 1", MESSAGE_FAILED, NULL, 0, NULL}, /* BADVERS */
};

#endif
