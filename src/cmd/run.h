/* SPDX-License-Identifier: MIT */
/* `wgproxy -c client.conf`: the main job. */
#ifndef WGPROXY_CMD_RUN_H
#define WGPROXY_CMD_RUN_H

#include "cmd/files.h"
#include "cmd/options.h"

/* Build the tunnels of `files` (sorted), bind every listener, say that it is ready, run until a signal. Returns the exit status:
 * STATUS_OK after a signal, STATUS_FAILED with a line on standard error when something could not be set up; a command's
 * own. The doors have passed ways_in_check. */
int run(const struct files *files, const struct options *options);

#endif
