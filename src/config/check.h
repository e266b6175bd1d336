/* SPDX-License-Identifier: MIT */
/* What can be wrong with a file although each of its lines is right. */
#ifndef WGPROXY_CONFIG_CHECK_H
#define WGPROXY_CONFIG_CHECK_H

#include "config/reading.h"

/* To be called when the whole text was taken. */
void check_whole(const struct reading *r);

#endif
