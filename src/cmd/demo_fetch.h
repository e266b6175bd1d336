/* SPDX-License-Identifier: MIT */
/* The demo's own check: fetch a page through a SOCKS5 proxy as any client would, over a real socket. */
#ifndef WGPROXY_CMD_DEMO_FETCH_H
#define WGPROXY_CMD_DEMO_FETCH_H

#include "base/addr.h"
#include "base/macros.h"
#include "io/io.h"

struct demo_fetch;

/* `body` is what came after the HTTP header, when err is 0 (valid during the call); else err is the error, or ERR_REFUSED
 * with the proxy's reply code in `socks_reply`. The fetch is over and freed. */
typedef void demo_fetch_fn(void *ctx, int err, unsigned socks_reply, const char *body, size_t len);

/* GET / from `name` port 80 through the proxy. 0, ERR_NOMEM, or an error of io_connect. */
int demo_fetch_start(struct demo_fetch **out, struct io_loop *loop, const struct endpoint *proxy,
                     const char *name, demo_fetch_fn *done, void *ctx) MUST_USE;
void demo_fetch_cancel(struct demo_fetch *f); /* NULL is harmless */

#endif
