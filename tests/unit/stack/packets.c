/* SPDX-License-Identifier: MIT */
/* Inner packets by hand: see packets.h. */
#include "unit/stack/packets.h"

size_t make_ip(uint8_t *out, const char *src, const char *dst, uint8_t proto, const void *payload,
               size_t len)
{
    struct endpoint s = at(src, 0), d = at(dst, 0);
    size_t header = s.addr.family == FAMILY_V4 ? IP4_HEADER : IP6_HEADER;
    memmove(out + header, payload, len);
    memset(out, 0, header);
    if (s.addr.family == FAMILY_V4) {
        out[0] = 0x45;
        store_be16(out + 2, (uint16_t)(header + len));
        out[8] = 64;
        out[9] = proto;
        memcpy(out + 12, s.addr.bytes, 4);
        memcpy(out + 16, d.addr.bytes, 4);
    } else {
        out[0] = 0x60;
        store_be16(out + 4, (uint16_t)len);
        out[6] = proto;
        out[7] = 64;
        memcpy(out + 8, s.addr.bytes, 16);
        memcpy(out + 24, d.addr.bytes, 16);
    }
    return header + len;
}

size_t make_tcp(uint8_t *out, const char *src, uint16_t src_port, const char *dst,
                uint16_t dst_port, uint32_t seq, uint32_t ack, uint8_t flags, const void *data,
                size_t len)
{
    static uint8_t tcp[65536];
    memset(tcp, 0, TCP_HEADER);
    store_be16(tcp, src_port);
    store_be16(tcp + 2, dst_port);
    store_be32(tcp + 4, seq);
    store_be32(tcp + 8, ack);
    tcp[12] = 0x50;
    tcp[13] = flags;
    store_be16(tcp + 14, 65535);
    memcpy(tcp + TCP_HEADER, data, len);
    return make_ip(out, src, dst, PROTO_TCP, tcp, TCP_HEADER + len);
}

size_t make_udp(uint8_t *out, const char *src, uint16_t src_port, const char *dst,
                uint16_t dst_port, const void *data, size_t len)
{
    static uint8_t udp[65536];
    store_be16(udp, src_port);
    store_be16(udp + 2, dst_port);
    store_be16(udp + 4, (uint16_t)(UDP_HEADER + len));
    store_be16(udp + 6, 0);
    memcpy(udp + UDP_HEADER, data, len);
    return make_ip(out, src, dst, PROTO_UDP, udp, UDP_HEADER + len);
}

size_t make_icmp(uint8_t *out, const char *src, const char *dst, uint8_t type, uint8_t code,
                 uint32_t word, const void *data, size_t len)
{
    static uint8_t icmp[65536];
    icmp[0] = type;
    icmp[1] = code;
    store_be16(icmp + 2, 0);
    store_be32(icmp + 4, word);
    memcpy(icmp + ICMP_HEADER, data, len);
    bool v4 = at(src, 0).addr.family == FAMILY_V4;
    return make_ip(out, src, dst, v4 ? PROTO_ICMP : PROTO_ICMP6, icmp, ICMP_HEADER + len);
}

size_t make_fragment(uint8_t *out, const uint8_t *whole, size_t whole_len, uint32_t id,
                     size_t offset, size_t len)
{
    bool v4 = whole[0] >> 4 == 4;
    size_t header = v4 ? IP4_HEADER : IP6_HEADER;
    bool more = header + offset + len < whole_len;
    memcpy(out, whole, header);
    if (v4) {
        store_be16(out + 2, (uint16_t)(header + len));
        store_be16(out + 4, (uint16_t)id);
        store_be16(out + 6, (uint16_t)(offset / 8 | (more ? 0x2000 : 0)));
    } else {
        store_be16(out + 4, (uint16_t)(IP6_FRAGMENT_HEADER + len));
        out[6] = PROTO_FRAGMENT;
        out[header] = whole[6];
        out[header + 1] = 0;
        store_be16(out + header + 2, (uint16_t)(offset | more));
        store_be32(out + header + 4, id);
        header += IP6_FRAGMENT_HEADER;
    }
    memcpy(out + header, whole + (v4 ? IP4_HEADER : IP6_HEADER) + offset, len);
    return header + len;
}
