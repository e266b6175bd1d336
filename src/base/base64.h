/* SPDX-License-Identifier: MIT */
/* Base64 of 32-byte keys as wg(8) writes them: 43 characters and one '='. Runs in time independent of
 * the key, since private keys pass through here. */
#ifndef WGPROXY_BASE_BASE64_H
#define WGPROXY_BASE_BASE64_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

#define KEY_LEN 32
#define KEY_TEXT 45 /* with NUL */

void key_to_base64(char out[KEY_TEXT], const uint8_t key[KEY_LEN]);

/* False unless `text` is exactly 44 characters of canonical base64; *key is then zero. */
bool key_from_base64(uint8_t key[KEY_LEN], const char *text) MUST_USE;

#endif
