/* SPDX-License-Identifier: MIT */
/* The window of counters already seen under one key (RFC 6479). It knows counters, not keys. */
#ifndef WGPROXY_WG_REPLAY_H
#define WGPROXY_WG_REPLAY_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    REPLAY_BITS = 8192,
    REPLAY_WINDOW = REPLAY_BITS - 64, /* how far behind the highest a counter may come */
};

struct replay {
    uint64_t highest;
    uint64_t seen[REPLAY_BITS / 64];
};

void replay_init(struct replay *r);

/* True the first time that `counter` comes, as long as it is within the window and below
 * REJECT_AFTER_MESSAGES. To be asked only about packets that authenticated. */
bool replay_accept(struct replay *r, uint64_t counter) MUST_USE;

#endif
