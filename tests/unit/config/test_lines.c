/* SPDX-License-Identifier: MIT */
#include "config/lines.h"

#include "base/macros.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

/* What arrived, as one text: "3 [name]", "4 key=value", "5 !words", "6 [!words", "7 ?words". A value that was in quotation
 * marks, protected or joined has ', ` or + before it. Long values are told by their length. */
struct seen {
    char text[4096];
};

PRINTF_LIKE(2, 3) static void note(struct seen *s, const char *fmt, ...)
{
    size_t used = strlen(s->text);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->text + used, sizeof s->text - used, fmt, ap);
    va_end(ap);
}

static void on_section(void *ctx, unsigned line, const char *name)
{
    note(ctx, "%u [%s]\n", line, name);
}

static void on_key(void *ctx, unsigned line, const char *key, const char *value,
                   enum value_form form)
{
    static const char *const marks[] = {[VALUE_PLAIN] = "=",
                                        [VALUE_QUOTED] = "='",
                                        [VALUE_PROTECTED] = "=`",
                                        [VALUE_JOINED] = "=+"};
    char length[32];
    if (strlen(value) > 100) {
        snprintf(length, sizeof length, "(%zu)", strlen(value));
        value = length;
    }
    note(ctx, "%u %s%s%s\n", line, key, marks[form], value);
}

static void on_broken(void *ctx, unsigned line, const char *why)
{
    note(ctx, "%u !%s\n", line, why);
}

static void on_broken_section(void *ctx, unsigned line, const char *why)
{
    note(ctx, "%u [!%s\n", line, why);
}

static void on_doubtful(void *ctx, unsigned line, const char *why)
{
    note(ctx, "%u ?%s\n", line, why);
}

static bool hash_anywhere(void *ctx)
{
    (void)ctx;
    return true;
}

static bool hash_behind_a_blank(void *ctx)
{
    (void)ctx;
    return false;
}

static const struct lines_handler handler = {
    .hash_anywhere = hash_anywhere,
    .section = on_section,
    .key = on_key,
    .broken = on_broken,
    .broken_section = on_broken_section,
    .doubtful = on_doubtful,
};

static void walk_with(struct seen *s, const struct lines_handler *h, const char *text)
{
    /* in a block of exactly its size */
    size_t len = strlen(text);
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    *s = (struct seen){0};
    assert_int_equal(lines_walk(exact, len, h, s), 0);
    free(exact);
}

static void walk(struct seen *s, const char *text)
{
    walk_with(s, &handler, text);
}

#define NO_KEY "must be \"Key = value\" or \"[Section]\""
#define OPEN "the section's name is not closed by \"]\""
#define TRAILING "nothing but a comment may follow the section's name"

#define IGNORED "what follows the section's name is ignored"
#define OPEN_MARK "the ` or \"\"\" before the value is not closed"
#define SWALLOWED "a line that looks like one of its own is a part of the value above it"
#define BEHIND "what follows the closing quotation mark is ignored"
#define COMMENT \
    "the comment ends in \\, for which wireproxy joins the next line: here it ends with its own"

struct row {
    const char *text;
    const char *seen;
};

