/* SPDX-License-Identifier: MIT */
/* Places as text. */
#include "base/place.h"

#include <assert.h>
#include <stdio.h>

static_assert(PLACE_TEXT >= ENDPOINT_TEXT, "an endpoint fits too");

const char *place_format(const struct place *p, char out[PLACE_TEXT])
{
    char at[ENDPOINT_TEXT];
    switch (p->kind) {
    case PLACE_IP:
        snprintf(out, PLACE_TEXT, "%s", endpoint_format(&p->at, at));
        break;
    case PLACE_UNIX:
        snprintf(out, PLACE_TEXT, "unix:%s", p->path);
        break;
    case PLACE_FD:
        if (p->fd >= 0) {
            snprintf(out, PLACE_TEXT, "fd:%d", p->fd);
        } else {
            snprintf(out, PLACE_TEXT, "fd:%s", p->path);
        }
        break;
    }
    return out;
}
