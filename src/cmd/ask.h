/* SPDX-License-Identifier: MIT */
/* `wgproxy show` and `wgproxy ready`: what a wgproxy that runs tells at its status port. */
#ifndef WGPROXY_CMD_ASK_H
#define WGPROXY_CMD_ASK_H

#include "cmd/files.h"
#include "cmd/options.h"

/* Where -i says, else where the first of the files with a [Status] does; every address is this machine. ready: STATUS_OK
 * where /readyz says so, else STATUS_FAILED, with a word on standard output either way. show: the state, as show_print
 * writes it. STATUS_FAILED, too, and a line on standard error, when nobody says where to ask, or nobody answers there within
 * 5 s. */
int ask_ready(const struct files *f, const struct options *o);
int ask_show(const struct files *f, const struct options *o);

#endif