static const struct row rows[] = {
    {"", ""},
    {"\n\n", ""},
    {"a=b", "1 a=b\n"},
    {"a=b\n", "1 a=b\n"},
    {"\na = b c \n", "2 a=b c\n"},
    {"a =b\r\n[s]\r\nc= d\r\n", "1 a=b\n2 [s]\n3 c=d\n"},
    {"\xef\xbb\xbf[s]\n", "1 [s]\n"},
    {"\xef\xbb\xbf", ""},
    {"a:b", "1 a=b\n"},
    {"a=b=c:d", "1 a=b=c:d\n"},
    {"a=", "1 a=\n"},
    /* comments */
    {"# x\n; y\n  # z\n", ""},
    {"a=b # c", "1 a=b\n"},
    {"a=b#c", "1 a=b\n"},
    {"a=#c", "1 a=\n"},
    {"a=b ; c", "1 a=b\n"},
    {"a=b;c", "1 a=b;c\n"},
    {"#a=b\nc=d", "2 c=d\n"},
    {"a=b #", "1 a=b\n"},
    {"[s] # c\n", "1 [s]\n"},
    {"[s]#c\n", "1 [s]\n"},
    {"[s] ; c\n", "1 [s]\n"},
    /* an indented line is a line of its own */
    {"a=b\n  c=d\n\te=f\n", "1 a=b\n2 c=d\n3 e=f\n"},
    {"  [s]\n", "1 [s]\n"},
    /* what cannot be read */
    {"word\n", "1 !" NO_KEY "\n"},
    {"word # = x\n", "1 !" NO_KEY "\n"},
    {"[s\na=b\n", "1 [!" OPEN "\n2 a=b\n"},
    {"[s # ]\n", "1 [!" OPEN "\n"},
    {"[s ; ]\n", "1 [!" OPEN "\n"},
    {"[", "1 [!" OPEN "\n"},
    {"[s] a=b\n", "1 !" TRAILING "\n1 [s]\n"},
    {"[s] office\n", "1 ?" IGNORED "\n1 [s]\n"},
    /* marks around names and values; a # begins a comment between them all the same */
    {"\"a\" = b\n`c`=d\n\"=e\n", "1 a=b\n2 c=d\n3 \"=e\n"},
    {"a = \"b\"\nc='d' # e\n", "1 a='b\n2 c='d\n"},
    {"a = \"b # c\"\n", "1 a=\"b\n"},
    {"a = \"b\"c\"\na = \"b\na = '\n", "1 a=\"b\"c\"\n2 a=\"b\n3 a='\n"},
    {"a = \"\"\n", "1 a='\n"},
    /* what is protected goes on to the last mark of its line, or of a later one */
    {"a = `b # c` # d\n[s]\n", "1 a=`b # c\n2 [s]\n"},
    {"a=\"\"\"b ; \"c\"\"\"\"\n", "1 a=`b ; \"c\"\n"},
    {"a = `b` c `d`\ne = ``\n", "1 a=`b` c `d\n2 e=`\n"},
    {"a = `b` c\n", "1 a=`b\n1 ?" BEHIND "\n"},
    {"a = `b,\n c`\nd = e\n", "1 a=`b,\n c\n3 d=e\n"},
    {"a = `b\n[s]\nc = `\nd=e", "1 a=`b\n[s]\nc = \n1 ?" SWALLOWED "\n4 d=e\n"},
    {"a = `b\nc=d\n", "1 !" OPEN_MARK "\n2 c=d\n"},
    {"a = \"\"\"\n", "1 !" OPEN_MARK "\n"},
    /* a \\ joins the next line, as it stands but for the blanks around it */
    {"a = b \\\n  c\\\r\n\td # e\nf=g\n", "1 a=+b cd # e\n4 f=g\n"},
    {"a = \\\nb\n", "1 a=+b\n"},
    {"a = b\\\n\nc=d\n", "1 a=+b\n3 c=d\n"},
    {"a = b\\", "1 a=+b\n"},
    {"a = b\\\nc\\", "1 a=+bc\n"},
    {"a = \"b\\\nc\"\n", "1 a=+\"bc\"\n"},
    {"a = b\\\n[s]\nc=d", "1 a=+b[s]\n1 ?" SWALLOWED "\n3 c=d\n"},
    {"a = b\\\n# c\nd=e", "1 a=+b# c\n1 ?" SWALLOWED "\n3 d=e\n"},
    {"a = b\\\\\nc", "1 a=+b\\c\n"},
    /* what is pasted from a page has blanks of its own */
    {"a\xc2\xa0=\xc2\xa0 b c \xe3\x80\x80\n\xe2\x80\x82"
     "d = e\n",
     "1 a=b c\n2 d=e\n"},
    {"a = \xc2\xa0\nb =\xc2\xa0`c`\nd =\xc2\xa0'e'\xc2\xa0# f\n", "1 a=\n2 b=`c\n3 d='e\n"},
    {"a = \xc2\xa0z\xc2\xa0z\\\n\xc2\xa0y\xc2\xa0\n", "1 a=+z\xc2\xa0zy\n"},
    {"a = \xc3\xa4\xe2\x80\xa6\n", "1 a=\xc3\xa4\xe2\x80\xa6\n"},
    /* not in a comment, and not behind a name or a section */
    {"a = b # c \\\nd=e\n# f \\\ng=h\n", "1 a=b\n2 d=e\n4 g=h\n"},
    {"a = b \\ # c\nd=e\na = b\\#c\nd=e\n", "1 a=b \\\n2 d=e\n3 a=b\\\n4 d=e\n"},
    {"a \\\n= b\n[s] # \\\nc=d\n", "1 !" NO_KEY "\n2 =b\n3 [s]\n4 c=d\n"},
};

