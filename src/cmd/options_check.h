/* SPDX-License-Identifier: MIT */
/* What can be wrong with a command line although each of its words is right. */
#ifndef WGPROXY_CMD_OPTIONS_CHECK_H
#define WGPROXY_CMD_OPTIONS_CHECK_H

#include "cmd/options.h"

/* 0, or ERR_INVALID with the reason in `why`, without the words around it. */
int options_check(const struct options *o, bool allow_lan, char *why, size_t size) MUST_USE;

#endif
