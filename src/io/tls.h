/* SPDX-License-Identifier: MIT */
/* TLS over a stream, as a stream: the server's side. */
#ifndef WGPROXY_IO_TLS_H
#define WGPROXY_IO_TLS_H

#include "io/loop.h"

/* Takes ownership of `under`, also on failure, which aborts it. The handshake is made by the first reads or writes,
 * so that whoever bounds these bounds it too. What comes in without TLS is an error of read(), and a line of the log
 * at debug. 0, ERR_NOMEM. */
int tls_stream_new(struct io_loop *loop, const struct io_tls *tls, struct stream *under,
                   struct stream **out) MUST_USE;

/* Somebody comes in: look whether the files have changed (io_tls_renew_from). */
void tls_look(struct io_tls *tls, const struct log *log, struct now now);

#endif
