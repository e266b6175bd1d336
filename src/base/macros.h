/* SPDX-License-Identifier: MIT */
/* The few compiler attributes and helpers that every module uses. */
#ifndef WGPROXY_BASE_MACROS_H
#define WGPROXY_BASE_MACROS_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
