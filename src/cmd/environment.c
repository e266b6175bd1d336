/* SPDX-License-Identifier: MIT */
/* One variable after the other, to be kept or not. */
#include "cmd/environment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern char **environ;

static bool has_name(const char *variable, const char *name)
{
    size_t n = strlen(name);
    return strncmp(variable, name, n) == 0 && variable[n] == '=';
}

/* Is it "..._proxy=", in whatever letters, but for what says where none is used? Those of single schemes count before
 * ALL_PROXY, and what they name is a proxy outside. */
static bool is_of_a_proxy(const char *variable)
{
    static const char tail[] = "_proxy";
    size_t n = strcspn(variable, "="), k = sizeof tail - 1;
    return n > k && strncasecmp(variable + n - k, tail, k) == 0 &&
           !(n == 2 + k && strncasecmp(variable, "no", 2) == 0);
}

/* sd_listen_fds(3) and sd_notify(3): the sockets and the readiness are this process's. */
static bool is_of_the_manager(const char *variable)
{
    static const char *const names[] = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
                                        "NOTIFY_SOCKET"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (has_name(variable, names[i])) {
            return true;
        }
    }
    return false;
}

static bool holds_a_secret(const char *variable, const struct files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        const struct config *c = files->file[i].config;
        for (size_t j = 0; j < c->n_secret_variables; j++) {
            if (has_name(variable, c->secret_variables[j])) {
                return true;
            }
        }
    }
    return false;
}

static bool is_replaced(const char *variable, char *const added[])
{
    size_t len = strcspn(variable, "=");
    for (; *added != NULL; added++) {
        if (strncmp(*added, variable, len) == 0 && (*added)[len] == '=') {
            return true;
        }
    }
    return false;
}

static size_t count(char *const list[])
{
    size_t n = 0;
    while (list[n] != NULL) {
        n++;
    }
    return n;
}

char **environment_new(char *const added[], const struct files *files)
{
    char **list = calloc(count(environ) + count(added) + 1, sizeof *list);
    size_t n = 0;
    for (char **v = environ; list != NULL && *v != NULL; v++) {
        if (!is_replaced(*v, added) && !is_of_a_proxy(*v) && !is_of_the_manager(*v) &&
            !holds_a_secret(*v, files)) {
            list[n++] = *v;
        }
    }
    for (; list != NULL && *added != NULL; added++) {
        list[n++] = *added;
    }
    return list;
}
