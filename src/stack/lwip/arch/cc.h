/* SPDX-License-Identifier: MIT */
/* What lwIP needs to know of the compiler and the machine. */
#ifndef WGPROXY_STACK_LWIP_ARCH_CC_H
#define WGPROXY_STACK_LWIP_ARCH_CC_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define LWIP_ERRNO_INCLUDE <errno.h>
#define LWIP_TIMEVAL_PRIVATE 0
typedef uint32_t sys_prot_t;

/* A broken assertion inside lwIP says where and ends the program, in a release too. */
_Noreturn void stack_lwip_assert(const char *message, const char *file, int line);
#define LWIP_PLATFORM_ASSERT(message) stack_lwip_assert(message, __FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(x) \
    do {                      \
        printf x;             \
    } while (0)

uint32_t stack_lwip_rand(void);
#define LWIP_RAND() stack_lwip_rand()

#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS

#endif
