/* SPDX-License-Identifier: MIT */
/* What every test of this module includes. */
#ifndef WGPROXY_TESTS_WG_TEST_H
#define WGPROXY_TESTS_WG_TEST_H

#include "base/macros.h"
#include "unit/test.h"

#define unit(f) cmocka_unit_test(f)

#endif
