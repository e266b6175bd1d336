/* SPDX-License-Identifier: MIT */
/* Where the C library looks after its heap by itself. */
#include "stack/memory.h"

void memory_trim_heap(void)
{
}
