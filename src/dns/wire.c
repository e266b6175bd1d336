/* SPDX-License-Identifier: MIT */
/* Bounded reading of names and records. */
#include "dns/wire.h"

#include <string.h>

#include "base/bytes.h"

/* A name has at most 127 labels, and a pointer that leads to no label is nonsense. */
#define JUMPS_MAX 127

static bool take(struct wire *w, size_t n, const uint8_t **out)
{
    if (w->len - w->at < n) {
        return false;
    }
    *out = w->message + w->at;
    w->at += n;
    return true;
}

bool wire_read_u16(struct wire *w, uint16_t *out)
{
    const uint8_t *p;
    if (!take(w, 2, &p)) {
        return false;
    }
    *out = load_be16(p);
    return true;
}

bool wire_read_u32(struct wire *w, uint32_t *out)
{
    const uint8_t *p;
    if (!take(w, 4, &p)) {
        return false;
    }
    *out = load_be32(p);
    return true;
}

/* One label, its length byte `n` already taken; the root's is 0. */
static bool take_label(struct wire *w, uint8_t n, struct wire_name *out)
{
    const uint8_t *label;
    if (n > NAME_LABEL_MAX || out->len + 1 + n > WIRE_NAME_MAX || !take(w, n, &label)) {
        return false;
    }
    out->bytes[out->len++] = n;
    for (uint8_t i = 0; i < n; i++) {
        out->bytes[out->len++] = name_lower(label[i]);
    }
    return true;
}

bool wire_read_name(struct wire *w, struct wire_name *out)
{
    struct wire from = *w; /* runs ahead through the pointers, while *w stops behind the first */
    size_t before = w->at; /* a pointer leads back, or names could go in circles */
    unsigned jumps = 0;
    const uint8_t *p;
    out->len = 0;
    while (take(&from, 1, &p)) {
        if (*p < 0xc0) {
            if (!take_label(&from, *p, out)) {
                return false;
            }
            if (*p == 0) {
                w->at = jumps == 0 ? from.at : w->at;
                return true;
            }
            continue;
        }
        size_t high = *p & 0x3f;
        if (!take(&from, 1, &p)) {
            return false;
        }
        size_t target = high << 8 | *p;
        if (target >= before || ++jumps > JUMPS_MAX) {
            return false;
        }
        if (jumps == 1) {
            w->at = from.at;
        }
        before = from.at = target;
    }
    return false;
}

bool wire_read_record(struct wire *w, struct wire_record *out)
{
    uint16_t len;
    const uint8_t *data;
    if (!wire_read_name(w, &out->owner) || !wire_read_u16(w, &out->type) ||
        !wire_read_u16(w, &out->class) || !wire_read_u32(w, &out->ttl) || !wire_read_u16(w, &len) ||
        !take(w, len, &data)) {
        return false;
    }
    out->data = (struct wire){.message = w->message, .len = w->at, .at = w->at - len};
    return true;
}

bool wire_name_equal(const struct wire_name *a, const struct wire_name *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool wire_name_text(char out[NAME_SIZE], const struct wire_name *name)
{
    char text[WIRE_NAME_MAX];
    size_t len = 0;
    for (size_t at = 0; name->bytes[at] != 0; at += 1u + name->bytes[at]) {
        const uint8_t *label = name->bytes + at + 1;
        if (memchr(label, '.', name->bytes[at]) != NULL ||
            memchr(label, '\0', name->bytes[at]) != NULL) {
            return false;
        }
        memcpy(text + len, label, name->bytes[at]);
        len += name->bytes[at];
        text[len++] = '.';
    }
    text[len] = '\0';
    bool absolute;
    return name_canonical(out, text, &absolute) == 0;
}
