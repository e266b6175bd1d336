/* SPDX-License-Identifier: MIT */
/* Untrusted bytes of a DNS message, taken step by step: names (RFC 1035 4.1.4) and resource
 * records (4.1.3).
 *
 * c-ares could expand the names, but it bounds neither their length nor the work: one reply of
 * 64 KiB whose 4,000 owners point at a name of 16,000 bytes holds version 1.18 for a quarter of a
 * second. Here a name ends at 255 bytes. */
#ifndef WGPROXY_DNS_WIRE_H
#define WGPROXY_DNS_WIRE_H

#include "base/macros.h"
#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_HEADER 12
#define WIRE_NAME_MAX 255

enum wire_type {
    WIRE_A = 1,
    WIRE_NS = 2,
    WIRE_CNAME = 5,
    WIRE_SOA = 6,
    WIRE_AAAA = 28,
    WIRE_OPT = 41,
};
#define WIRE_CLASS_IN 1

/* A place in a message. Each wire_read_* takes what it names and moves on, or returns false. */
struct wire {
    const uint8_t *message;
    size_t len;
    size_t at;
};

/* Labels with their length bytes, lower-cased, ending in the root: comparable as bytes. */
struct wire_name {
    uint8_t len;
    uint8_t bytes[WIRE_NAME_MAX];
};

struct wire_record {
    struct wire_name owner;
    uint16_t type, class;
    uint32_t ttl;
    struct wire data; /* starts at the record's data, and ends with it */
};

bool wire_read_u16(struct wire *w, uint16_t *out) MUST_USE;
bool wire_read_u32(struct wire *w, uint32_t *out) MUST_USE;
bool wire_read_name(struct wire *w, struct wire_name *out) MUST_USE;
bool wire_read_record(struct wire *w, struct wire_record *out) MUST_USE;

bool wire_name_equal(const struct wire_name *a, const struct wire_name *b);

/* The text form; false when it is not one that name_canonical() gives. */
bool wire_name_text(char out[NAME_SIZE], const struct wire_name *name) MUST_USE;

#endif
