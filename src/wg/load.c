/* SPDX-License-Identifier: MIT */
/* The imagined queue is a point in time: its length is the work that lies between now and that
 * point. */
#include "wg/load.h"

#define FULL (LOAD_QUEUE * LOAD_SERVICE_TIME)

bool load_add(struct load *l, struct now now)
{
    if (l->busy_until < now.mono) {
        l->busy_until = now.mono;
    }
    l->busy_until += LOAD_SERVICE_TIME;
    if (l->busy_until - now.mono >= FULL) {
        l->busy_until = now.mono + FULL; /* a flood leaves no debt behind */
        l->hold_until = now.mono + LOAD_HOLD;
    }
    return now.mono < l->hold_until;
}
