/* SPDX-License-Identifier: MIT */
/* The page /metrics in the form in which wg(8) shows an interface. */
#ifndef WGPROXY_CMD_SHOW_H
#define WGPROXY_CMD_SHOW_H

#include <stdint.h>
#include <stdio.h>

/* `page` has lines of key=value; what is not known is passed over. `now` is the Unix time, in seconds. */
void show_print(FILE *out, const char *page, uint64_t now);

#endif
