/* SPDX-License-Identifier: MIT */
#include "dns/name.h"

#include <stdio.h>
#include <string.h>

#include "unit/test.h"

#include "base/err.h"

#define L63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"
#define N253 L63 "." L63 "." L63 ".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija"

static const struct {
    const char *in;
    const char *out; /* NULL: refused */
    bool absolute;
} names[] = {
    {"www.example.com", "www.example.com", false},
    {"WWW.Example.COM.", "www.example.com", true},
    {"AZ.az.09", "az.az.09", false},
    {"wiki", "wiki", false},
    {"wiki.", "wiki", true},
    {"_dmarc.example.com", "_dmarc.example.com", false},
    {"-a-.b_c", "-a-.b_c", false},
    {"xn--bcher-kva.example", "xn--bcher-kva.example", false},
    {"a@b!*", "a@b!*", false},
    {"10.0.0.1", "10.0.0.1", false},
    {L63, L63, false},
    {L63 "a", NULL, false},
    {N253, N253, false},
    {N253 ".", N253, true},
    {N253 "a", NULL, false},
    {N253 "a.", NULL, false},
    {N253 "." N253, NULL, false},
    {"", NULL, false},
    {".", NULL, false},
    {"..", NULL, false},
    {".a", NULL, false},
    {"a..b", NULL, false},
    {"a..", NULL, false},
    {"a b", NULL, false},
    {" a", NULL, false},
    {"a\t", NULL, false},
    {"a\n.b", NULL, false},
    {"a\\.b", NULL, false},
    {"a\x7f", NULL, false},
    {"b\xc3\xbc"
     "cher.example",
     NULL, false},
};

static void names_are_checked_and_made_comparable(void **state)
{
    (void)state;
    assert_int_equal(strlen(N253), DNS_NAME_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char out[NAME_SIZE];
        bool absolute;
        int err = name_canonical(out, names[i].in, &absolute);
        assert_int_equal(err, names[i].out == NULL ? ERR_BAD_NAME : 0);
        if (err == 0) {
            assert_string_equal(out, names[i].out);
            assert_int_equal(absolute, names[i].absolute);
        }
    }
}

static void each_byte_is_allowed_or_not(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char text[] = {'a', (char)c, 'b', '\0'}, out[NAME_SIZE];
        bool absolute;
        bool allowed = c > 0x20 && c < 0x7f && c != '\\';
        assert_int_equal(name_canonical(out, text, &absolute), allowed ? 0 : ERR_BAD_NAME);
    }
}

static void names_that_no_server_is_asked_for_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool stays;
    } cases[] = {
        {"localhost", true},     {"a.localhost", true},    {"onion", true},
        {"abc.onion", true},     {"a.invalid", true},      {"invalid", true},
        {"notlocalhost", false}, {"localhost.com", false}, {"printer.local", false},
        {"union", false},        {"a.nonion", false},      {"alhost", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(name_stays_here(cases[i].name), cases[i].stays);
    }
}

static const struct {
    const char *domains[3];
    const char *name;
    bool absolute;
    const char *order; /* each followed by a blank */
} searches[] = {
    {{NULL}, "wiki", false, "wiki "},
    {{NULL}, "wiki.eu", false, "wiki.eu "},
    {{"corp.lan"}, "wiki", false, "wiki.corp.lan wiki "},
    {{"corp.lan"}, "wiki.eu", false, "wiki.eu wiki.eu.corp.lan "},
    {{"corp.lan", "b.c"}, "wiki", false, "wiki.corp.lan wiki.b.c wiki "},
    {{"corp.lan", "b.c"}, "wiki.eu", false, "wiki.eu wiki.eu.corp.lan wiki.eu.b.c "},
    {{"CORP.lan."}, "wiki", false, "wiki.corp.lan wiki "},
    {{"corp.lan"}, "wiki", true, "wiki "},
    {{"corp.lan"}, "wiki.eu", true, "wiki.eu "},
    {{"corp.lan"}, "localhost", false, ""},
    {{"corp.lan"}, "a.onion", true, ""},
    {{"localhost", "b.c"}, "wiki", false, "wiki.b.c wiki "},
    {{L63 "." L63, "b.c"}, L63 "." L63, false, L63 "." L63 " " L63 "." L63 ".b.c "},
};

static void short_names_are_completed_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(searches); i++) {
        size_t n = 0;
        while (n < 3 && searches[i].domains[n] != NULL) {
            n++;
        }
        struct name_search s;
        assert_int_equal(name_search_init(&s, searches[i].domains, n), 0);
        char order[2048] = "", out[NAME_SIZE];
        size_t at = 0;
        while (name_search_next(&s, searches[i].name, searches[i].absolute, &at, out)) {
            strcat(strcat(order, out), " ");
        }
        assert_false(name_search_next(&s, searches[i].name, searches[i].absolute, &at, out));
        assert_string_equal(order, searches[i].order);
        name_search_fini(&s);
    }
}

/* 253 characters with the domain fit, 254 do not. */
static void a_completed_name_may_be_as_long_as_any(void **state)
{
    (void)state;
    static const char *const domains[] = {L63 "." L63 "." L63};
    char name[NAME_SIZE], out[NAME_SIZE];
    for (size_t len = 60; len <= 62; len++) {
        struct name_search s;
        size_t at = 0;
        assert_int_equal(name_search_init(&s, domains, 1), 0);
        snprintf(name, sizeof name, "%.*s", (int)len, L63);
        assert_true(name_search_next(&s, name, false, &at, out));
        assert_int_equal(strlen(out), len <= 61 ? len + 192 : len);
        assert_int_equal(name_search_next(&s, name, false, &at, out), len <= 61);
        name_search_fini(&s);
    }
}

static void a_search_domain_that_is_no_name_is_refused(void **state)
{
    (void)state;
    static const char *const domains[] = {"corp.lan", "a..b"};
    struct name_search s;
    assert_int_equal(name_search_init(&s, domains, 2), ERR_BAD_NAME);
    assert_int_equal(s.n, 0);
    assert_null(s.domains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked_and_made_comparable),
        cmocka_unit_test(each_byte_is_allowed_or_not),
        cmocka_unit_test(names_that_no_server_is_asked_for_are_known),
        cmocka_unit_test(short_names_are_completed_in_order),
        cmocka_unit_test(a_completed_name_may_be_as_long_as_any),
        cmocka_unit_test(a_search_domain_that_is_no_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
