/* SPDX-License-Identifier: MIT */
/* Counts allocations and fails the chosen one. */
#include "fail_alloc.h"

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static unsigned failing, counted;

void fail_alloc_at(unsigned k)
{
    failing = k;
    counted = 0;
}

unsigned fail_alloc_count(void)
{
    return counted;
}

void *__wrap_malloc(size_t size)
{
    return ++counted == failing ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return ++counted == failing ? NULL : __real_calloc(n, size);
}
