/* SPDX-License-Identifier: MIT */
#include "config/long_value.h"

#include "base/err.h"
#include "base/macros.h"

#include <stdbool.h>
#include <string.h>

#include "unit/test.h"

/* Of a text that begins with a value and holds no comment. */
static const struct {
    const char *text;
    const char *value; /* NULL: an ordinary one */
    enum value_form form;
    size_t end; /* of its last line */
} rows[] = {
    {"", NULL, VALUE_PLAIN, 0},
    {"a", NULL, VALUE_PLAIN, 0},
    {"a\nb\\", NULL, VALUE_PLAIN, 0},
    {"'a'", "a", VALUE_QUOTED, 3},
    {"\"a b\" \nc", "a b", VALUE_QUOTED, 6},
    {"\"a'b\"", "a'b", VALUE_QUOTED, 5},
    {"\"a\"b\"", NULL, VALUE_PLAIN, 0},
    {"'a\n'", NULL, VALUE_PLAIN, 0},
    {"'", NULL, VALUE_PLAIN, 0},
    {"`a`", "a", VALUE_PROTECTED, 3},
    {"`a`b`\n`", "a`b", VALUE_PROTECTED, 5},
    {"`a\nb\nc` \nd", "a\nb\nc", VALUE_PROTECTED, 8},
    {"\"\"\"a\"\"\"\n", "a", VALUE_PROTECTED, 7},
    {"\"\"\"a\"\"\"\"\n", "a\"", VALUE_PROTECTED, 8},
    {"\"\"\"\"\"\"", "", VALUE_PROTECTED, 6},
    {"\"\"", "", VALUE_QUOTED, 2},
    {"`\\`", "\\", VALUE_PROTECTED, 3},
    {"a\\\nb\nc", "ab", VALUE_JOINED, 4},
    {"a \\ \n b ", "a b", VALUE_JOINED, 8},
    {"\\\n\\\nb", "b", VALUE_JOINED, 5},
    {"\\", "", VALUE_JOINED, 1},
    {"a\\\n", "a", VALUE_JOINED, 3},
    {"a\\\n\nb", "a", VALUE_JOINED, 3},
    {"a\\\n'b'", "a'b'", VALUE_JOINED, 6},
    {"a\\\n`b`", "a`b`", VALUE_JOINED, 6},
    {"a\xc2\xa0 \nb", "a", VALUE_PLAIN, 4},
    {"a\xc2 \n", NULL, VALUE_PLAIN, 0},
};

static int take(struct long_value *v, const char *text)
{
    const char *line_end = text + strcspn(text, "\n");
    return long_value_take(v, &(struct value_place){.begin = text,
                                                    .content = line_end,
                                                    .marks_end = line_end,
                                                    .line_end = line_end,
                                                    .text_end = text + strlen(text)});
}

static void a_value_is_taken_in_its_form_up_to_its_end(void **state)
{
    (void)state;
    struct long_value v;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(take(&v, rows[i].text), 0);
        if ((v.text != NULL) != (rows[i].value != NULL) ||
            (v.text != NULL && strcmp(v.text, rows[i].value) != 0)) {
            print_error("row %zu: %s\n", i, rows[i].text);
        }
        assert_int_equal(v.text != NULL, rows[i].value != NULL);
        if (v.text != NULL) {
            assert_string_equal(v.text, rows[i].value);
            assert_int_equal(v.form, rows[i].form);
            assert_ptr_equal(v.end, rows[i].text + rows[i].end);
        }
        long_value_fini(&v);
    }
}

static void a_mark_that_never_closes_is_refused(void **state)
{
    (void)state;
    struct long_value v;
    assert_int_equal(take(&v, "`"), ERR_INVALID);
    assert_int_equal(take(&v, "`a\nb\n"), ERR_INVALID);
    assert_int_equal(take(&v, "\"\"\"a\"\"\nb\""), ERR_INVALID);
    assert_null(v.text);
}

static void lines_that_seem_swallowed_raise_a_doubt(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool doubted;
    } all[] = {{"a\\\nb", false},
               {"a\\\n[s]", true},
               {"a\\\n# b", true},
               {"a\\\nb = c", true},
               {"a, \\\n fd00::/8", false},
               {"`a\nb`", false},
               {"`a\n[s]\nc`", true},
               {"`a`", false},
               {"`a` b", true},
               {"a\\\n;", true},
               {"a\\\nYWJjZA==", false},
               {"a\\\nb==c", true}};
    struct long_value v;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_int_equal(take(&v, all[i].text), 0);
        assert_int_equal(v.doubts != NULL, all[i].doubted);
        long_value_fini(&v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_taken_in_its_form_up_to_its_end),
        cmocka_unit_test(a_mark_that_never_closes_is_refused),
        cmocka_unit_test(lines_that_seem_swallowed_raise_a_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
