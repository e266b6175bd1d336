/* SPDX-License-Identifier: MIT */
/* Queries by c-ares, replies by hand: see wire.h for why. */
#include "dns/message.h"

#include <string.h>

#define CARES_NO_DEPRECATED /* later versions prefer a call that this one does not have yet */
#include <ares.h>

#include "base/bytes.h"
#include "base/err.h"
#include "dns/wire.h"

#define CHAIN_MAX 16 /* CNAMEs followed within one reply */

enum { FLAG_RESPONSE = 0x8000, FLAG_OPCODE = 0x7800, FLAG_TRUNCATED = 0x0200, FLAG_RCODE = 0x000f };
enum { RCODE_OK = 0, RCODE_FORMERR = 1, RCODE_NXDOMAIN = 3 };

/* The reply's sections: how many records each announces, and where the first begins. */
struct sections {
    uint16_t answers, authorities, additionals;
    struct wire first;
};

/* What the walk over all records learns aside from the answer itself. */
struct survey {
    bool soa, ns;
    uint32_t negative_ttl; /* of the SOA */
    uint8_t extended_rcode;
};

int message_create_query(uint8_t out[MESSAGE_QUERY_MAX], size_t *len, uint16_t id, const char *name,
                         enum family family, bool edns)
{
    unsigned char *made;
    int made_len;
    int err = ares_create_query(name, WIRE_CLASS_IN, family == FAMILY_V4 ? WIRE_A : WIRE_AAAA, id,
                                1, &made, &made_len, edns ? MESSAGE_UDP_PAYLOAD : 0);
    if (err != ARES_SUCCESS) {
        return err == ARES_ENOMEM ? ERR_NOMEM : ERR_BAD_NAME;
    }
    bool fits = made_len <= MESSAGE_QUERY_MAX;
    if (fits) {
        memcpy(out, made, (size_t)made_len);
        *len = (size_t)made_len;
    }
    ares_free_string(made);
    return fits ? 0 : ERR_BAD_NAME;
}

/* The query's own bytes up to the end of its question. */
static size_t question_end(const uint8_t *query, size_t len)
{
    struct wire w = {.message = query, .len = len, .at = WIRE_HEADER};
    struct wire_name name;
    return wire_read_name(&w, &name) ? w.at + 4 : len;
}

/* A server may spell our name in other case. Length bytes are below 64 and type and class have no
 * letters, so that folding every byte compares only what may differ. (We do not draw the case at
 * random: id and port are drawn, the path is the tunnel's, and servers that fold the case would
 * look dead.) */
static bool question_is_ours(const uint8_t *query, const uint8_t *reply, size_t end)
{
    for (size_t i = WIRE_HEADER; i < end; i++) {
        if (name_lower(query[i]) != name_lower(reply[i])) {
            return false;
        }
    }
    return true;
}

/* True when `reply` answers `query`; `s` then tells its sections. */
static bool reply_is_ours(struct sections *s, const uint8_t *query, size_t query_len,
                          const uint8_t *reply, size_t len)
{
    if (len < WIRE_HEADER || memcmp(query, reply, 2) != 0) {
        return false;
    }
    uint16_t flags = load_be16(reply + 2);
    if ((flags & FLAG_RESPONSE) == 0 || (flags & FLAG_OPCODE) != 0) {
        return false;
    }
    uint16_t questions = load_be16(reply + 4);
    uint16_t rcode = flags & FLAG_RCODE;
    *s = (struct sections){
        .answers = load_be16(reply + 6),
        .authorities = load_be16(reply + 8),
        .additionals = load_be16(reply + 10),
        .first = {.message = reply, .len = len, .at = WIRE_HEADER},
    };
    if (questions == 0) {
        /* A server that could not read the query sends its header back alone (RFC 1035 4.1.1). */
        return rcode != RCODE_OK && rcode != RCODE_NXDOMAIN;
    }
    s->first.at = question_end(query, query_len);
    return questions == 1 && len >= s->first.at && question_is_ours(query, reply, s->first.at);
}

