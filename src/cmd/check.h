/* SPDX-License-Identifier: MIT */
/* `wgproxy check`: are these files good for a tunnel, here and now? Each is tried in turn, for half a minute at most, and each step
 * is a line on standard output. No listener is opened. */
#ifndef WGPROXY_CMD_CHECK_H
#define WGPROXY_CMD_CHECK_H

#include "cmd/files.h"
#include "cmd/options.h"

/* STATUS_OK; STATUS_CHECK_FAILED after a line "cause: ..." for each tunnel that does not work; STATUS_FAILED when a check could
 * not be done, which the log told. */
int check(const struct files *files, const struct options *options);

#endif
