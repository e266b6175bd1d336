/* SPDX-License-Identifier: MIT */
/* Which of a door's protocols a client speaks, told by his first byte, and the parser for it. Whoever talks to the
 * client asks here and need not know. */
#ifndef WGPROXY_PROXY_DIALECT_H
#define WGPROXY_PROXY_DIALECT_H

#include "proxy/door.h"
#include "proxy/http_door.h"
#include "proxy/sni.h"
#include "proxy/socks4.h"
#include "proxy/socks5.h"

#include <stddef.h>

struct dialect {
    const struct door_terms *terms;
    unsigned spoken; /* enum door_protocol; 0: not known yet. It says which parser lives */
    union {
        struct socks5 socks5;
        struct socks4 socks4;
        struct http_door http;
        struct sni sni;
    };
};

/* Of a door with one protocol that one is known at once. `terms` is borrowed. */
void dialect_init(struct dialect *d, const struct door_terms *terms);
void dialect_fini(struct dialect *d);

/* As socks5_feed. A protocol that the door does not have is shut out without a word. DOOR_FORWARD takes no bytes: it is
 * open before the first one came. */
enum door_verdict dialect_feed(struct dialect *d, const uint8_t *data, size_t len, size_t *used,
                               struct door_ask *ask, struct door_answer *answer);

/* What the client is told of how his request ended: 0 or an error, and the end that is his now, NULL when there is none.
 * Of no length where the protocol has no words for it. */
void dialect_reply(const struct dialect *d, struct door_answer *answer, int err,
                   const struct endpoint *bound);

/* HTTP: make ready for the next request of the same client. */
void dialect_again(struct dialect *d);

/* What the parser took and the target is to be sent before anything else: *len bytes, 0 for most. */
const uint8_t *dialect_prelude(const struct dialect *d, size_t *len);

#endif
