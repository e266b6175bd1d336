/* SPDX-License-Identifier: MIT */
/* The operating system's randomness as a struct rng. */
#include "io/io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A program without randomness must not go on: it would send predictable keys. */
static void fill(void *ctx, void *out, size_t len)
{
    (void)ctx;
    uint8_t *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno != EINTR) {
            fprintf(stderr, "wgproxy: getrandom: %s\n", strerror(errno));
            abort();
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}

struct rng io_rng(void)
{
    return (struct rng){.fill = fill};
}
