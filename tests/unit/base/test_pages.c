/* SPDX-License-Identifier: MIT */
#include "base/pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "unit/test.h"

/* KiB resident of what the file with this name is mapped to. */
static unsigned long resident(const char *name)
{
    char line[512];
    bool inside = false;
    unsigned long kib, sum = 0;
    FILE *f = fopen("/proc/self/smaps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (strchr(line, '-') != NULL && strchr(line, ':') != NULL &&
            strchr(line, ':') > strchr(line, '-')) {
            inside = strstr(line, name) != NULL;
        } else if (inside && sscanf(line, "Rss: %lu", &kib) == 1) {
            sum += kib;
        }
    }
    fclose(f);
    return sum;
}

/* The library goes on as if nothing had happened. */
static void code_is_given_back_and_read_again(void **state)
{
    (void)state;
    unsigned long before = resident("libcmocka");
    pages_give_back((const void *)(uintptr_t)_assert_true);
    unsigned long after = resident("libcmocka");
    assert_true(before > 0);
    assert_true(after < before);
    static const int nothing;
    pages_give_back((const void *)8); /* in no object */
    pages_give_back(&nothing);        /* in ours, which runs on */
    assert_int_equal(nothing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_is_given_back_and_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
