/* SPDX-License-Identifier: MIT */
/* What was handed over, for the files of io. */
#ifndef WGPROXY_IO_INHERITED_H
#define WGPROXY_IO_INHERITED_H

/* Whoever is started from here on has no part in it, whether it is used here or not. */
void inherited_withhold(void);

#endif
