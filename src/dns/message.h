/* SPDX-License-Identifier: MIT */
/* The wire format (RFC 1035 4, RFC 6891): a query is written, a reply is read as the answer to that
 * very query. No policy here: what to do about a verdict is question.c's. */
#ifndef WGPROXY_DNS_MESSAGE_H
#define WGPROXY_DNS_MESSAGE_H

#include "base/addr.h"
#include "base/macros.h"
#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_QUERY_MAX 288 /* header 12, name 255, type and class 4, OPT record 11 */

/* What we say we take over UDP: passes every path without fragments (dnsflagday.net, 2020). */
#define MESSAGE_UDP_PAYLOAD 1232

enum message_verdict {
    MESSAGE_FOREIGN,   /* no answer to the query: somebody else's, late, or forged */
    MESSAGE_BROKEN,    /* answers the query, but cannot be read, or makes no sense */
    MESSAGE_ADDRESSES, /* addrs, ttl */
    MESSAGE_ALIAS,     /* a chain of CNAMEs to a name without addresses here: alias, ttl */
    MESSAGE_NO_DATA,   /* the name exists without such addresses: ttl, 0 when not to be kept */
    MESSAGE_NO_NAME,   /* there is no such name: ttl likewise */
    MESSAGE_TRUNCATED, /* ask again over TCP */
    MESSAGE_FORMERR,   /* the server does not understand the query: perhaps the OPT record */
    MESSAGE_FAILED,    /* SERVFAIL, REFUSED, NOTIMP, a referral, an unknown code */
};

struct answer {
    struct addr addrs[DNS_ADDRESSES_MAX];
    size_t n;
    uint32_t ttl; /* s; the least of all records that led here, of an SOA too (RFC 2308 5) */
    char alias[NAME_SIZE];
};

/* Write the query for addresses of `family`, recursion desired. 0, ERR_NOMEM, ERR_BAD_NAME. */
int message_create_query(uint8_t out[MESSAGE_QUERY_MAX], size_t *len, uint16_t id, const char *name,
                         enum family family, bool edns) MUST_USE;

/* Read `reply` as the answer to `query` (as written above). Whatever stands in it, the time taken
 * is bounded by its length; *out is defined for the verdicts that name its members. */
enum message_verdict message_consume_reply(struct answer *out, const uint8_t *query,
                                           size_t query_len, const uint8_t *reply,
                                           size_t len) MUST_USE;

#endif
