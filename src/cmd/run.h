/* SPDX-License-Identifier: MIT */
/* `wgproxy -c client.conf`: the main job. */
#ifndef WGPROXY_CMD_RUN_H
#define WGPROXY_CMD_RUN_H

#include "base/addr.h"
#include "base/log.h"
#include "config/config.h"

#include <stddef.h>

/* Build the tunnel, bind every listener, say that it is ready, run until a signal. Returns the exit code: 0 after SIGINT or
 * SIGTERM, 1 when something could not be set up (said on standard error). */
int run(const struct config *config, const struct endpoint *socks, size_t n_socks, enum log_level level);

#endif
