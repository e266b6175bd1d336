/* SPDX-License-Identifier: MIT */
/* Lists of small blocks: see memory.h. */
#include "stack/memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Blocks of 16, 32, ... 256 bytes, the header included. */
enum { STEP = 16, CLASSES = 16, FROM_HEAP = CLASSES };

/* Of each class. A flow with four megabytes on its way has 3,000 segments; a few are not worth the
 * search for them. */
enum { IDLE_MAX = 4096, IDLE_FEW = 32 };

/* Stands before the memory that is given out. */
union block {
    uint64_t class;
    union block *next_idle;
};

static_assert(sizeof(union block) == 8, "MEM_ALIGNMENT");

static struct idle {
    union block *first;
    unsigned n;
    unsigned low; /* the smallest n since memory_settle */
} idle[CLASSES];

void *stack_mem_alloc(size_t size)
{
    size_t class = (size + sizeof(union block) - 1) / STEP;
    union block *b = NULL;
    if (class >= CLASSES) {
        class = FROM_HEAP;
        b = malloc(sizeof *b + size);
    } else if ((b = idle[class].first)) {
        struct idle *list = &idle[class];
        list->first = b->next_idle;
        list->n--;
        list->low = list->n < list->low ? list->n : list->low;
    } else {
        b = malloc((class + 1) * STEP);
    }
    if (!b) {
        return NULL;
    }
    b->class = class;
    return b + 1;
}

void *stack_mem_calloc(size_t count, size_t size)
{
    void *mem = size > 0 && count > SIZE_MAX / size ? NULL : stack_mem_alloc(count * size);
    return mem ? memset(mem, 0, count * size) : NULL;
}

void stack_mem_free(void *mem)
{
    union block *b = (union block *)mem - 1;
    if (b->class == FROM_HEAP || idle[b->class].n == IDLE_MAX) {
        free(b);
        return;
    }
    struct idle *list = &idle[b->class];
    b->next_idle = list->first;
    list->first = b;
    list->n++;
}

static void give_back(struct idle *list, unsigned n)
{
    while (n-- > 0) {
        union block *b = list->first;
        list->first = b->next_idle;
        list->n--;
        free(b);
    }
}

bool memory_settle(void)
{
    bool more = false;
    for (size_t i = 0; i < CLASSES; i++) {
        struct idle *list = &idle[i];
        if (list->low > IDLE_FEW) {
            give_back(list, list->low - IDLE_FEW);
        }
        list->low = list->n;
        more = more || list->n > IDLE_FEW;
    }
    return more;
}

void memory_cleanup(void)
{
    for (size_t i = 0; i < CLASSES; i++) {
        give_back(&idle[i], idle[i].n);
        idle[i].low = 0;
    }
}
