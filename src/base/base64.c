/* SPDX-License-Identifier: MIT */
/* Base64 of keys without tables or branches that depend on the key. */
#include "base/base64.h"

#include <string.h>

#include "base/bytes.h"

/* All ones when lo <= x <= hi, else zero; for small non-negative values. */
static unsigned in_range(unsigned x, unsigned lo, unsigned hi)
{
    return 0u - (((lo - 1 - x) & (x - hi - 1)) >> 31);
}

static char encode6(unsigned v)
{
    unsigned c = v + 'A';
    c += in_range(v, 26, 51) & (unsigned)('a' - 'A' - 26);
    c += in_range(v, 52, 61) & (unsigned)('0' - 'A' - 52);
    c += in_range(v, 62, 62) & (unsigned)('+' - 'A' - 62);
    c += in_range(v, 63, 63) & (unsigned)('/' - 'A' - 63);
    return (char)c;
}

/* 0..63, or all ones for a character outside the alphabet. */
static unsigned decode6(unsigned char ch)
{
    unsigned c = ch;
    unsigned v = 0, known = 0, m;
    m = in_range(c, 'A', 'Z');
    v |= m & (c - 'A');
    known |= m;
    m = in_range(c, 'a', 'z');
    v |= m & (c - 'a' + 26);
    known |= m;
    m = in_range(c, '0', '9');
    v |= m & (c - '0' + 52);
    known |= m;
    m = in_range(c, '+', '+');
    v |= m & 62;
    known |= m;
    m = in_range(c, '/', '/');
    v |= m & 63;
    known |= m;
    return v | ~known;
}

void key_to_base64(char out[KEY_TEXT], const uint8_t key[KEY_LEN])
{
    size_t o = 0;
    for (size_t i = 0; i < 30; i += 3) {
        unsigned v = (unsigned)key[i] << 16 | (unsigned)key[i + 1] << 8 | key[i + 2];
        out[o++] = encode6(v >> 18);
        out[o++] = encode6(v >> 12 & 63);
        out[o++] = encode6(v >> 6 & 63);
        out[o++] = encode6(v & 63);
    }
    unsigned v = (unsigned)key[30] << 16 | (unsigned)key[31] << 8;
    out[o++] = encode6(v >> 18);
    out[o++] = encode6(v >> 12 & 63);
    out[o++] = encode6(v >> 6 & 63);
    out[o++] = '=';
    out[o] = '\0';
}

bool key_from_base64(uint8_t key[KEY_LEN], const char *text)
{
    uint8_t bytes[33] = {0};
    unsigned bad = 0;
    bool ok = strlen(text) == KEY_TEXT - 1 && text[KEY_TEXT - 2] == '=';
    for (size_t i = 0; ok && i < 11; i++) {
        unsigned v = 0;
        for (size_t j = 0; j < 4; j++) {
            bool pad = i == 10 && j == 3;
            unsigned six = pad ? 0 : decode6((unsigned char)text[4 * i + j]);
            bad |= six & ~63u;
            v = v << 6 | (six & 63);
        }
        bytes[3 * i] = (uint8_t)(v >> 16);
        bytes[3 * i + 1] = (uint8_t)(v >> 8);
        bytes[3 * i + 2] = (uint8_t)v;
    }
    /* Two bits of the last character are no part of the key: canonical text has them zero. */
    ok = ok && bad == 0 && bytes[32] == 0;
    memset(key, 0, KEY_LEN);
    if (ok) {
        memcpy(key, bytes, KEY_LEN);
    }
    wipe(bytes, sizeof bytes);
    return ok;
}
