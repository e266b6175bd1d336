/* SPDX-License-Identifier: MIT */
/* The values that inih does not read as they were meant, in the forms that wireproxy's reader knows: in quotation marks,
 * behind which a # or ; may follow a blank; in backticks or triple quotes, which may enclose several lines; going on
 * in the next line, behind a \ at the end; and between blanks of Unicode. */
#ifndef WGPROXY_CONFIG_LONG_VALUE_H
#define WGPROXY_CONFIG_LONG_VALUE_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

enum value_form {
    VALUE_PLAIN,     /* up to its comment or the end of its line */
    VALUE_QUOTED,    /* was in '...' or "..." */
    VALUE_PROTECTED, /* was in `...` or """...""": there # and ; are part of it for wireproxy, too */
    VALUE_JOINED, /* of several lines; what follows the first \ is taken as it stands, but for blanks around it */
};

struct long_value {
    enum value_form form;
    char *text; /* in a block of `capacity` bytes, to be wiped by long_value_fini; NULL: none */
    size_t len, capacity;
    const char *end; /* of its last line, before the newline */
    const char
        *doubts; /* words about a line of it that may have been meant otherwise; NULL: none */
};

/* Where a value stands in the text. */
struct value_place {
    const char *begin;     /* its first byte, no blank */
    const char *content;   /* where its line's comment begins, or the line ends */
    const char *marks_end; /* how far "..." and '...' may keep a # or ; from beginning one */
    const char *line_end;  /* before the newline */
    const char *text_end;
    bool wide_blanks; /* before it, of Unicode, which inih does not know */
};

/* 0 and the value, or 0 and a text of NULL: it is an ordinary one. ERR_INVALID: its marks are never closed. ERR_NOMEM. */
int long_value_take(struct long_value *out, const struct value_place *at) MUST_USE;
void long_value_fini(struct long_value *v);

#endif
