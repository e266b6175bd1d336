/* SPDX-License-Identifier: MIT */
/* What may come in: see gate.h. */
#include "stack/gate.h"

#include "base/bytes.h"

enum { TCP_SYN_FLAG = 0x02, OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_MSS_LEN = 4 };

/* A peer that announces less makes us send headers rather than data. Linux raises it to 48. */
enum { MSS_MIN = 64 };

enum { IP_LEN_MAX = 65535 };

static enum gate_verdict drop(struct packet *p, enum stack_drop why)
{
    p->why = why;
    return GATE_DROP;
}

static bool is_ours(const struct addr *ours, size_t n, const struct addr *a)
{
    for (size_t i = 0; i < n; i++) {
        if (addr_equal(&ours[i], a)) {
            return true;
        }
    }
    return false;
}

static bool is_broadcast(const struct addr *a)
{
    return a->family == FAMILY_V4 && load_be32(a->bytes) == 0xffffffff;
}

/* May a packet come from there? AllowedIPs decided before whether this peer may use the address. */
static bool is_source(const struct addr *ours, size_t n, const struct addr *a)
{
    return !addr_is_unspecified(a) && !addr_is_multicast(a) && !addr_is_loopback(a) &&
           !is_broadcast(a) && !is_ours(ours, n, a);
}

/* An option list as RFC 9293 (3.1) has it. lwIP would read past its end, and obeys an MSS in any
 * segment. */
static bool tidy_options(uint8_t *o, size_t len, bool syn)
{
    while (len > 0 && o[0] != OPTION_END) {
        if (o[0] == OPTION_NOP) {
            o++, len--;
            continue;
        }
        if (len < 2 || o[1] < 2 || o[1] > len) {
            return false;
        }
        size_t n = o[1];
        if (o[0] == OPTION_MSS && n == OPTION_MSS_LEN) {
            if (!syn) {
                memset(o, OPTION_NOP, OPTION_MSS_LEN);
            } else if (load_be16(o + 2) < MSS_MIN) {
                store_be16(o + 2, MSS_MIN);
            }
        }
        o += n, len -= n;
    }
    return true;
}

static enum gate_verdict check_tcp(struct packet *p)
{
    uint8_t *tcp = p->payload;
    if (p->payload_len < TCP_HEADER) {
        return drop(p, STACK_DROP_SHORT);
    }
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER || header > p->payload_len) {
        return drop(p, STACK_DROP_SHORT);
    }
    bool syn = (tcp[13] & TCP_SYN_FLAG) != 0;
    if (!tidy_options(tcp + TCP_HEADER, header - TCP_HEADER, syn)) {
        return drop(p, STACK_DROP_SHORT);
    }
    return GATE_TCP;
}

/* lwIP takes the length of a datagram from IP alone: what UDP's own length leaves over is cut off
 * here. */
static enum gate_verdict check_udp(struct packet *p)
{
    if (p->payload_len < UDP_HEADER) {
        return drop(p, STACK_DROP_SHORT);
    }
    size_t len = load_be16(p->payload + 4);
    if (len < UDP_HEADER || len > p->payload_len) {
        return drop(p, STACK_DROP_SHORT);
    }
    p->len -= p->payload_len - len;
    p->payload_len = len;
    if (p->src.family == FAMILY_V4) {
        store_be16(p->ip + 2, (uint16_t)p->len);
    } else {
        store_be16(p->ip + 4, (uint16_t)(p->len - IP6_HEADER));
    }
    return GATE_UDP;
}

/* RFC 792: 0 echo reply, 3 unreachable, 8 echo, 11 time exceeded. RFC 4443: 1 unreachable, 2 too
 * big, 3 time exceeded, 128 echo, 129 echo reply. Redirects, source quench, timestamps, and all of
 * neighbour discovery and MLD stay outside. */
static enum gate_verdict check_icmp(struct packet *p)
{
    if (p->payload_len < ICMP_HEADER) {
        return drop(p, STACK_DROP_SHORT);
    }
    uint8_t type = p->payload[0];
    if (p->proto == PROTO_ICMP) {
        return type == 8                 ? GATE_ECHO
               : type == 0               ? GATE_REPLY
               : type == 3 || type == 11 ? GATE_ERROR
                                         : drop(p, STACK_DROP_PROTOCOL);
    }
    return type == 128              ? GATE_ECHO
           : type == 129            ? GATE_REPLY
           : type >= 1 && type <= 3 ? GATE_ERROR
                                    : drop(p, STACK_DROP_PROTOCOL);
}

static enum gate_verdict check_payload(struct packet *p)
{
    uint8_t icmp = p->src.family == FAMILY_V4 ? PROTO_ICMP : PROTO_ICMP6;
    if (p->proto == PROTO_TCP) {
        return check_tcp(p);
    }
    if (p->proto == PROTO_UDP) {
        return check_udp(p);
    }
    return p->proto == icmp ? check_icmp(p) : drop(p, STACK_DROP_PROTOCOL);
}

static bool may_be_fragmented(const struct packet *p)
{
    uint8_t icmp = p->src.family == FAMILY_V4 ? PROTO_ICMP : PROTO_ICMP6;
    return p->proto == PROTO_TCP || p->proto == PROTO_UDP || p->proto == icmp;
}

