/* SPDX-License-Identifier: MIT */
#include "config/report.h"

#include <stdio.h>
#include <string.h>

#include "unit/config/heard.h"
#include "unit/test.h"

static void what_was_said_is_delivered_by_line_and_then_in_order(void **state)
{
    (void)state;
    struct report r;
    struct heard h = {0};
    report_init(&r, "f");
    report_error(&r, 7, "%s", "late");
    report_warning(&r, 2, "first of two");
    report_error(&r, 2, "second of two");
    report_error(&r, 0, "whole");
    report_deliver(&r, heard_message, &h);
    assert_string_equal(h.text,
                        "E f: whole\nW f:2: first of two\nE f:2: second of two\nE f:7: late\n");
    assert_int_equal(r.errors, 3);
    report_fini(&r);
}

static void nothing_said_delivers_nothing(void **state)
{
    (void)state;
    struct report r;
    struct heard h = {0};
    report_init(&r, "f");
    report_deliver(&r, heard_message, &h);
    assert_string_equal(h.text, "");
    report_fini(&r);
}

static void a_flood_of_messages_is_cut_and_counted(void **state)
{
    (void)state;
    struct report r;
    struct heard h = {0};
    report_init(&r, "f");
    for (unsigned i = 0; i < REPORT_MAX + 3; i++) {
        report_error(&r, i + 1, "x");
    }
    report_deliver(&r, heard_message, &h);
    assert_int_equal(h.errors, REPORT_MAX + 1);
    assert_non_null(strstr(h.text, "E f:100: x\nE f: and 3 more\n"));
    report_fini(&r);
}

static const struct {
    const char *in;
    const char *out;
} quotes[] = {
    {"", "\"\""},
    {"10.0.0.0/33", "\"10.0.0.0/33\""},
    {"a\033[31m\tb\xc3\xa4", "\"a?[31m?b??\""},
    /* what might be a key is not shown, wherever it stands and whatever is left of it */
    {PRIVATE_KEY, "(not shown, it may be a key)"},
    {"vpn.example:" PRIVATE_KEY, "(not shown, it may be a key)"},
    {"abcdefghijklmnopqrstuvw", "\"abcdefghijklmnopqrstuvw\""},
    {"abcdefghijklmnopqrstuvwx", "(not shown, it may be a key)"},
    {"a long name - a long name - a long name - a long name - a long name - a long",
     "\"a long name - a long name - a long name - a long name - a long name - a lo...\""},
};

static void a_quoted_value_is_fit_for_a_terminal(void **state)
{
    (void)state;
    char out[QUOTE_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(quotes); i++) {
        assert_string_equal(report_quote(out, quotes[i].in), quotes[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_is_delivered_by_line_and_then_in_order),
        cmocka_unit_test(nothing_said_delivers_nothing),
        cmocka_unit_test(a_flood_of_messages_is_cut_and_counted),
        cmocka_unit_test(a_quoted_value_is_fit_for_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
