/* SPDX-License-Identifier: MIT */
/* One HTTP request and its response, carried between a client and the server inside the tunnel.
 * Bodies pass as they come and are not gathered; heads of responses are rewritten, since some fields
 * are for one connection only. Afterwards the client's connection may be free for another request. */
#ifndef WGPROXY_PROXY_HTTP_EXCHANGE_H
#define WGPROXY_PROXY_HTTP_EXCHANGE_H

#include "base/macros.h"
#include "base/stream.h"
#include "proxy/handshake.h"
#include "proxy/http_head.h"
#include "stack/stack_tcp.h"

struct http_exchange;

enum http_progress {
    HTTP_GOES_ON,
    HTTP_NEXT,         /* done; the client may ask again */
    HTTP_FINISHED,     /* done; the client's connection is to be closed in an orderly way */
    HTTP_UPGRADED,     /* the rest is a plain relay */
    HTTP_NO_ANSWER,    /* the server broke off before it said anything: see http_exchange_error */
    HTTP_CLIENT_BROKE, /* see http_exchange_error */
    HTTP_TUNNEL_BROKE, /* ditto; the client has seen a part */
};

/* `h` holds the request and what was read ahead; it, the client and the tunnel stay the caller's,
 * and must outlive the exchange. 0, ERR_NOMEM. */
int http_exchange_new(struct http_exchange **out, struct handshake *h, struct stream *client,
                      struct stack_tcp *tunnel) MUST_USE;
void http_exchange_free(struct http_exchange *x); /* NULL is harmless */

/* Whatever the client or the tunnel has news of: do what can be done, and say what to wait for. */
enum http_progress http_exchange_run(struct http_exchange *x);

int http_exchange_error(const struct http_exchange *x);
/* Has any byte come from the server? */
bool http_exchange_has_heard(const struct http_exchange *x);
/* After HTTP_NEXT: the server keeps its connection, too, as far as its answer tells (RFC 9112 section 9.3). */
bool http_exchange_server_keeps(const struct http_exchange *x);

uint64_t http_exchange_up(const struct http_exchange *x); /* bytes carried */
uint64_t http_exchange_down(const struct http_exchange *x);

#endif
