/* SPDX-License-Identifier: MIT */
/* The machine's clocks; the only place where they are read. */
#ifndef WGPROXY_IO_CLOCK_H
#define WGPROXY_IO_CLOCK_H

#include "base/now.h"

struct now clock_read(void);

#endif
