/* SPDX-License-Identifier: MIT */
/* The usual places: ours, then those of wireproxy. */
#include "cmd/usual_config.h"

#include "base/macros.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct usual {
    const char *variable; /* of the environment; NULL: "" */
    const char *rest;     /* of the path behind it */
    bool in_any_case;     /* even where there is no such file, so that this is said */
};

static const struct usual places[] = {
    {"WGPROXY_CONFIG", "", true},
    {NULL, "/etc/wgproxy/wgproxy.conf", false},
    {"XDG_CONFIG_HOME", "/wgproxy.conf", false},
    {"HOME", "/.config/wgproxy.conf", false},
    {NULL, "/etc/wireproxy/wireproxy.conf", false},
    {"HOME", "/.config/wireproxy.conf", false},
};

const char *usual_config(void)
{
    static char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        const char *start = places[i].variable != NULL ? getenv(places[i].variable) : NULL;
        if (places[i].variable != NULL && (start == NULL || start[0] == '\0')) {
            continue;
        }
        int n = snprintf(path, sizeof path, "%s%s", start != NULL ? start : "", places[i].rest);
        if (n < (int)sizeof path && (places[i].in_any_case || access(path, F_OK) == 0)) {
            return path;
        }
    }
    return NULL;
}
