/* SPDX-License-Identifier: MIT */
/* Blanks as wireproxy's reader has them: those of Unicode, too, which come along with what is pasted from a page. */
#ifndef WGPROXY_CONFIG_BLANKS_H
#define WGPROXY_CONFIG_BLANKS_H

#include <ctype.h>
#include <stddef.h>
#include <string.h>

struct piece {
    const char *begin, *end;
};

/* How long a blank stands at the beginning of `p`, in UTF-8; 0: none. */
static inline size_t blank_length(struct piece p)
{
    static const char *const wide[] = {
        "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
        "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
        "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    if (p.begin == p.end || (unsigned char)*p.begin < 0x80) {
        return p.begin < p.end && isspace((unsigned char)*p.begin);
    }
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        size_t n = strlen(wide[i]);
        if ((size_t)(p.end - p.begin) >= n && memcmp(p.begin, wide[i], n) == 0) {
            return n;
        }
    }
    return 0;
}

static inline struct piece trim_piece(struct piece p)
{
    for (size_t n; (n = blank_length(p)) > 0;) {
        p.begin += n;
    }
    const char *end = p.begin; /* of what is no blank */
    for (struct piece rest = p; rest.begin < rest.end;) {
        size_t n = blank_length(rest);
        rest.begin += n > 0 ? n : 1;
        end = n > 0 ? end : rest.begin;
    }
    return (struct piece){p.begin, end};
}

#endif
