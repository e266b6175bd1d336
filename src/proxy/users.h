/* SPDX-License-Identifier: MIT */
/* Who may use a door, where that is asked. Passwords are compared in a time that does not tell where they
 * differ, and wiped at the end. */
#ifndef WGPROXY_PROXY_USERS_H
#define WGPROXY_PROXY_USERS_H

#include "base/macros.h"

#include <stddef.h>

#define USER_NAME_MAX 255 /* RFC 1929 section 2: ULEN and PLEN are a byte each */

struct users;

/* A user of a door; lives as long as its struct users. */
struct user {
    const char *name; /* NUL-terminated */
};

int users_new(struct users **out) MUST_USE; /* 0, ERR_NOMEM */
void users_free(struct users *u);           /* NULL is harmless */

/* Both are copied. 0, ERR_NOMEM, ERR_EXISTS, ERR_INVALID (empty name, or either over 255 bytes: RFC 1929). */
int users_add(struct users *u, const char *name, const char *password) MUST_USE;

/* The user with that name and password, or NULL. */
const struct user *users_check(const struct users *u, const void *name, size_t name_len,
                               const void *password, size_t password_len);

#endif
