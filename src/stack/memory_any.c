/* SPDX-License-Identifier: MIT */
/* Memory for lwIP straight from the heap, so that a sanitizer sees each block. */
#include "stack/memory.h"

#include <stdlib.h>

void *stack_mem_alloc(size_t size)
{
    return malloc(size);
}

void *stack_mem_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

void stack_mem_free(void *mem)
{
    free(mem);
}

bool memory_settle(void)
{
    return false;
}

void memory_cleanup(void)
{
}
