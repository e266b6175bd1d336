/* SPDX-License-Identifier: MIT */
/* A file of a user of wireproxy, with the variables and the files of his machine. */
#ifndef WGPROXY_TESTS_UNIT_CONFIG_MIGRANT_H
#define WGPROXY_TESTS_UNIT_CONFIG_MIGRANT_H

#include "config/config.h"

#include "unit/config/heard.h"

/* Takes it under the name "f" after exactly these messages; NULL if one of them is an error. */
struct config *migrant_parse(const char *text, const char *messages);

/* It says exactly these messages, and is not taken. */
void migrant_refused(const char *text, const char *messages);

/* The only door that it opens. */
const struct config_door *migrant_door(const struct config *c);

/* Opens [Socks5] at port 1 after exactly these messages, for the only user that these lines name. The caller frees it. */
struct config *migrant_user(const char *lines, const char *messages);

#endif
