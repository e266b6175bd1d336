/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/target.c. */
#include "proxy/target.h"
#include "unit/test.h"

#include <string.h>

static void a_target_is_put_into_words(void **state)
{
    (void)state;
    static const struct {
        const char *addr, *name, *words;
        uint16_t port;
    } cases[] = {
        {"10.0.0.1", "", "10.0.0.1:80", 80},
        {"fd00::1", "", "[fd00::1]:65535", 65535},
        {NULL, "example.com", "example.com:443", 443},
        {NULL, "", ":1", 1},
        {NULL, "two words\n\x1b[31m\xc3\xa4", "two?words??[31m??:1", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct target to = {.port = cases[i].port};
        if (cases[i].addr != NULL) {
            assert_true(addr_parse(&to.addr, cases[i].addr));
        }
        strcpy(to.name, cases[i].name);
        char out[TARGET_TEXT];
        assert_string_equal(target_format(&to, out), cases[i].words);
    }
}

static void the_longest_name_fits(void **state)
{
    (void)state;
    struct target to = {.port = 65535};
    memset(to.name, 'a', TARGET_NAME_MAX);
    char out[TARGET_TEXT];
    assert_int_equal(strlen(target_format(&to, out)), TARGET_NAME_MAX + 6);
    assert_string_equal(out + TARGET_NAME_MAX, ":65535");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_put_into_words),
        cmocka_unit_test(the_longest_name_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
