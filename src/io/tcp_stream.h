/* SPDX-License-Identifier: MIT */
/* A connected socket as a struct stream. */
#ifndef WGPROXY_IO_TCP_STREAM_H
#define WGPROXY_IO_TCP_STREAM_H

#include "io/loop.h"

/* The options of a stream's socket; those of a listener are its connections', too. */
void tcp_stream_set_options(int fd);

/* Takes ownership of `fd`, a non-blocking stream socket with these options, connected (or connecting)
 * from `local` to `remote`; also on failure. 0, ERR_NOMEM, ERR_LIMIT, ERR_IO. */
int tcp_stream_new(struct io_loop *loop, int fd, const struct endpoint *remote,
                   const struct endpoint *local, struct stream **out) MUST_USE;

#endif
