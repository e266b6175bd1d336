/* SPDX-License-Identifier: MIT */
/* What every test of this module includes: cmocka wants these headers before its own. */
#ifndef WGPROXY_TESTS_WG_TEST_H
#define WGPROXY_TESTS_WG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"

#define unit(f) cmocka_unit_test(f)

#endif
