/* SPDX-License-Identifier: MIT */
/* glibc gives back what is free at the heap's end by itself; pages between blocks when asked. */
#include "stack/memory.h"

#include <malloc.h>

void memory_trim_heap(void)
{
    malloc_trim(0);
}
