/* SPDX-License-Identifier: MIT */
/* Integers as Go reads them, and so wireproxy. */
#ifndef WGPROXY_CONFIG_NUMBER_H
#define WGPROXY_CONFIG_NUMBER_H

#include "base/macros.h"

#include <stdbool.h>

#define NUMBER_TEXT 24

/* What `text` is in plain digits, with a - where it is negative: 0x10, 0b1_0000 and 0o20 are 16, and so is 020. With
 * `is_decimal` a leading zero says nothing, as for wg(8): that is 20. False: it is no integer, or a huge one.
 * *is_doubtful: the other way of reading its leading zero would make another number of it. */
bool number_read(char out[NUMBER_TEXT], const char *text, bool is_decimal,
                 bool *is_doubtful) MUST_USE;

#endif