/* A part must not be empty, must end on a multiple of 8 unless it is the last, and within the
 * largest packet. */
static enum gate_verdict check_fragment(struct packet *p)
{
    if (!may_be_fragmented(p)) {
        return drop(p, STACK_DROP_PROTOCOL);
    }
    size_t header = p->src.family == FAMILY_V4 ? IP4_HEADER : IP6_HEADER;
    if (p->payload_len == 0 || (p->fragment_more && p->payload_len % 8 != 0) ||
        header + p->fragment_offset + p->payload_len > IP_LEN_MAX) {
        return drop(p, STACK_DROP_FRAGMENT);
    }
    return GATE_FRAGMENT;
}

static enum gate_verdict check_addresses(const struct addr *ours, size_t n, struct packet *p)
{
    if (!is_ours(ours, n, &p->dst)) {
        return drop(p, STACK_DROP_DESTINATION);
    }
    if (!is_source(ours, n, &p->src)) {
        return drop(p, STACK_DROP_SOURCE);
    }
    return GATE_TCP;
}

static enum gate_verdict check_v4(const struct addr *ours, size_t n, size_t len, struct packet *p)
{
    uint8_t *ip = p->ip;
    if (len < IP4_HEADER) {
        return drop(p, STACK_DROP_SHORT);
    }
    if (ip[0] != 0x45) {
        return drop(p, (ip[0] & 0x0f) < 5 ? STACK_DROP_SHORT : STACK_DROP_OPTIONS);
    }
    p->len = load_be16(ip + 2);
    if (p->len < IP4_HEADER || p->len > len) {
        return drop(p, STACK_DROP_SHORT);
    }
    p->src = addr_from_bytes(FAMILY_V4, ip + 12);
    p->dst = addr_from_bytes(FAMILY_V4, ip + 16);
    if (check_addresses(ours, n, p) == GATE_DROP) {
        return GATE_DROP;
    }
    p->proto = ip[9];
    p->payload = ip + IP4_HEADER;
    p->payload_len = p->len - IP4_HEADER;
    uint16_t fragment = load_be16(ip + 6);
    p->fragment_more = (fragment & 0x2000) != 0;
    p->fragment_offset = (uint32_t)(fragment & 0x1fff) * 8;
    p->fragment_id = load_be16(ip + 4);
    return p->fragment_more || p->fragment_offset > 0 ? check_fragment(p) : check_payload(p);
}

static enum gate_verdict check_v6_fragment(struct packet *p)
{
    if (p->payload_len < IP6_FRAGMENT_HEADER) {
        return drop(p, STACK_DROP_SHORT);
    }
    const uint8_t *f = p->payload;
    p->proto = f[0];
    p->fragment_offset = load_be16(f + 2) & 0xfff8;
    p->fragment_more = (f[3] & 1) != 0;
    p->fragment_id = load_be32(f + 4);
    p->payload += IP6_FRAGMENT_HEADER;
    p->payload_len -= IP6_FRAGMENT_HEADER;
    return check_fragment(p);
}

/* Extension headers (RFC 8200, 4): hop-by-hop, routing, destination options, mobility, shim, AH,
 * ESP. */
static bool is_extension(uint8_t proto)
{
    return proto == 0 || proto == 43 || proto == 50 || proto == 51 || proto == 60 || proto == 135 ||
           proto == 139 || proto == 140;
}

static enum gate_verdict check_v6(const struct addr *ours, size_t n, size_t len, struct packet *p)
{
    uint8_t *ip = p->ip;
    if (len < IP6_HEADER) {
        return drop(p, STACK_DROP_SHORT);
    }
    p->len = IP6_HEADER + (size_t)load_be16(ip + 4);
    if (p->len > len) {
        return drop(p, STACK_DROP_SHORT);
    }
    p->src = addr_from_bytes(FAMILY_V6, ip + 8);
    p->dst = addr_from_bytes(FAMILY_V6, ip + 24);
    if (p->src.family != FAMILY_V6) { /* IPv4-mapped: not for the wire */
        return drop(p, STACK_DROP_SOURCE);
    }
    if (check_addresses(ours, n, p) == GATE_DROP) {
        return GATE_DROP;
    }
    p->proto = ip[6];
    p->payload = ip + IP6_HEADER;
    p->payload_len = p->len - IP6_HEADER;
    if (p->proto == PROTO_FRAGMENT) {
        return check_v6_fragment(p);
    }
    return is_extension(p->proto) ? drop(p, STACK_DROP_OPTIONS) : check_payload(p);
}

enum gate_verdict gate_check(const struct addr *ours, size_t n_ours, uint8_t *ip, size_t len,
                             struct packet *p)
{
    *p = (struct packet){.ip = ip};
    if (len == 0) {
        return drop(p, STACK_DROP_SHORT);
    }
    switch (ip[0] >> 4) {
    case 4:
        return check_v4(ours, n_ours, len, p);
    case 6:
        return check_v6(ours, n_ours, len, p);
    default:
        return drop(p, STACK_DROP_VERSION);
    }
}
