/* SPDX-License-Identifier: MIT */
/* Values in marks, and over several lines. Where wireproxy's reader has rules, they are its rules: the mark that closes
 * is the last one in its line, and a line that is joined brings its comment with it. */
#include "config/long_value.h"

#include "base/bytes.h"
#include "base/err.h"
#include "config/blanks.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SWALLOWED "a line that looks like one of its own is a part of the value above it"

static const char *line_end(const char *p, const char *text_end)
{
    const char *newline = memchr(p, '\n', (size_t)(text_end - p));
    return newline != NULL ? newline : text_end;
}

/* Room for all that may come; the text never grows. ERR_NOMEM or 0. */
static int begin_text(struct long_value *out, enum value_form form, size_t most)
{
    out->form = form;
    out->capacity = most + 1;
    out->text = calloc(1, out->capacity);
    return out->text != NULL ? 0 : ERR_NOMEM;
}

static void append(struct long_value *out, struct piece p)
{
    size_t n = (size_t)(p.end - p.begin);
    memcpy(out->text + out->len, p.begin, n);
    out->len += n;
    out->text[out->len] = '\0';
}

/* A section, a comment, or a key: likely swallowed by a mark or a \ above that was not meant so. A = at the end is one of
 * base64. */
static void doubt(struct long_value *out, struct piece line)
{
    while (line.end > line.begin && line.end[-1] == '=') {
        line.end--;
    }
    if (line.begin < line.end &&
        (strchr("[#;", *line.begin) != NULL ||
         memchr(line.begin, '=', (size_t)(line.end - line.begin)) != NULL)) {
        out->doubts = SWALLOWED;
    }
}

/* ---- `...` and """...""" ---- */

static size_t mark_length(const struct value_place *at)
{
    size_t rest = (size_t)(at->line_end - at->begin);
    return rest >= 3 && memcmp(at->begin, "\"\"\"", 3) == 0 ? 3 : rest >= 1 && *at->begin == '`';
}

/* The last mark between `p` and `end`, or NULL. */
static const char *last_mark(const char *p, const char *end, const char *mark, size_t n)
{
    const char *found = NULL;
    for (; p + n <= end; p++) {
        found = memcmp(p, mark, n) == 0 ? p : found;
    }
    return found;
}

static bool is_comment(struct piece p)
{
    p = trim_piece(p);
    return p.begin == p.end || *p.begin == '#' || *p.begin == ';';
}

static int take_protected(struct long_value *out, const struct value_place *at, size_t n)
{
    const char *first = at->begin + n, *line = first, *end = at->line_end;
    const char *close = last_mark(line, end, at->begin, n);
    const char *doubts = NULL;
    while (close == NULL && end < at->text_end) {
        line = end + 1;
        end = line_end(line, at->text_end);
        close = last_mark(line, end, at->begin, n);
        doubt(out, trim_piece((struct piece){line, close != NULL ? close : end}));
    }
    if (close == NULL) {
        return ERR_INVALID;
    }
    if (!is_comment((struct piece){close + n, end})) {
        doubts = "what follows the closing quotation mark is ignored";
    }
    out->doubts = out->doubts != NULL ? out->doubts : doubts;
    out->end = end;
    int err = begin_text(out, VALUE_PROTECTED, (size_t)(close - first));
    if (err == 0) {
        append(out, (struct piece){first, close});
    }
    return err;
}

/* ---- a \ at the end ---- */

static bool goes_on(struct piece p)
{
    return p.begin < p.end && p.end[-1] == '\\';
}

static struct piece next_line(const char *end_of_last, const char *text_end)
{
    const char *line = end_of_last + 1;
    return (struct piece){line, line_end(line, text_end)};
}

/* Where the last line ends of a value that begins with `p` in the line that ends at `end`. */
static const char *joined_end(struct piece p, const char *end, const char *text_end)
{
    while (goes_on(p) && end < text_end) {
        p = next_line(end, text_end);
        end = p.end;
        p = trim_piece(p);
    }
    return end;
}

/* An empty line ends it as one without \ does. */
static int take_joined(struct long_value *out, const struct value_place *at, struct piece p)
{
    const char *end = at->line_end;
    out->end = joined_end(p, end, at->text_end);
    int err = begin_text(out, VALUE_JOINED, (size_t)(out->end - at->begin));
    if (err != 0) {
        return err;
    }
    while (end < out->end) {
        append(out, (struct piece){p.begin, p.end - 1});
        p = next_line(end, at->text_end);
        end = p.end;
        p = trim_piece(p);
        doubt(out, p);
    }
    append(out, (struct piece){p.begin, p.end - goes_on(p)});
    return 0;
}

/* ---- '...' and "..." ---- */

/* One pair around it all, none inside. */
static int take_quoted(struct long_value *out, const struct value_place *at)
{
    const char *first = at->begin + 1;
    const char *close = memchr(first, *at->begin, (size_t)(at->marks_end - first));
    if (close == NULL || !is_comment((struct piece){close + 1, at->marks_end})) {
        return 0;
    }
    out->end = at->line_end;
    int err = begin_text(out, VALUE_QUOTED, (size_t)(close - first));
    if (err == 0) {
        append(out, (struct piece){first, close});
    }
    return err;
}

/* ---- blanks that inih does not know ---- */

static bool has_wide_blanks(const struct value_place *at, struct piece content)
{
    const char *end = at->content;
    while (end > content.end && isspace((unsigned char)end[-1])) {
        end--;
    }
    return at->wide_blanks || content.end != end;
}

static int take_trimmed(struct long_value *out, const struct value_place *at, struct piece content)
{
    out->end = at->line_end;
    int err = begin_text(out, VALUE_PLAIN, (size_t)(content.end - content.begin));
    if (err == 0) {
        append(out, content);
    }
    return err;
}

int long_value_take(struct long_value *out, const struct value_place *at)
{
    *out = (struct long_value){.form = VALUE_PLAIN};
    size_t n = mark_length(at);
    if (n > 0) {
        return take_protected(out, at, n);
    }
    struct piece content = trim_piece((struct piece){at->begin, at->content});
    if (at->content == at->line_end &&
        goes_on(content)) { /* the last of its line, and in no comment */
        return take_joined(out, at, content);
    }
    bool is_quoted = content.begin < content.end && strchr("\"'", *content.begin) != NULL;
    int err = is_quoted ? take_quoted(out, at) : 0;
    if (err == 0 && out->text == NULL && has_wide_blanks(at, content)) {
        err = take_trimmed(out, at, content);
    }
    return err;
}

void long_value_fini(struct long_value *v)
{
    if (v->text != NULL) {
        wipe(v->text, v->capacity);
        free(v->text);
    }
    *v = (struct long_value){0};
}
