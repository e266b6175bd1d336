/* SPDX-License-Identifier: MIT */
/* Standard input and output as the one client of a forward: -W and [STDIOTunnel]. */
#ifndef WGPROXY_CMD_STDIO_CLIENT_H
#define WGPROXY_CMD_STDIO_CLIENT_H

#include "cmd/world.h"

struct stdio_client {
    struct world *world;
    struct door *door; /* NULL: there is none */
    struct stream *stream;
    struct stream_ops ops; /* of the stream, with its ends looked on */
    const struct stream_ops *own;
    bool over, broken;
};

/* Zeroes are a client that is not there. `c` must outlive the tunnel's use of the door. 0 or an error that the log has told. */
int stdio_client_open(struct stdio_client *s, struct world *world, struct tunnel *tunnel,
                      const struct config *c, const struct config_door *d) MUST_USE;
void stdio_client_start(struct stdio_client *s, struct now now);
bool stdio_client_is_over(const struct stdio_client *s);
/* Of the process: 0 when both sides ended, else 1, and the log has said why. */
int stdio_client_status(const struct stdio_client *s);

#endif
