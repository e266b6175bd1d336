/* SPDX-License-Identifier: MIT */
/* A connected socket as a struct stream. */
#ifndef WGPROXY_IO_TCP_STREAM_H
#define WGPROXY_IO_TCP_STREAM_H

#include "io/loop.h"

/* Takes ownership of `fd`, a non-blocking stream socket connected (or connecting) to `remote`;
 * also on failure. 0, ERR_NOMEM, ERR_LIMIT, ERR_IO. */
int tcp_stream_new(struct io_loop *loop, int fd, const struct endpoint *remote,
                   struct stream **out) MUST_USE;

#endif
