/* SPDX-License-Identifier: MIT */
/* A whole file in memory. It may hold keys and is wiped wherever it stood. */
#ifndef WGPROXY_CONFIG_TEXT_H
#define WGPROXY_CONFIG_TEXT_H

#include "base/macros.h"

#include <stddef.h>

struct text {
    char *bytes; /* NUL-terminated beyond len */
    size_t len, capacity;
    char *path; /* of its file, as that was opened; NULL where nobody said */
};

void text_fini(struct text *t); /* harmless on zeroes */

/* Everything up to the end, or a little more than may be taken. 0, ERR_NOMEM, or ERR_IO with errno. */
int text_read(struct text *t, int fd) MUST_USE;

#endif
