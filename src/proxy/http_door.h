/* SPDX-License-Identifier: MIT */
/* The HTTP proxy as a door (RFC 9110, RFC 9112): a request is gathered and judged, and the answers
 * are built. CONNECT asks for a stream; a request for an http:// URI for an exchange, for which its
 * head is made anew as the server is to see it. */
#ifndef WGPROXY_PROXY_HTTP_DOOR_H
#define WGPROXY_PROXY_HTTP_DOOR_H

#include "proxy/door.h"
#include "proxy/http_head.h"

#include <stddef.h>

struct http_door {
    const struct door_terms *terms;
    char *head; /* of the request that is being gathered; NULL: nothing of it yet */
    size_t have, room;

    /* Once it is open with DOOR_EXCHANGE. */
    char *forward; /* the head for the server */
    size_t forward_len;
    struct http_body body; /* of the request */
    bool is_head;          /* the method: its answer has no body */
    bool upgrades;         /* the client wants another protocol afterwards */
    unsigned minor;        /* the client's version */
    bool keeps;            /* the client wants its connection kept */
    bool server_may_keep;  /* the server was not asked to close its own */
    bool
        may_be_repeated; /* nothing comes of it if the server gets it twice, and all of it stands in `forward` */
};

void http_door_init(struct http_door *d, const struct door_terms *terms); /* terms are borrowed */
void http_door_fini(struct http_door *d); /* wipes: a password may have come in */

/* Make ready for the next request of the same client. */
void http_door_again(struct http_door *d);

/* As socks5_feed. A wrong or missing password is a DOOR_ANSWER where the connection can go on. */
enum door_verdict http_door_feed(struct http_door *d, const uint8_t *data, size_t len, size_t *used,
                                 struct door_ask *ask, struct door_answer *answer);

/* After CONNECT: how it ended. 0 after anything else answers nothing, for the server answers. */
void http_door_reply(const struct http_door *d, struct door_answer *answer, int err);

#endif
