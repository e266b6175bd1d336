/* SPDX-License-Identifier: MIT */
/* The one table from the system's error numbers to ours. */
#ifndef WGPROXY_IO_OSERR_H
#define WGPROXY_IO_OSERR_H

/* The code of base/err.h for an errno, or for libuv's negated one; ERR_IO for what has no word
 * of its own. */
int oserr(int errnum);

#endif
