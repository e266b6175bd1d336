/* SPDX-License-Identifier: MIT */
/* What a door's protocol is to its session: bytes in, verdicts and answers out. Each protocol is a
 * pure parser of its own (socks5.h); it gives the same verdicts whichever way its input is split,
 * and knows no policy: whether the target may be reached, and why not, is said to it afterwards. */
#ifndef WGPROXY_PROXY_DOOR_H
#define WGPROXY_PROXY_DOOR_H

#include <stdint.h>

enum door_verdict {
    DOOR_MORE,   /* everything given was taken; there must be more */
    DOOR_ANSWER, /* the answer must be sent, then the input goes on */
    DOOR_OPEN, /* the request is whole and the target is set; what follows belongs to the target */
    DOOR_SHUT, /* the answer, where it has bytes, must be sent; then it is over */
};

#define DOOR_ANSWER_MAX 22 /* the longest: a SOCKS5 reply with an IPv6 address */

struct door_answer {
    const char *why; /* DOOR_SHUT: what was wrong, in words that last */
    uint8_t len;
    uint8_t bytes[DOOR_ANSWER_MAX];
};

#endif
