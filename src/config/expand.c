/* SPDX-License-Identifier: MIT */
/* Values that stand for something else. An unset variable is an error: taken as empty it could
 * leave a proxy without a password. */
#include "config/sources.h"

#include <ctype.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

#define NAME_SIZE 128

/* The variable's name behind '$', with or without braces; how long that was, or 0. */
static size_t take_name(char name[NAME_SIZE], const char *text)
{
    bool braces = *text == '{';
    const char *p = text + braces;
    size_t n = 0;
    while (n < NAME_SIZE - 1 && (isalpha((unsigned char)p[n]) || p[n] == '_' ||
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
    char name[NAME_SIZE];
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

/* How many marks stand at either end: wireproxy's files may have """...""" and `...` beside "..." and '...'. */
static size_t quotes(const char *text, size_t len)
{
    if (len >= 6 && memcmp(text, "\"\"\"", 3) == 0 && memcmp(text + len - 3, "\"\"\"", 3) == 0) {
        return 3;
    }
    return len >= 2 && strchr("\"'`", text[0]) != NULL && text[len - 1] == text[0];
}

bool value_is_plain(const char *text)
{
    size_t len = strlen(text);
    return len == 0 || (strchr("$\"'`", text[0]) == NULL && text[len - 1] != '\\' &&
                        strstr(text, "%(") == NULL);
}

const char *value_expand(char *out, size_t size, const char *text, bool is_path,
                         const struct sources *sources, char why[], size_t why_size)
{
    size_t len = strlen(text);
    size_t marks = quotes(text, len);
    if (len >= size) {
        return "is too long";
    }
    if (len > 0 && text[len - 1] == '\\') {
        return "ends in a backslash: a value stands in one line";
    }
    if (strstr(text, "%(") != NULL && strstr(text, ")s") != NULL) {
        return "names another key in %(...)s: not supported, write the value itself";
    }
    if (text[0] == '$' && text[1] != '$') {
        return expand_variable(out, size, text, is_path, sources, why, why_size);
    }
    if (marks == 0 && (text[0] == '"' || text[0] == '`')) {
        return "begins with a quotation mark that is not closed (a # or ; behind a blank begins a "
               "comment)";
    }
    const char *from = text + (text[0] == '$' ? 1u : marks);
    size_t n = len - (text[0] == '$' ? 1u : 2 * marks);
    memcpy(out, from, n);
    out[n] = '\0';
    return NULL;
}
