/* SPDX-License-Identifier: MIT */
#include "config/named.h"

#include "base/macros.h"

#include <string.h>

#include "unit/test.h"

static const char text[] = "root = r0\nhost = roothost\nself = %(self)s\n"
                           "[Socks5]\nhost = 127.0.0.1\nPort = 1080\n"
                           "two = %(host)s:%(port)s\nquoted = \"q # q\" # c\nlong = a\\\nb\n"
                           "dup = one\ndup = two\nempty =\nhi = %(ho)s\nho = %(hi)s\n"
                           "grow = %(GROW)s%(more)s\nmore = %(more2)s%(more2)s\nmore2 = %(more)s\n"
                           "[Socks5]\nhost = other\n";

#define SOCKS5 4 /* its line, and that of the second one */
#define SECOND 19

static const struct {
    const char *value;
    unsigned section;
    const char *key; /* whose value it is */
    const char *expanded;
    bool is_unknown;
} rows[] = {
    {"%(host)s:%(port)s", SOCKS5, "x", "127.0.0.1:1080", false},
    {"%(HOST)s", SOCKS5, "x", "127.0.0.1", false},
    {"%(host)s", SECOND, "x", "other", false},
    {"%(host)s", 0, "x", "roothost", false},
    /* above the first section when it is not in its own, or is the key itself */
    {"%(root)s", SOCKS5, "x", "r0", false},
    {"%(host)s", SOCKS5, "Host", "roothost", false},
    /* what stands for something else, too */
    {"<%(two)s>", SOCKS5, "x", "<127.0.0.1:1080>", false},
    {"%(quoted)s %(long)s %(dup)s%(empty)s", SOCKS5, "x", "q # q ab one", false},
    {"%(host)s %(host)s", SOCKS5, "x", "127.0.0.1 127.0.0.1", false},
    /* the first one that there is not ends it */
    {"%(none)s %(host)s", SOCKS5, "x", "%(none)s %(host)s", true},
    {"%(host)s %(none)s %(port)s %(host)s", SOCKS5, "x", "127.0.0.1 %(none)s %(port)s 127.0.0.1",
     true},
    {"%(x)s", SOCKS5, "x", "%(x)s", true},
    {"%( host )s", SOCKS5, "x", "%( host )s", true},
    {"%(a%(host)s", SOCKS5, "x", "%(a%(host)s", true},
    /* nothing of the kind */
    {"50%(percent", SOCKS5, "x", "50%(percent", false},
    {"%()s %(host)d 100%", SOCKS5, "x", "%()s %(host)d 100%", false},
    {"%%(host)s", SOCKS5, "x", "%127.0.0.1", false},
};

static const char *expand(char *out, size_t size, const char *value, struct named *n)
{
    n->text = text;
    n->len = sizeof text - 1;
    return named_expand(out, size, value, n);
}

static void parts_are_put_in_place_as_wireproxy_does(void **state)
{
    (void)state;
    char out[256];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct named n = {.section = rows[i].section, .key = rows[i].key};
        assert_null(expand(out, sizeof out, rows[i].value, &n));
        assert_string_equal(out, rows[i].expanded);
        assert_int_equal(n.is_unknown, rows[i].is_unknown);
        assert_int_equal(named_is_in(rows[i].value),
                         rows[i].is_unknown || strcmp(rows[i].value, rows[i].expanded) != 0);
    }
}

static void a_circle_is_refused(void **state)
{
    (void)state;
    static const char *const circles[] = {"%(hi)s", "%(ho)s", "%(self)s"};
    static char out[65536];
    for (size_t i = 0; i < ARRAY_SIZE(circles); i++) {
        struct named n = {.section = SOCKS5, .key = "x"};
        assert_string_equal(expand(out, sizeof out, circles[i], &n),
                            "names keys in %(...)s that name each other without end");
    }
    struct named n = {.section = SOCKS5, .key = "x"};
    assert_non_null(expand(out, sizeof out, "%(grow)s", &n));
}

static void what_grows_too_long_is_refused(void **state)
{
    (void)state;
    char out[16];
    struct named n = {.section = SOCKS5, .key = "x"};
    assert_null(expand(out, 15, "%(host)s:1080", &n));
    assert_string_equal(out, "127.0.0.1:1080");
    assert_string_equal(expand(out, 14, "%(host)s:1080", &n),
                        "names keys in %(...)s that make it too long");
    assert_string_equal(expand(out, 13, "%(host)s:1080", &n), "is too long");
}

static void only_so_many_are_looked_up_for_a_file(void **state)
{
    (void)state;
    char out[64];
    struct named n = {.section = SOCKS5, .key = "x", .looked_up = NAMED_MAX - 1};
    assert_null(expand(out, sizeof out, "%(host)s", &n));
    assert_string_equal(expand(out, sizeof out, "%(host)s", &n),
                        "is one too many that names other keys in %(...)s");
}

static void a_key_that_others_name_is_known(void **state)
{
    (void)state;
    size_t len = sizeof text - 1;
    assert_true(named_is_meant(text, len, "host"));
    assert_true(named_is_meant(text, len, "PORT"));
    assert_false(named_is_meant(text, len, "root"));
    assert_false(named_is_meant(text, len, ""));
    assert_false(named_is_meant("%(hos", 5, "host"));
    assert_false(named_is_meant("%(host)", 7, "host"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_put_in_place_as_wireproxy_does),
        cmocka_unit_test(a_circle_is_refused),
        cmocka_unit_test(what_grows_too_long_is_refused),
        cmocka_unit_test(only_so_many_are_looked_up_for_a_file),
        cmocka_unit_test(a_key_that_others_name_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
