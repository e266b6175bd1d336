/* SPDX-License-Identifier: MIT */
/* `wgproxy -c client.conf`: the main job. */
#ifndef WGPROXY_CMD_RUN_H
#define WGPROXY_CMD_RUN_H

#include "cmd/files.h"
#include "cmd/options.h"

/* Build the tunnels of `files` (sorted), bind every listener, say that it is ready, run until a signal. Returns the exit status:
 * STATUS_OK after SIGINT or SIGTERM, STATUS_FAILED when something could not be set up, STATUS_USAGE and STATUS_CONFIG when it is
 * not said where SOCKS5 is to be offered; each with a line on standard error. */
int run(const struct files *files, const struct options *options);

#endif
