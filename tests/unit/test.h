/* SPDX-License-Identifier: MIT */
/* cmocka with the headers that it needs before it. */
#ifndef WGPROXY_TESTS_UNIT_TEST_H
#define WGPROXY_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Not here, and why: a line that dev.sh repeats at the end. */
#define skip_because(...) (print_message("SKIPPED: " __VA_ARGS__), print_message("\n"), skip())

#endif