/* Where a # must follow a blank, and marks keep it from being one. */
static const struct row elsewhere[] = {
    {"a=b#c\na=b #c\na=#c\n", "1 a=b#c\n2 a=b\n3 a=#c\n"},
    {"a = \"b # c\" # d\n", "1 a='b # c\n"},
    {"a = 'b # c\n", "1 a='b\n"},
    {"a = \"b # c\"d\n", "1 a=\"b\n"},
    {"a = `b # c`\n", "1 a=`b # c\n"},
    {"a # b = \"c\"\n", "1 !" NO_KEY "\n"},
    {"a = b#\\\nc\n", "1 a=+b#c\n"},
    {"a = b # c \\\nd=e\n", "1 ?" COMMENT "\n1 a=b\n2 d=e\n"},
};

static void assert_seen(const struct lines_handler *h, const struct row *row, size_t n)
{
    struct seen s;
    for (size_t i = 0; i < n; i++) {
        walk_with(&s, h, row[i].text);
        if (strcmp(s.text, row[i].seen) != 0) {
            print_error("row %zu\n", i);
        }
        assert_string_equal(s.text, row[i].seen);
    }
}

static void lines_are_told_apart(void **state)
{
    (void)state;
    struct lines_handler other = handler;
    other.hash_anywhere = hash_behind_a_blank;
    assert_seen(&handler, rows, ARRAY_SIZE(rows));
    assert_seen(&other, elsewhere, ARRAY_SIZE(elsewhere));
}

static void the_kind_of_newline_makes_no_difference(void **state)
{
    (void)state;
    struct seen lf, crlf;
    walk(&lf, "[s]\na = b # c\n\nword\n[t\nc=d\\\n e \nf=`g`\nh='i' \nj = k");
    walk(&crlf, "[s]\r\na = b # c\r\n\r\nword\r\n[t\r\nc=d\\\r\n e \r\nf=`g`\r\nh='i' \r\nj = k");
    assert_string_equal(lf.text, crlf.text);
}

/* "a=" and `n` letters, then a second line; with `end` between them. */
static void assert_long_line_is_whole(size_t n, const char *end)
{
    struct seen s;
    char expected[64];
    char *text = malloc(n + 32);
    assert_non_null(text);
    memcpy(text, "a=", 2);
    memset(text + 2, 'x', n);
    snprintf(text + 2 + n, 30, "%sb=c", end);
    walk(&s, text);
    free(text);
    snprintf(expected, sizeof expected, "1 a=(%zu)\n2 b=c\n", n);
    assert_string_equal(s.text, expected);
}

static void lines_of_any_length_arrive_whole(void **state)
{
    (void)state;
    static const char *const ends[] = {"\n", "\r\n", "#y\n", "#\r\n"};
    for (size_t e = 0; e < ARRAY_SIZE(ends); e++) {
        /* around the sizes that inih's buffer takes as it grows */
        for (size_t n = 4080; n < 4110; n++) {
            assert_long_line_is_whole(n, ends[e]);
            assert_long_line_is_whole(2 * n, ends[e]);
        }
        assert_long_line_is_whole(LINES_TEXT_MAX - 32, ends[e]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_told_apart),
        cmocka_unit_test(the_kind_of_newline_makes_no_difference),
        cmocka_unit_test(lines_of_any_length_arrive_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
