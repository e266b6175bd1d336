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

#endif
