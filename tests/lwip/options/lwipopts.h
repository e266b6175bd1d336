/* SPDX-License-Identifier: MIT */
/* The product's options without its hooks and its memory, so that the patches are tested alone. */
#ifndef WGPROXY_TESTS_LWIP_LWIPOPTS_H
#define WGPROXY_TESTS_LWIP_LWIPOPTS_H

#include "../../../src/stack/lwip/lwipopts.h"

#undef MEM_CUSTOM_ALLOCATOR
#undef MEM_CUSTOM_MALLOC
#undef MEM_CUSTOM_CALLOC
#undef MEM_CUSTOM_FREE
#define MEM_LIBC_MALLOC 1
#undef LWIP_CHKSUM
#undef LWIP_HOOK_FILENAME
#undef LWIP_TCP_EXTERNAL_RECOVERY

#endif
