/* SPDX-License-Identifier: MIT */
/* Into the background: the parent stays until its child stands, and ends with what became of it. */
#ifndef WGPROXY_CMD_DAEMON_H
#define WGPROXY_CMD_DAEMON_H

#include "base/macros.h"

#include <stdbool.h>

/* Go on as the child, without terminal and standard input. True in the child. In the parent, when the child is ready or
 * has ended: false and the exit status. On failure false and 1. Before any thread. */
bool daemon_begin(int *status) MUST_USE;

/* Everything stands: let the parent go. Harmless where there is none. */
void daemon_ready(void);

#endif
