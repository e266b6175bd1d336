/* SPDX-License-Identifier: MIT */
/* A text as sections and keys. inih tells names from values; what it would let
 * pass in silence is looked at here, as each line is handed to it: section
 * lines that do not end, or that go on behind their bracket. */
#include "config/lines.h"

#include "base/bytes.h"
#include "base/err.h"

#include <assert.h>
#include <ctype.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>

static_assert(INI_HANDLER_LINENO && INI_CALL_HANDLER_ON_NEW_SECTION && INI_ALLOW_NO_VALUE,
              "the handler below takes sections, lines without value, and line numbers");
static_assert(!INI_ALLOW_MULTILINE, "an indented line is a line, not more of the last value");
static_assert(!INI_USE_STACK && INI_ALLOW_REALLOC && INI_MAX_LINE > LINES_TEXT_MAX + 2,
              "the longest line fits");

struct walk {
    const char *next, *end;
    const struct lines_handler *handler;
    void *ctx;
    unsigned line; /* the one being handed over */
    bool inside;   /* of a line that did not fit inih's buffer at once */
};

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && isspace((unsigned char)*p)) {
        p++;
    }
    return p;
}

/* inih takes the name up to the first ']', and neither misses the bracket nor
 * sees what comes after. */
static void check_section_line(const struct walk *w, const char *begin, const char *end)
{
    const char *bracket = begin;
    while (bracket < end && *bracket != ']' && *bracket != ';' && *bracket != '#') {
        bracket++;
    }
    if (bracket == end || *bracket != ']') {
        w->handler->broken_section(w->ctx, w->line, "the section's name is not closed by \"]\"");
        return;
    }
    const char *rest = skip_blanks(bracket + 1, end);
    if (rest < end && *rest != ';' && *rest != '#') {
        w->handler->broken(w->ctx, w->line, "nothing but a comment may follow the section's name");
    }
}

/* Where the line at `begin` ends for inih: its newline, or the '#' that wg(8)
 * takes for a comment wherever it stands. */
static const char *line_content_end(const struct walk *w, const char *begin)
{
    bool hash = w->handler->hash_anywhere(w->ctx);
    const char *p = begin;
    while (p < w->end && *p != '\n' && !(hash && *p == '#')) {
        p++;
    }
    return p;
}

static void begin_line(struct walk *w)
{
    w->line++;
    const char *end = line_content_end(w, w->next);
    const char *begin = skip_blanks(w->next, end);
    if (begin < end && *begin == '[') {
        check_section_line(w, begin, end);
    }
}

/* inih's fgets: up to size - 1 bytes of the next line, the newline included. At
 * the end its buffer, which held keys, is wiped before inih frees it. */
static char *next_chunk(char *out, int size, void *stream)
{
    struct walk *w = stream;
    if (w->next == w->end && !w->inside) {
        wipe(out, (size_t)size);
        return NULL;
    }
    if (!w->inside) {
        begin_line(w);
    }
    const char *end = line_content_end(w, w->next);
    size_t room = (size_t)size - 2; /* newline and NUL */
    size_t n = (size_t)(end - w->next);
    w->inside = n > room;
    n = w->inside ? room : n;
    memcpy(out, w->next, n);
    w->next += n;
    if (w->inside) {
        out[n++] = *w->next++; /* inih asks on when its buffer is full */
    } else {
        const char *newline = memchr(w->next, '\n', (size_t)(w->end - w->next));
        w->next = newline != NULL ? newline + 1 : w->end;
        out[n++] = '\n';
    }
    out[n] = '\0';
    return out;
}

static int entry(void *user, const char *section, const char *key, const char *value, int line)
{
    const struct walk *w = user;
    if (key == NULL) {
        w->handler->section(w->ctx, (unsigned)line, section);
    } else if (value == NULL) {
        w->handler->broken(w->ctx, (unsigned)line, "must be \"Key = value\" or \"[Section]\"");
    } else {
        w->handler->key(w->ctx, (unsigned)line, key, value);
    }
    return 1;
}

int lines_walk(const char *text, size_t len, const struct lines_handler *handler, void *ctx)
{
    static const char bom[] = "\xef\xbb\xbf";
    assert(len <= LINES_TEXT_MAX && memchr(text, '\0', len) == NULL);
    if (len >= 3 && memcmp(text, bom, 3) == 0) {
        text += 3;
        len -= 3;
    }
    struct walk w = {.next = text, .end = text + len, .handler = handler, .ctx = ctx};
    /* The lines that it counts as errors were reported one by one. */
    int result = ini_parse_stream(next_chunk, &w, entry, &w);
    return result == -2 ? ERR_NOMEM : 0;
}
