/* SPDX-License-Identifier: MIT */
#include "cmd/environment.h"

#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

extern char **environ;

/* Our environment is nothing but this, in whose place `added` is. All of what comes out, with blanks between. */
static const char *made_of(char *ours[], char *const added[], const struct files *files)
{
    static char out[1024];
    char **before = environ;
    environ = ours;
    char **list = environment_new(added, files);
    environ = before;
    assert_non_null(list);
    out[0] = '\0';
    for (size_t i = 0; list[i] != NULL; i++) {
        strcat(out, list[i]);
        strcat(out, " ");
    }
    free(list);
    return out;
}

static char *none[] = {NULL};

static void it_is_ours_and_what_is_added_replaces_what_has_its_name(void **state)
{
    (void)state;
    char a[] = "A=1", ab[] = "AB=2", b[] = "B=3", odd[] = "odd", new_a[] = "A=4", c[] = "C=";
    char *ours[] = {a, ab, b, odd, NULL}, *added[] = {new_a, c, NULL};
    const struct files files = {.n = 0};
    assert_string_equal(made_of(ours, added, &files), "AB=2 B=3 odd A=4 C= ");
    assert_string_equal(made_of(none, none, &files), "");
}

static void no_other_proxy_is_in_it(void **state)
{
    (void)state;
    char http[] = "http_proxy=x", rsync[] = "RSYNC_PROXY=x", no[] = "no_proxy=x",
         up[] = "NO_PROXY=y", list[] = "MY_PROXY_LIST=x", bare[] = "_proxy=x";
    char *ours[] = {http, rsync, no, up, list, bare, NULL};
    const struct files files = {.n = 0};
    assert_string_equal(made_of(ours, none, &files),
                        "no_proxy=x NO_PROXY=y MY_PROXY_LIST=x _proxy=x ");
}

static void what_a_service_manager_says_is_not_in_it(void **state)
{
    (void)state;
    char fds[] = "LISTEN_FDS=1", pid[] = "LISTEN_PID=2", names[] = "LISTEN_FDNAMES=a",
         notify[] = "NOTIFY_SOCKET=/run/x", other[] = "NOTIFY_SOCKETS=x",
         credentials[] = "CREDENTIALS_DIRECTORY=/run/c";
    char *ours[] = {fds, pid, names, notify, other, credentials, NULL};
    const struct files files = {.n = 0};
    assert_string_equal(made_of(ours, none, &files),
                        "NOTIFY_SOCKETS=x CREDENTIALS_DIRECTORY=/run/c ");
}

static void no_files_secret_is_in_it(void **state)
{
    (void)state;
    char key[] = "KEY=k", key2[] = "KEY2=x", pass[] = "PASS=p", host[] = "HOST=h";
    char *ours[] = {key, key2, pass, host, NULL};
    char k[] = "KEY", p[] = "PASS";
    char *first[] = {k}, *second[] = {p, k};
    struct config one = {.secret_variables = first, .n_secret_variables = 1},
                  two = {.secret_variables = second, .n_secret_variables = 2};
    const struct files files = {.file = {{.config = &one}, {.config = &two}}, .n = 2};
    assert_string_equal(made_of(ours, none, &files), "KEY2=x HOST=h ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_ours_and_what_is_added_replaces_what_has_its_name),
        cmocka_unit_test(no_other_proxy_is_in_it),
        cmocka_unit_test(what_a_service_manager_says_is_not_in_it),
        cmocka_unit_test(no_files_secret_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
