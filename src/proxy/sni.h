/* SPDX-License-Identifier: MIT */
/* Transparent TLS: the ClientHello is read for the name of its server (RFC 8446 section 4.1.2, RFC 6066 section 3), and
 * nothing of it is taken away: it goes to the target before anything else. With an encrypted hello the outer name counts. */
#ifndef WGPROXY_PROXY_SNI_H
#define WGPROXY_PROXY_SNI_H

#include "proxy/door.h"

#include <stddef.h>
#include <stdint.h>

#define SNI_HELLO_MAX \
    ((size_t)16 * 1024 + 4) /* of a ClientHello, over as many records as it likes */

struct sni {
    const struct door_terms *terms;
    uint8_t *raw; /* all that came, records and all: what the target is sent */
    size_t len, room;
    uint8_t *hello; /* the handshake bytes of its records, so far */
    size_t hello_len, hello_room;
    size_t record,
        taken; /* in raw: where the record begins that is read, and what of its payload was joined */
};

void sni_init(struct sni *s, const struct door_terms *terms); /* borrowed */
void sni_fini(struct sni *s);

/* As socks5_feed. What is no TLS, has no name, or one that is an address, is shut out with a TLS alert (RFC 8446 section
 * 6.2: unrecognized_name where the name is what is missing, else decode_error). */
enum door_verdict sni_feed(struct sni *s, const uint8_t *data, size_t len, size_t *used,
                           struct door_ask *ask, struct door_answer *answer);

/* How the dial ended: nothing for 0, an alert for an error. */
void sni_reply(struct door_answer *answer, int err);

#endif
