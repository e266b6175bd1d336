/* SPDX-License-Identifier: MIT */
/* Gathers what is to be said about a file, and says it in the order of its
 * lines. */
#include "config/report.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_init(struct report *r, const char *name)
{
    *r = (struct report){.name = name};
}

void report_fini(struct report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->items[i].text);
    }
    free(r->items);
    *r = (struct report){0};
}

/* "NAME:LINE: " and the words, on the heap; NULL without memory. */
PRINTF_LIKE(3, 0)
static char *compose(const char *name, unsigned line, const char *fmt, va_list ap)
{
    char where[24] = "";
    if (line > 0) {
        snprintf(where, sizeof where, ":%u", line);
    }
    va_list again;
    va_copy(again, ap);
    size_t head = strlen(name) + strlen(where) + 2;
    size_t size = head + (size_t)vsnprintf(NULL, 0, fmt, again) + 1;
    va_end(again);
    char *text = malloc(size);
    if (text != NULL) {
        snprintf(text, size, "%s%s: ", name, where);
        vsnprintf(text + head, size - head, fmt, ap);
    }
    return text;
}

PRINTF_LIKE(4, 0)
static void add(struct report *r, unsigned line, bool is_error, const char *fmt, va_list ap)
{
    if (is_error) {
        r->errors++;
    }
    if (r->n == REPORT_MAX) {
        r->left_out++;
        return;
    }
    if (r->items == NULL) {
        r->items = malloc(REPORT_MAX * sizeof *r->items);
    }
    char *text = r->items != NULL ? compose(r->name, line, fmt, ap) : NULL;
    if (text == NULL) {
        r->no_memory = true;
        return;
    }
    r->items[r->n++] = (struct report_item){.line = line, .is_error = is_error, .text = text};
}

void report_error(struct report *r, unsigned line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(r, line, true, fmt, ap);
    va_end(ap);
}

void report_warning(struct report *r, unsigned line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(r, line, false, fmt, ap);
    va_end(ap);
}

/* Inserting keeps the order of equals, and REPORT_MAX bounds the cost. */
static void sort_by_line(struct report_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct report_item item = items[i];
        size_t j = i;
        for (; j > 0 && items[j - 1].line > item.line; j--) {
            items[j] = items[j - 1];
        }
        items[j] = item;
    }
}

void report_deliver(struct report *r, config_message_fn *message, void *ctx)
{
    sort_by_line(r->items, r->n);
    for (size_t i = 0; i < r->n; i++) {
        message(ctx, r->items[i].is_error, r->items[i].text);
    }
    if (r->left_out > 0) {
        char line[128];
        snprintf(line, sizeof line, "%.64s: and %zu more", r->name, r->left_out);
        message(ctx, r->errors > 0, line);
    }
}

/* Keys come as base64 or hex; names and addresses hold no such run of them. */
#define KEY_RUN 24

static bool may_be_a_key(const char *text)
{
    size_t run = 0;
    for (; *text != '\0'; text++) {
        bool in_key = isalnum((unsigned char)*text) || *text == '+' || *text == '/';
        run = in_key ? run + 1 : 0;
        if (run >= KEY_RUN) {
            return true;
        }
    }
    return false;
}

const char *report_quote(char out[QUOTE_SIZE], const char *text)
{
    if (may_be_a_key(text)) {
        snprintf(out, QUOTE_SIZE, "(not shown, it may be a key)");
        return out;
    }
    size_t keep = QUOTE_SIZE - 6; /* two quotes, three dots, NUL */
    size_t n = strlen(text);
    bool cut = n > keep;
    n = cut ? keep : n;
    char *p = out;
    *p++ = '"';
    for (size_t i = 0; i < n; i++) {
        *p++ = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    }
    snprintf(p, 5, cut ? "...\"" : "\"");
    return out;
}
