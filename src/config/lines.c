/* SPDX-License-Identifier: MIT */
/* A text as sections and keys. inih tells names from values; what it would let
 * pass in silence is looked at here, as each line is handed to it: section
 * lines that do not end, or that go on behind their bracket. Values that it
 * would not read as they were meant are taken past it: it sees empty lines. */
#include "config/lines.h"

#include "base/bytes.h"
#include "base/err.h"
#include "config/blanks.h"

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
    const char *taken; /* up to here the lines were taken past inih */
    unsigned line;     /* the one being handed over */
    bool inside;       /* of a line that did not fit inih's buffer at once */
    bool no_memory;
};

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && isspace((unsigned char)*p)) {
        p++;
    }
    return p;
}

/* What parts a key from its value, as inih finds it; NULL: there is none before the comment. */
static const char *find_delimiter(const char *p, const char *end)
{
    bool blank = false;
    for (; p < end && *p != '=' && *p != ':'; p++) {
        if (blank && (*p == '#' || *p == ';')) {
            return NULL;
        }
        blank = isspace((unsigned char)*p);
    }
    return p < end ? p : NULL;
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
    if (rest == end || *rest == ';' || *rest == '#') {
        return;
    }
    if (find_delimiter(rest, end) != NULL) { /* a key, which would be lost */
        w->handler->broken(w->ctx, w->line, "nothing but a comment may follow the section's name");
    } else {
        w->handler->doubtful(w->ctx, w->line, "what follows the section's name is ignored");
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

/* Where the comment begins behind the value at `p`, or `end`. */
static const char *find_comment(const char *p, const char *end)
{
    bool blank = false;
    while (p < end && !(blank && (*p == '#' || *p == ';'))) {
        blank = isspace((unsigned char)*p);
        p++;
    }
    return p;
}

/* wireproxy looks for the \ at the end of a line before it looks for comments. */
static void doubt_comment(const struct walk *w, const char *comment, const char *end)
{
    while (end > comment && isspace((unsigned char)end[-1])) {
        end--;
    }
    if (end > comment && end[-1] == '\\' && !w->handler->hash_anywhere(w->ctx)) {
        w->handler->doubtful(w->ctx, w->line,
                             "the comment ends in \\, for which wireproxy joins the next line: "
                             "here it ends with its own");
    }
}

#define NAME_SIZE 64 /* longer ones are none of ours */

/* Without the blanks and the marks around it. */
static void copy_name(char out[NAME_SIZE], const char *begin, const char *end)
{
    struct piece p = trim_piece((struct piece){begin, end});
    if (p.end - p.begin > 2 && (*p.begin == '"' || *p.begin == '`') && p.end[-1] == *p.begin) {
        p.begin++;
        p.end--;
    }
    size_t n = (size_t)(p.end - p.begin);
    n = n < NAME_SIZE ? n : NAME_SIZE - 1;
    memcpy(out, p.begin, n);
    out[n] = '\0';
}

static void hand_over(struct walk *w, const char *begin, const char *delimiter,
                      const struct long_value *v)
{
    char name[NAME_SIZE];
    copy_name(name, begin, delimiter);
    w->taken = v->end;
    w->handler->key(w->ctx, w->line, name, v->text, v->form);
    if (v->doubts != NULL) {
        w->handler->doubtful(w->ctx, w->line, v->doubts);
    }
}

/* The line of a key, from `begin` to where `end` is its end for inih: taken here, or left to that. */
static void begin_key(struct walk *w, const char *begin, const char *end)
{
    const char *delimiter = find_delimiter(begin, end);
    if (delimiter == NULL || delimiter == begin) {
        return;
    }
    const char *newline = memchr(w->next, '\n', (size_t)(w->end - w->next));
    struct value_place at = {.line_end = newline != NULL ? newline : w->end, .text_end = w->end};
    at.begin = trim_piece((struct piece){delimiter + 1, at.line_end}).begin;
    at.wide_blanks = at.begin != skip_blanks(delimiter + 1, at.line_end);
    at.content = find_comment(delimiter + 1, end);
    at.content = at.content < at.begin ? at.begin : at.content;
    at.marks_end = end < at.begin ? at.begin : end;
    struct long_value v;
    int err = long_value_take(&v, &at);
    if (err == ERR_INVALID) {
        w->taken = at.line_end;
        w->handler->broken(w->ctx, w->line, "the ` or \"\"\" before the value is not closed");
    } else if (err != 0) {
        w->no_memory = true;
    } else if (v.text != NULL) {
        hand_over(w, begin, delimiter, &v);
    } else {
        doubt_comment(w, at.content, at.line_end);
    }
    long_value_fini(&v);
}

static void begin_line(struct walk *w)
{
    w->line++;
    const char *end = line_content_end(w, w->next);
    const char *begin = skip_blanks(w->next, end);
    if (w->taken != NULL && w->next <= w->taken) {
        return; /* a part of the value above */
    }
    if (begin < end && *begin == '[') {
        check_section_line(w, begin, end);
    } else if (begin < end && *begin != '#' && *begin != ';') {
        begin_key(w, begin, end);
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
    bool is_taken = w->taken != NULL && w->next <= w->taken;
    const char *end = is_taken ? w->next : line_content_end(w, w->next);
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

/* wg(8) does not mind blanks inside the brackets. */
static void trim(char *out, size_t size, const char *text)
{
    const char *begin = skip_blanks(text, text + strlen(text));
    size_t n = strnlen(begin, size - 1);
    while (n > 0 && isspace((unsigned char)begin[n - 1])) {
        n--;
    }
    memcpy(out, begin, n);
    out[n] = '\0';
}

static int entry(void *user, const char *section, const char *key, const char *value, int line)
{
    const struct walk *w = user;
    char trimmed[64], name[NAME_SIZE];
    if (key == NULL) {
        trim(trimmed, sizeof trimmed, section);
        w->handler->section(w->ctx, (unsigned)line, trimmed);
    } else if (value == NULL) {
        w->handler->broken(w->ctx, (unsigned)line, "must be \"Key = value\" or \"[Section]\"");
    } else {
        copy_name(name, key, key + strlen(key));
        w->handler->key(w->ctx, (unsigned)line, name, value, VALUE_PLAIN);
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
    return result == -2 || w.no_memory ? ERR_NOMEM : 0;
}
