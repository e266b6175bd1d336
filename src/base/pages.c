/* SPDX-License-Identifier: MIT */
#include "base/pages.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* The pages of the object that `ctx` points into. */
static int drop(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), wanted = (uintptr_t)ctx;
    const ElfW(Phdr) *p = info->dlpi_phdr;
    bool found = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t at = info->dlpi_addr + p[i].p_vaddr;
        found |= p[i].p_type == PT_LOAD && wanted - at < p[i].p_memsz;
    }
    for (int i = 0; found && i < info->dlpi_phnum; i++) {
        uintptr_t at = info->dlpi_addr + p[i].p_vaddr;
        if (p[i].p_type == PT_LOAD && (p[i].p_flags & PF_W) == 0) {
            uintptr_t from = at & ~(page - 1);
            madvise((void *)from, at + p[i].p_memsz - from, MADV_DONTNEED);
        }
    }
    return found;
}

void pages_give_back(const void *inside)
{
    dl_iterate_phdr(drop, (void *)inside);
}
