/* SPDX-License-Identifier: MIT */
/* A text that grows. */
#include "app/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void words_add(struct words *w, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (w->len + (size_t)n + 1 > w->room) {
        size_t room = 2 * (w->len + (size_t)n + 1);
        char *wider = realloc(w->text, room);
        if (wider == NULL) {
            w->failed = true;
            va_end(again);
            return;
        }
        w->text = wider;
        w->room = room;
    }
    vsnprintf(w->text + w->len, w->room - w->len, fmt, again);
    va_end(again);
    w->len += (size_t)n;
}
