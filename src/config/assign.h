/* SPDX-License-Identifier: MIT */
/* What stands behind "Key =" goes to the setter of the key. */
#ifndef WGPROXY_CONFIG_ASSIGN_H
#define WGPROXY_CONFIG_ASSIGN_H

#include "config/schema.h"

/* Take the value of a KEY_ONE or KEY_LIST that stands in the line being read.
 * What is wrong with it goes to the report. */
void assign(struct reading *r, const struct key_entry *key, const char *value);

/* A value of this key is there, but could not be had, which has been told: it is not missing besides. */
void assign_lost(struct reading *r, const struct key_entry *key);

#endif
