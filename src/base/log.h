/* SPDX-License-Identifier: MIT */
/* One sink for what the program says. A line is a short narrative of facts: no keys, no pointers, no
 * wall time; destination names only at debug, or where a door's LogDomains asks for them. What a stranger can trigger per packet is a counter, not
 * a line. A NULL log says nothing, so that tests and tools need none. */
#ifndef WGPROXY_BASE_LOG_H
#define WGPROXY_BASE_LOG_H

#include "base/macros.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log {
    enum log_level level; /* lines above it are not even formatted */
    void (*write)(void *ctx, enum log_level level, const char *line); /* no newline in `line` */
    void *ctx;
};

#define LOG_LINE_MAX 512 /* longer lines are cut */

void log_line(const struct log *log, enum log_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(log, ...) log_line((log), LOG_ERROR, __VA_ARGS__)
#define log_warn(log, ...) log_line((log), LOG_WARN, __VA_ARGS__)
#define log_info(log, ...) log_line((log), LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_line((log), LOG_DEBUG, __VA_ARGS__)

/* "error", "warning", "info", "debug" */
const char *log_level_name(enum log_level level);

#endif
