/* SPDX-License-Identifier: MIT */
/* What of this process the system shows to others. */
#include "io/io.h"

#include <sys/prctl.h>

void io_hide_memory(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail with this value (prctl(2)) */
}
