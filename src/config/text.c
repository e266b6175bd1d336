/* SPDX-License-Identifier: MIT */
/* A whole file in memory, wiped wherever it stood. */
#include "config/text.h"

#include "base/bytes.h"
#include "base/err.h"
#include "config/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void text_fini(struct text *t)
{
    if (t->bytes != NULL) {
        wipe(t->bytes, t->capacity);
        free(t->bytes);
    }
    free(t->path);
    *t = (struct text){0};
}

/* Room for at least one byte more, and the NUL. ERR_NOMEM or 0. */
static int text_reserve(struct text *t)
{
    if (t->len + 1 < t->capacity) {
        return 0;
    }
    size_t capacity = t->capacity > 0 ? 2 * t->capacity : 4096;
    char *bytes = malloc(capacity);
    if (bytes == NULL) {
        return ERR_NOMEM;
    }
    size_t len = t->len;
    if (len > 0) {
        memcpy(bytes, t->bytes, len);
    }
    text_fini(t);
    *t = (struct text){.bytes = bytes, .len = len, .capacity = capacity};
    return 0;
}

int text_read(struct text *t, int fd)
{
    while (t->len <= LINES_TEXT_MAX) {
        if (text_reserve(t) != 0) {
            return ERR_NOMEM;
        }
        ssize_t n = read(fd, t->bytes + t->len, t->capacity - 1 - t->len);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return ERR_IO;
        }
        t->len += n > 0 ? (size_t)n : 0;
    }
    t->bytes[t->len] = '\0';
    return 0;
}
