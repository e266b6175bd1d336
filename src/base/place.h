/* SPDX-License-Identifier: MIT */
/* Where a local end of ours stands: an address and port of this machine, a Unix socket, or a socket that
 * whoever started us has opened already. */
#ifndef WGPROXY_BASE_PLACE_H
#define WGPROXY_BASE_PLACE_H

#include "base/addr.h"

#define PLACE_PATH 108 /* sun_path (unix(7)), NUL included */
#define PLACE_TEXT (PLACE_PATH + 8)

enum place_kind { PLACE_IP, PLACE_UNIX, PLACE_FD };

struct place {
    enum place_kind kind;
    struct endpoint at;    /* PLACE_IP */
    char path[PLACE_PATH]; /* PLACE_UNIX */
    int fd;                /* PLACE_FD: an inherited listening socket */
};

static inline struct place place_ip(const struct endpoint *at)
{
    return (struct place){.kind = PLACE_IP, .at = *at};
}

/* "127.0.0.1:1080", "unix:/run/proxy.sock", "fd:3". Returns out. */
const char *place_format(const struct place *p, char out[PLACE_TEXT]);

#endif
