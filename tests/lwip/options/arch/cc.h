/* SPDX-License-Identifier: MIT */
/* lwIP's platform for the tests of our patches: a broken assertion fails the test. */
#ifndef WGPROXY_TESTS_LWIP_ARCH_CC_H
#define WGPROXY_TESTS_LWIP_ARCH_CC_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LWIP_ERRNO_INCLUDE <errno.h>
#define LWIP_TIMEVAL_PRIVATE 0
typedef uint32_t sys_prot_t;

#define LWIP_PLATFORM_ASSERT(message)                                      \
    do {                                                                   \
        fprintf(stderr, "%s:%d: lwIP: %s\n", __FILE__, __LINE__, message); \
        abort();                                                           \
    } while (0)
#define LWIP_PLATFORM_DIAG(x) \
    do {                      \
        printf x;             \
    } while (0)

#define LWIP_RAND() 4 /* only has to exist: no test depends on it */

#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS

#endif
