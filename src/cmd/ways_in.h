/* SPDX-License-Identifier: MIT */
/* The doors of several files, and of the command line: do they go together? Each file was judged by itself before. */
#ifndef WGPROXY_CMD_WAYS_IN_H
#define WGPROXY_CMD_WAYS_IN_H

#include "cmd/files.h"
#include "cmd/options.h"

/* STATUS_OK, or STATUS_USAGE or STATUS_CONFIG after at least one message with is_error: a door that does not say into which
 * tunnel it leads, no door at all, two files that want the same place. */
int ways_in_check(const struct files *f, const struct options *o, config_message_fn *message,
                  void *ctx) MUST_USE;

/* Does a file or the command line name this place, or one that takes it? It gets it, so that what only comes along with
 * another (see ways_in_other_family) gives way. */
bool ways_in_is_named(const struct files *f, const struct options *o, const struct place *at,
                      bool udp);

/* The door that comes along with `d` for the other family of addresses: *out shares what `d` points to. False: there is
 * none, or its place is named. */
bool ways_in_other_family(const struct files *f, const struct options *o,
                          const struct config_door *d, struct config_door *out);

#endif
