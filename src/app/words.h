/* SPDX-License-Identifier: MIT */
/* A text that grows. Without memory it stays as it was, and says so at the end. */
#ifndef WGPROXY_APP_WORDS_H
#define WGPROXY_APP_WORDS_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct words {
    char *text; /* NUL-terminated once anything was added; free() it */
    size_t len, room;
    bool failed;
};

void words_add(struct words *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
