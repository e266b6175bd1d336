/* SPDX-License-Identifier: MIT */
/* SOCKS4 and 4a as the server sees them: one request, one reply, two for BIND. The protocol knows no passwords: its
 * user id is what a client says of itself and is not looked at, and a door that asks for users refuses it. */
#ifndef WGPROXY_PROXY_SOCKS4_H
#define WGPROXY_PROXY_SOCKS4_H

#include "proxy/door.h"

#include <stddef.h>

#define SOCKS4_HEAD 8 /* VN CD DSTPORT DSTIP */

/* The field CD of a reply. */
enum socks4_code { SOCKS4_GRANTED = 90, SOCKS4_REFUSED = 91 };

/* What the client is to send next:
 *   HEAD   leads to USER
 *   USER   up to a NUL, leads to NAME (4a: the address is 0.0.0.x), else to OVER
 *   NAME   up to a NUL, leads to OVER
 *   OVER   nothing: must not be fed again */
enum socks4_state { SOCKS4_READS_HEAD, SOCKS4_READS_USER, SOCKS4_READS_NAME, SOCKS4_OVER };

struct socks4 {
    const struct door_terms *terms;
    enum socks4_state state;
    uint16_t have; /* bytes of what is being read */
    uint8_t head[SOCKS4_HEAD];
    char name[TARGET_NAME_MAX + 1];
};

void socks4_init(struct socks4 *s, const struct door_terms *terms); /* borrowed */

/* As socks5_feed. */
enum door_verdict socks4_feed(struct socks4 *s, const uint8_t *data, size_t len, size_t *used,
                              struct door_ask *ask, struct door_answer *answer);

/* As socks5_reply; an end that is not IPv4 cannot be told and is 0.0.0.0. */
void socks4_reply(struct door_answer *answer, int err, const struct endpoint *bound);

#endif
