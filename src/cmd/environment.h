/* SPDX-License-Identifier: MIT */
/* What -- COMMAND finds in its environment: ours, but for what is none of its business. */
#ifndef WGPROXY_CMD_ENVIRONMENT_H
#define WGPROXY_CMD_ENVIRONMENT_H

#include "base/macros.h"
#include "cmd/files.h"

/* Our variables, and `added` ("NAME=value", the last one NULL) instead of those of the same names; without those
 *   that lead to other proxies,
 *   by which a service manager speaks to this process,
 *   that a secret of the configurations came from, whatever else they stand for there.
 * A new list of borrowed strings, to be freed; NULL without memory. */
char **environment_new(char *const added[], const struct files *files) MUST_USE;

#endif
