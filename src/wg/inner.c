/* SPDX-License-Identifier: MIT */
/* IPv4 (RFC 791), IPv6 (RFC 8200) and ECN in tunnels (RFC 6040). */
#include "wg/inner.h"

#include "base/bytes.h"

enum {
    V4_HEADER = 20,
    V4_LENGTH = 2,
    V4_CHECKSUM = 10,
    V4_SRC = 12,
    V4_DST = 16,

    V6_HEADER = 40,
    V6_LENGTH = 4,
    V6_SRC = 8,
    V6_DST = 24,
};

enum ecn { NOT_ECT = 0, ECT1 = 1, ECT0 = 2, CE = 3 };

/* An address inside the tunnel stays of the family that it was written in: no unmapping here. */
static struct addr read_addr(enum family family, const uint8_t *bytes)
{
    struct addr a = {.family = (uint8_t)family};
    memcpy(a.bytes, bytes, addr_len(&a));
    return a;
}

static bool parse_v4(struct inner *out, const uint8_t *data, size_t len)
{
    if (len < V4_HEADER) {
        return false;
    }
    out->len = load_be16(data + V4_LENGTH);
    out->tos = data[1];
    out->src = read_addr(FAMILY_V4, data + V4_SRC);
    out->dst = read_addr(FAMILY_V4, data + V4_DST);
    return out->len >= V4_HEADER && out->len <= len;
}

static bool parse_v6(struct inner *out, const uint8_t *data, size_t len)
{
    if (len < V6_HEADER) {
        return false;
    }
    /* wider than 16 bits: 0xffd8 and up must not wrap */
    out->len = (size_t)V6_HEADER + load_be16(data + V6_LENGTH);
    out->tos = (uint8_t)(load_be16(data) >> 4);
    out->src = read_addr(FAMILY_V6, data + V6_SRC);
    out->dst = read_addr(FAMILY_V6, data + V6_DST);
    return out->len <= len;
}

bool inner_parse(struct inner *out, const uint8_t *data, size_t len)
{
    if (len == 0) {
        return false;
    }
    switch (data[0] >> 4) {
    case 4:
        return parse_v4(out, data, len);
    case 6:
        return parse_v6(out, data, len);
    default:
        return false;
    }
}

static void set_ecn_v4(uint8_t *packet, enum ecn ecn)
{
    uint16_t old = load_be16(packet);
    packet[1] = (uint8_t)((packet[1] & ~3) | ecn);
    /* RFC 1624, equation 3: the checksum changes with the one word that changed. */
    uint32_t sum =
        (uint16_t)~load_be16(packet + V4_CHECKSUM) + (uint32_t)(uint16_t)~old + load_be16(packet);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    store_be16(packet + V4_CHECKSUM, (uint16_t)~sum);
}

static void set_ecn_v6(uint8_t *packet, enum ecn ecn)
{
    packet[1] = (uint8_t)((packet[1] & ~0x30) | ecn << 4);
}

bool inner_ecn_decapsulate(uint8_t *packet, const struct inner *inner, uint8_t outer_tos)
{
    enum ecn in = inner->tos & 3;
    enum ecn outer = outer_tos & 3;
    if (in == NOT_ECT) {
        return outer != CE;
    }
    bool marks = outer == CE ? in != CE : outer == ECT1 && in == ECT0; /* RFC 6040 figure 4 */
    if (marks) {
        (inner->src.family == FAMILY_V4 ? set_ecn_v4 : set_ecn_v6)(packet, outer);
    }
    return true;
}
