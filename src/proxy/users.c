/* SPDX-License-Identifier: MIT */
/* Names and passwords. Every user is compared in full with what was sent, whatever fits: the time that a check takes
 * tells how many users there are, and no more. */
#include "proxy/users.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/list.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_MAX USER_NAME_MAX

/* A text in a place of one size for all, so that comparing two takes the same time for any two. */
struct field {
    uint8_t len;
    uint8_t bytes[FIELD_MAX + 1]; /* zeros behind it, one at least */
};

struct entry {
    struct list link;
    struct user user;
    struct field name, password;
};

struct users {
    struct list entries;
};

int users_new(struct users **out)
{
    struct users *u = malloc(sizeof *u);
    if (u == NULL) {
        return ERR_NOMEM;
    }
    list_init(&u->entries);
    *out = u;
    return 0;
}

void users_free(struct users *u)
{
    if (u == NULL) {
        return;
    }
    for (struct list *l; (l = list_pop_front(&u->entries)) != NULL;) {
        struct entry *e = list_item(l, struct entry, link);
        wipe(e, sizeof *e);
        free(e);
    }
    free(u);
}

static void field_set(struct field *f, const void *text, size_t len)
{
    *f = (struct field){.len = (uint8_t)len};
    if (len > 0) {
        memcpy(f->bytes, text, len);
    }
}

/* 0 when they are equal. */
static unsigned field_difference(const struct field *a, const struct field *b)
{
    unsigned difference = a->len ^ b->len;
    for (size_t i = 0; i < FIELD_MAX; i++) {
        difference |= a->bytes[i] ^ b->bytes[i];
    }
    return difference;
}

static bool has_name(const struct users *u, const struct field *name)
{
    list_foreach(l, &u->entries) {
        if (field_difference(&list_item(l, struct entry, link)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

int users_add(struct users *u, const char *name, const char *password)
{
    size_t name_len = strlen(name), password_len = strlen(password);
    if (name_len == 0 || name_len > FIELD_MAX || password_len > FIELD_MAX) {
        return ERR_INVALID;
    }
    struct entry *e = malloc(sizeof *e);
    if (e == NULL) {
        return ERR_NOMEM;
    }
    field_set(&e->name, name, name_len);
    if (has_name(u, &e->name)) {
        free(e);
        return ERR_EXISTS;
    }
    field_set(&e->password, password, password_len);
    e->user.name = (const char *)e->name.bytes;
    list_init(&e->link);
    list_push_back(&u->entries, &e->link);
    return 0;
}

const struct user *users_check(const struct users *u, const void *name, size_t name_len,
                               const void *password, size_t password_len)
{
    if (name_len > FIELD_MAX || password_len > FIELD_MAX) {
        return NULL;
    }
    struct field said_name, said_password;
    field_set(&said_name, name, name_len);
    field_set(&said_password, password, password_len);
    const struct user *found = NULL;
    list_foreach(l, &u->entries) {
        const struct entry *e = list_item(l, struct entry, link);
        unsigned difference = field_difference(&e->name, &said_name);
        difference |= field_difference(&e->password, &said_password);
        if (difference == 0) {
            found = &e->user;
        }
    }
    wipe(&said_password, sizeof said_password);
    return found;
}
