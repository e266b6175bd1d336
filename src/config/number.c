/* SPDX-License-Identifier: MIT */
/* Integers with a prefix for their base. */
#include "config/number.h"

#include "base/macros.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at != NULL ? (int)(at - digits) : 16;
}

/* All of `text`, in which a _ may stand between two digits. */
static bool read_digits(int64_t *out, const char *text, int base)
{
    int64_t v = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '_' && p > text && p[-1] != '_' && p[1] != '\0') {
            continue;
        }
        if (digit(*p) >= base || v > INT32_MAX) {
            return false;
        }
        v = v * base + digit(*p);
    }
    *out = v;
    return text[0] != '\0';
}

/* The base that a prefix names, or 0; *text goes past it, and past a _ behind it. */
static int take_prefix(const char **text)
{
    static const struct {
        char letter;
        int base;
    } prefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};
    const char *p = *text;
    for (size_t i = 0; p[0] == '0' && i < ARRAY_SIZE(prefixes); i++) {
        if (tolower((unsigned char)p[1]) == prefixes[i].letter) {
            *text = p + (p[2] == '_' ? 3 : 2);
            return prefixes[i].base;
        }
    }
    return 0;
}

/* Without a prefix: what it is with a leading zero for octal, and without. */
static bool read_plain(int64_t *out, const char *text, bool is_decimal, bool *is_doubtful)
{
    int64_t octal, decimal;
    bool leads = text[0] == '0' && text[1] != '\0';
    bool is_octal = leads && read_digits(&octal, text, 8);
    if (!read_digits(&decimal, text, 10) || (leads && !is_decimal && !is_octal)) {
        return false;
    }
    *out = leads && !is_decimal ? octal : decimal;
    *is_doubtful = leads && (!is_octal || octal != decimal);
    return true;
}

bool number_read(char out[NUMBER_TEXT], const char *text, bool is_decimal, bool *is_doubtful)
{
    bool is_negative = text[0] == '-';
    int64_t v;
    text += is_negative || text[0] == '+';
    *is_doubtful = false;
    int base = take_prefix(&text);
    bool read =
        base != 0 ? read_digits(&v, text, base) : read_plain(&v, text, is_decimal, is_doubtful);
    if (read) {
        snprintf(out, NUMBER_TEXT, "%s%" PRId64, is_negative && v != 0 ? "-" : "", v);
    }
    return read;
}