/* RFC 2181 8: a TTL with the high bit set is to be taken as zero. */
static uint32_t sane_ttl(uint32_t ttl)
{
    return ttl > INT32_MAX ? 0 : ttl;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* RFC 2308 5: absence may be kept for the smaller of the SOA's TTL and its last field. */
static bool read_soa(const struct wire_record *rr, struct survey *survey)
{
    struct wire w = rr->data;
    struct wire_name mname, rname;
    uint32_t numbers[5]; /* serial, refresh, retry, expire, minimum */
    if (!wire_read_name(&w, &mname) || !wire_read_name(&w, &rname)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (!wire_read_u32(&w, &numbers[i])) {
            return false;
        }
    }
    survey->soa = true;
    survey->negative_ttl = least(sane_ttl(rr->ttl), sane_ttl(numbers[4]));
    return w.at == w.len;
}

/* Walk every record once: afterwards the message is known to be whole. */
static bool survey_records(const struct sections *s, struct survey *survey)
{
    struct wire w = s->first;
    *survey = (struct survey){0};
    uint32_t authorities_end = (uint32_t)s->answers + s->authorities;
    uint32_t end = authorities_end + s->additionals;
    for (uint32_t i = 0; i < end; i++) {
        struct wire_record rr;
        if (!wire_read_record(&w, &rr)) {
            return false;
        }
        if (i >= authorities_end) {
            if (rr.type == WIRE_OPT) {
                survey->extended_rcode = (uint8_t)(rr.ttl >> 24); /* RFC 6891 6.1.3 */
            }
        } else if (i >= s->answers && rr.class == WIRE_CLASS_IN) {
            survey->ns |= rr.type == WIRE_NS;
            if (rr.type == WIRE_SOA && !read_soa(&rr, survey)) {
                return false;
            }
        }
    }
    return true;
}

/* Where the walk through the answer section stands. */
struct chain {
    struct wire_name name; /* asked for, or what the CNAMEs made of it */
    unsigned hops;
    uint32_t ttl;
};

/* One pass over the answers, taking each CNAME that continues the chain. */
static bool follow_once(const struct sections *s, struct chain *chain)
{
    struct wire w = s->first;
    for (unsigned i = 0; i < s->answers; i++) {
        struct wire_record rr;
        if (!wire_read_record(&w, &rr)) {
            return false;
        }
        if (rr.type != WIRE_CNAME || rr.class != WIRE_CLASS_IN ||
            !wire_name_equal(&rr.owner, &chain->name)) {
            continue;
        }
        if (!wire_read_name(&rr.data, &chain->name) || rr.data.at != rr.data.len ||
            ++chain->hops > CHAIN_MAX) {
            return false;
        }
        chain->ttl = least(chain->ttl, sane_ttl(rr.ttl));
    }
    return true;
}

/* Servers may shuffle the records, so the passes go on while one made progress. */
static bool follow_chain(const struct sections *s, struct chain *chain)
{
    unsigned before;
    do {
        before = chain->hops;
        if (!follow_once(s, chain)) {
            return false;
        }
    } while (chain->hops != before);
    return true;
}

static void add_address(struct answer *out, const struct addr *addr)
{
    for (size_t i = 0; i < out->n; i++) {
        if (addr_equal(&out->addrs[i], addr)) {
            return;
        }
    }
    if (out->n < DNS_ADDRESSES_MAX) {
        out->addrs[out->n++] = *addr;
    }
}

static bool collect_addresses(const struct sections *s, struct chain *chain, enum family family,
                              struct answer *out)
{
    size_t size = family == FAMILY_V4 ? 4 : 16;
    struct wire w = s->first;
    out->n = 0;
    for (unsigned i = 0; i < s->answers; i++) {
        struct wire_record rr;
        if (!wire_read_record(&w, &rr)) {
            return false;
        }
        if (rr.type != (family == FAMILY_V4 ? WIRE_A : WIRE_AAAA) || rr.class != WIRE_CLASS_IN ||
            !wire_name_equal(&rr.owner, &chain->name)) {
            continue;
        }
        if (rr.data.len - rr.data.at != size) {
            return false;
        }
        struct addr addr = addr_from_bytes(family, rr.data.message + rr.data.at);
        if (addr.family == family) { /* an IPv4 address dressed as AAAA was not asked for */
            chain->ttl = least(chain->ttl, sane_ttl(rr.ttl));
            add_address(out, &addr);
        }
    }
    return true;
}

/* No addresses: is that final, the end of a chain to be asked for, or not this server's to say? */
static enum message_verdict verdict_without_addresses(const struct chain *chain,
                                                      const struct survey *survey, uint16_t rcode,
                                                      struct answer *out)
{
    out->ttl = survey->soa ? least(chain->ttl, survey->negative_ttl) : 0;
    if (rcode == RCODE_NXDOMAIN) {
        return MESSAGE_NO_NAME;
    }
    if (survey->soa) {
        return MESSAGE_NO_DATA;
    }
    if (chain->hops > 0) {
        out->ttl = chain->ttl;
        return wire_name_text(out->alias, &chain->name) ? MESSAGE_ALIAS : MESSAGE_BROKEN;
    }
    /* RFC 2308 2.2: NS records alone are a referral, from a server that does not recurse for us. */
    return survey->ns ? MESSAGE_FAILED : MESSAGE_NO_DATA;
}

static enum message_verdict read_answer(const struct sections *s, const struct survey *survey,
                                        const uint8_t *query, size_t query_len, uint16_t rcode,
                                        struct answer *out)
{
    struct wire asked = {.message = query, .len = query_len, .at = WIRE_HEADER};
    struct chain chain = {.ttl = UINT32_MAX};
    uint16_t type;
    if (!wire_read_name(&asked, &chain.name) || !wire_read_u16(&asked, &type)) {
        return MESSAGE_FOREIGN;
    }
    enum family family = type == WIRE_A ? FAMILY_V4 : FAMILY_V6;
    if (!follow_chain(s, &chain) || !collect_addresses(s, &chain, family, out)) {
        return MESSAGE_BROKEN;
    }
    if (out->n == 0) {
        return verdict_without_addresses(&chain, survey, rcode, out);
    }
    out->ttl = chain.ttl;
    return rcode == RCODE_OK ? MESSAGE_ADDRESSES : MESSAGE_BROKEN;
}

enum message_verdict message_consume_reply(struct answer *out, const uint8_t *query,
                                           size_t query_len, const uint8_t *reply, size_t len)
{
    struct sections sections;
    if (!reply_is_ours(&sections, query, query_len, reply, len)) {
        return MESSAGE_FOREIGN;
    }
    uint16_t flags = load_be16(reply + 2);
    uint16_t rcode = flags & FLAG_RCODE;
    if (rcode == RCODE_FORMERR) {
        return MESSAGE_FORMERR;
    }
    if (rcode != RCODE_OK && rcode != RCODE_NXDOMAIN) {
        return MESSAGE_FAILED;
    }
    if (flags & FLAG_TRUNCATED) {
        return MESSAGE_TRUNCATED;
    }
    struct survey survey;
    if (!survey_records(&sections, &survey)) {
        return MESSAGE_BROKEN;
    }
    if (survey.extended_rcode != 0) {
        return MESSAGE_FAILED; /* BADVERS and beyond */
    }
    return read_answer(&sections, &survey, query, query_len, rcode, out);
}
