/* SPDX-License-Identifier: MIT */
/* SOCKS5 as the server sees it (RFC 1928): the client's greeting and request are gathered and
 * judged, the answers are built. A door with users wants a name and a password (RFC 1929), any
 * other one nothing. */
#ifndef WGPROXY_PROXY_SOCKS5_H
#define WGPROXY_PROXY_SOCKS5_H

#include "base/addr.h"
#include "proxy/door.h"
#include "proxy/target.h"

#include <stddef.h>
#include <stdint.h>

#define SOCKS5_MESSAGE_MAX 513 /* a name and a password of 255 bytes each */

/* Section 6, the field REP. */
enum socks5_code {
    SOCKS5_SUCCEEDED = 0x00,
    SOCKS5_FAILURE = 0x01,
    SOCKS5_DENIED = 0x02,
    SOCKS5_NETWORK_UNREACHABLE = 0x03,
    SOCKS5_HOST_UNREACHABLE = 0x04,
    SOCKS5_REFUSED = 0x05,
    SOCKS5_TTL_EXPIRED = 0x06,
    SOCKS5_BAD_COMMAND = 0x07,
    SOCKS5_BAD_ADDRESS_TYPE = 0x08,
};

/* What the client is to send next:
 *   GREETING  version and methods; the one that the door wants among them leads to LOGIN where
 *             there are users, to REQUEST where not; else to OVER
 *   LOGIN     name and password; the right ones lead to REQUEST, else to OVER
 *   REQUEST   one request; whatever it says leads to OVER
 *   OVER      nothing: must not be fed again */
enum socks5_state { SOCKS5_GREETING, SOCKS5_LOGIN, SOCKS5_REQUEST, SOCKS5_OVER };

struct socks5 {
    const struct door_terms *terms;
    const struct user *user; /* after LOGIN */
    enum socks5_state state;
    size_t have; /* bytes of the message that is being gathered */
    uint8_t message[SOCKS5_MESSAGE_MAX];
};

void socks5_init(struct socks5 *s, const struct door_terms *terms); /* borrowed */

/* Take up to `len` bytes, at most to the end of one message; *used says how many. `answer` is set
 * by DOOR_ANSWER and DOOR_SHUT (of length 0 when the client does not speak SOCKS5 at all), `ask` by
 * DOOR_OPEN. */
enum door_verdict socks5_feed(struct socks5 *s, const uint8_t *data, size_t len, size_t *used,
                              struct door_ask *ask, struct door_answer *answer);

/* The reply to a request: how it ended (0 or an error of base/err.h), and the tunnel's own end of
 * the connection, NULL when there is none. BND.ADDR is always an address; clients such as OpenBSD's
 * nc accept nothing else. */
void socks5_reply(struct door_answer *answer, int err, const struct endpoint *bound);
enum socks5_code socks5_code_of(int err);

#endif
