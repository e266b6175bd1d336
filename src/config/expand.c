/* SPDX-License-Identifier: MIT */
/* Values that stand for something else. An unset variable is an error: taken as empty it could
 * leave a proxy without a password. */
#include "config/sources.h"

#include <ctype.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

/* The variable's name behind '$', with or without braces; how long that was, or 0. */
static size_t take_name(char name[VARIABLE_NAME], const char *text)
{
    bool braces = *text == '{';
    const char *p = text + braces;
    size_t n = 0;
    while (n < VARIABLE_NAME - 1 && (isalpha((unsigned char)p[n]) || p[n] == '_' ||
                                     (n > 0 && isdigit((unsigned char)p[n])))) {
        name[n] = p[n];
        n++;
    }
    name[n] = '\0';
    if (n == 0 || (braces && p[n] != '}')) {
        return 0;
    }
    return n + (braces ? 2u : 0u);
}

static const char *expand_variable(char *out, size_t size, const char *text, bool is_path,
                                   const struct sources *sources, char why[], size_t why_size)
{
    char name[VARIABLE_NAME];
    size_t n = take_name(name, text + 1);
    const char *rest = text + 1 + n;
    if (n == 0 || (*rest != '\0' && !(is_path && *rest == '/'))) {
        return "begins with $ but is no variable's name: write $$ for a $ of its own";
    }
    if (sources == NULL) {
        return "is a variable, and there are none here";
    }
    const char *value = sources->variable(sources->ctx, name);
    if (value == NULL) {
        snprintf(why, why_size, "the environment has no variable %.60s", name);
        return why;
    }
    int len = snprintf(out, size, "%s%s", value, rest);
    return len >= 0 && (size_t)len < size ? NULL : "is a variable with too much in it";
}

bool value_variable(char name[VARIABLE_NAME], const char *text)
{
    return text[0] == '$' && take_name(name, text + 1) > 0;
}

bool value_is_plain(const char *text)
{
    return text[0] != '$';
}

const char *value_expand(char *out, size_t size, const char *text, bool is_path,
                         const struct sources *sources, char why[], size_t why_size)
{
    if (strlen(text) >= size) {
        return "is too long";
    }
    if (text[0] == '$' && text[1] != '$') {
        return expand_variable(out, size, text, is_path, sources, why, why_size);
    }
    const char *from = text + (text[0] == '$');
    memcpy(out, from, strlen(from) + 1);
    return NULL;
}
