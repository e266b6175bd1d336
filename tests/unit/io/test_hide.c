/* SPDX-License-Identifier: MIT */
#include "io/io.h"

#include <sys/prctl.h>

#include "unit/test.h"

static void memory_goes_into_no_core_and_to_no_debugger(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
    io_hide_memory();
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_goes_into_no_core_and_to_no_debugger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
