/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/users.c: who is known. */
#include "proxy/users.h"

#include "base/err.h"
#include "base/macros.h"
#include "fail_alloc.h"
#include "unit/test.h"

#include <string.h>

static struct users *some_users(void)
{
    struct users *u;
    assert_int_equal(users_new(&u), 0);
    assert_int_equal(users_add(u, "alice", "secret"), 0);
    assert_int_equal(users_add(u, "bob", ""), 0);
    assert_int_equal(users_add(u, "Alice", "other"), 0);
    return u;
}

static void only_the_right_password_of_the_right_user_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *name, *password, *found;
    } cases[] = {
        {"alice", "secret", "alice"},
        {"Alice", "other", "Alice"},
        {"bob", "", "bob"},
        {"alice", "other", NULL},
        {"ALICE", "secret", NULL},
        {"alice", "Secret", NULL},
        {"alice", "secre", NULL},
        {"alice", "secrets", NULL},
        {"alice", "", NULL},
        {"bob", "secret", NULL},
        {"carol", "secret", NULL},
        {"alic", "esecret", NULL},
        {"", "", NULL},
    };
    struct users *u = some_users();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct user *found = users_check(u, cases[i].name, strlen(cases[i].name),
                                               cases[i].password, strlen(cases[i].password));
        assert_int_equal(found != NULL, cases[i].found != NULL);
        if (found != NULL) {
            assert_string_equal(found->name, cases[i].found);
        }
    }
    users_free(u);
}

static void zeros_behind_a_text_are_not_part_of_it(void **state)
{
    (void)state;
    struct users *u = some_users();
    assert_null(users_check(u, "alice\0", 6, "secret", 6));
    assert_null(users_check(u, "alice", 5, "secret\0", 7));
    assert_null(users_check(u, "bob", 3, "\0", 1));
    users_free(u);
}

static void texts_of_every_length_up_to_255_are_compared_in_full(void **state)
{
    (void)state;
    char text[257];
    memset(text, 'x', sizeof text);
    for (size_t n = 1; n <= 255; n++) {
        struct users *u;
        char own[256];
        memset(own, 'x', n);
        own[n] = '\0';
        assert_int_equal(users_new(&u), 0);
        assert_int_equal(users_add(u, own, own), 0);
        assert_non_null(users_check(u, own, n, own, n));
        assert_null(users_check(u, text, n + 1, own, n));
        assert_null(users_check(u, own, n, text, n + 1));
        own[n - 1] = 'y';
        assert_null(users_check(u, text, n, own, n));
        users_free(u);
    }
}

static void what_rfc1929_cannot_carry_is_no_user(void **state)
{
    (void)state;
    struct users *u = some_users();
    char text[257];
    memset(text, 'x', 256);
    text[256] = '\0';
    assert_int_equal(users_add(u, "", "secret"), ERR_INVALID);
    assert_int_equal(users_add(u, text, "secret"), ERR_INVALID);
    assert_int_equal(users_add(u, "carol", text), ERR_INVALID);
    assert_int_equal(users_add(u, "alice", "secret"), ERR_EXISTS);
    assert_int_equal(users_add(u, "alice", "new"), ERR_EXISTS);
    assert_null(users_check(u, "alice", 5, "new", 3));
    users_free(u);
}

/* Lengths are a byte each: 256 is not 0. */
static void what_is_too_long_is_nobody(void **state)
{
    (void)state;
    static const char zeros[2 * 256];
    struct users *u = some_users();
    assert_int_equal(users_add(u, "dora", ""), 0);
    assert_non_null(users_check(u, "dora", 4, zeros, 0));
    assert_null(users_check(u, "dora", 4, zeros, 256));
    assert_null(users_check(u, "dora", 4, zeros, 512));
    assert_null(users_check(u, zeros, 256, zeros, 0));
    users_free(u);
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    struct users *u;
    fail_alloc_at(1);
    assert_int_equal(users_new(&u), ERR_NOMEM);
    fail_alloc_at(0);
    u = some_users();
    fail_alloc_at(1);
    assert_int_equal(users_add(u, "carol", "secret"), ERR_NOMEM);
    fail_alloc_at(0);
    users_free(u);
    users_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_password_of_the_right_user_is_taken),
        cmocka_unit_test(zeros_behind_a_text_are_not_part_of_it),
        cmocka_unit_test(texts_of_every_length_up_to_255_are_compared_in_full),
        cmocka_unit_test(what_rfc1929_cannot_carry_is_no_user),
        cmocka_unit_test(what_is_too_long_is_nobody),
        cmocka_unit_test(without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
