/* SPDX-License-Identifier: MIT */
/* Memory for lwIP. A segment is three small blocks, made when it is queued and freed when it is
 * acknowledged, thousands at a time: they come from lists of blocks of their size, a few
 * instructions each, where the C library's heap would merge and split them. Larger and rarer ones
 * come from the heap.
 *
 * Where a sanitizer watches, all of them do: see memory_any.c. */
#ifndef WGPROXY_STACK_MEMORY_H
#define WGPROXY_STACK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* As malloc, calloc and free; declared in lwipopts.h for lwIP. Aligned to 8 bytes. */
void *stack_mem_alloc(size_t size);
void *stack_mem_calloc(size_t count, size_t size);
void stack_mem_free(void *mem);

/* Give the blocks back to the heap that nobody has needed since the last call, but for a few; true
 * when more than these are left, for the next call. */
bool memory_settle(void);

/* All of them. Called when the last stack goes. */
void memory_cleanup(void);

/* The heap keeps what lies between blocks in use: after a peak, return whole pages to the system. */
void memory_trim_heap(void);

#endif
