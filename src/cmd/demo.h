/* SPDX-License-Identifier: MIT */
/* `wgproxy demo`: both ends of a tunnel on this machine alone, a page behind it, and the proof that it works. */
#ifndef WGPROXY_CMD_DEMO_H
#define WGPROXY_CMD_DEMO_H

#include "base/addr.h"
#include "base/log.h"

#include <stdbool.h>

/* Run the demo with its SOCKS5 proxy at `socks`. Stays up until a signal, or with `once` ends after the proof.
 * Returns the exit code: 0, or 1 when something could not be set up or the page did not come through the tunnel. */
int demo_run(const struct endpoint *socks, bool once, enum log_level level);

#endif
