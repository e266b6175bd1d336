/* SPDX-License-Identifier: MIT */
/* The text form of a target. */
#include "proxy/target.h"

#include <stdio.h>

_Static_assert(TARGET_TEXT >= ENDPOINT_TEXT, "an endpoint fits where a name does");

const char *target_format(const struct target *to, char out[TARGET_TEXT])
{
    if (to->addr.family != FAMILY_NONE) {
        struct endpoint e = {.addr = to->addr, .port = to->port};
        return endpoint_format(&e, out);
    }
    size_t n = 0;
    for (const char *c = to->name; *c != '\0'; c++) {
        out[n++] = *c > ' ' && *c <= '~' ? *c : '?';
    }
    snprintf(out + n, TARGET_TEXT - n, ":%u", (unsigned)to->port);
    return out;
}
