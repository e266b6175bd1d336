/* SPDX-License-Identifier: MIT */
/* Writes ICMP packets: see icmp_packet.h. */
#include "stack/icmp_packet.h"

#include "base/bytes.h"
#include "stack/checksum.h"
#include "stack/gate.h"
#include "stack/internal.h"

#include <lwip/pbuf.h>

enum { TTL = 64, DONT_FRAGMENT = 0x4000 };

static bool is_v4(const uint8_t *ip)
{
    return ip[0] >> 4 == 4;
}

static void store_checksum(uint8_t *at, const uint8_t *data, size_t len, uint64_t sum)
{
    uint16_t folded = (uint16_t)~checksum_fold(sum + checksum_portable(data, len));
    memcpy(at, &folded, sizeof folded); /* computed in memory order */
}

static void write_v4(uint8_t *ip, const struct addr *from, const struct addr *to, uint8_t proto,
                     size_t len)
{
    ip[0] = 0x45;
    store_be16(ip + 2, (uint16_t)len);
    store_be16(ip + 6, DONT_FRAGMENT);
    ip[8] = TTL;
    ip[9] = proto;
    memcpy(ip + 12, from->bytes, 4);
    memcpy(ip + 16, to->bytes, 4);
    store_checksum(ip + 10, ip, IP4_HEADER, 0);
}

static void write_v6(uint8_t *ip, const struct addr *from, const struct addr *to, uint8_t proto,
                     size_t len)
{
    ip[0] = 0x60;
    store_be16(ip + 4, (uint16_t)(len - IP6_HEADER));
    ip[6] = proto;
    ip[7] = TTL;
    memcpy(ip + 8, from->bytes, 16);
    memcpy(ip + 24, to->bytes, 16);
}

void icmp_packet_header(uint8_t *at, const struct addr *from, const struct addr *to, uint8_t proto,
                        size_t len)
{
    (to->family == FAMILY_V4 ? write_v4 : write_v6)(at, from, to, proto, len);
}

struct pbuf *icmp_packet_new(const struct addr *from, const struct addr *to, size_t len)
{
    struct pbuf *q = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
    if (q) {
        memset(q->payload, 0, len);
        icmp_packet_header(q->payload, from, to, to->family == FAMILY_V4 ? PROTO_ICMP : PROTO_ICMP6,
                           len);
    }
    return q;
}

uint8_t *icmp_packet_body(struct pbuf *q, size_t *len)
{
    uint8_t *ip = q->payload;
    size_t header = is_v4(ip) ? IP4_HEADER : IP6_HEADER;
    *len = q->len - header;
    return ip + header;
}

/* ICMPv6 counts the addresses, the length and the protocol in (RFC 8200 8.1). */
static uint64_t pseudo_header(const uint8_t *ip, size_t len)
{
    uint8_t rest[8] = {[7] = PROTO_ICMP6};
    store_be32(rest, (uint32_t)len);
    return (uint64_t)checksum_portable(rest, sizeof rest) + checksum_portable(ip + 8, 32);
}

void icmp_packet_send(struct stack *s, struct pbuf *q)
{
    size_t len;
    uint8_t *ip = q->payload, *icmp = icmp_packet_body(q, &len);
    store_checksum(icmp + 2, icmp, len, is_v4(ip) ? 0 : pseudo_header(ip, len));
    if (is_v4(ip)) {
        s->netif.output(&s->netif, q, NULL);
    } else {
        s->netif.output_ip6(&s->netif, q, NULL);
    }
    pbuf_free(q);
}
