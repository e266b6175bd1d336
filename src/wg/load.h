/* SPDX-License-Identifier: MIT */
/* When are we under load (paper 5.3)? The kernel module looks at its queue of handshake messages:
 * loaded with 512 or more, and for one second after. Here a message is handled when it comes and
 * nothing queues, so the queue is imagined: each message joins it, and it is served at the rate
 * that we are willing to spend. */
#ifndef WGPROXY_WG_LOAD_H
#define WGPROXY_WG_LOAD_H

#include "base/macros.h"
#include "base/now.h"

#include <stdbool.h>
#include <stdint.h>

#define LOAD_SERVICE_TIME NS_PER_MS /* 1000 a second; four DH results each, a sixth of one core */
#define LOAD_QUEUE 512
#define LOAD_HOLD NS_PER_S

struct load {
    uint64_t busy_until; /* now.mono at which the imagined queue is empty */
    uint64_t hold_until; /* loaded until then */
};

/* A handshake message came whose mac1 is right. Are we under load with it? */
bool load_add(struct load *l, struct now now) MUST_USE;

#endif
