/* SPDX-License-Identifier: MIT */
/* The process's file descriptors as a budget. Listeners stop accepting a little below the
 * limit, and connections and UDP sockets of ours for others are refused there, so that what is open
 * already, the resolver and the tunnels' UDP ports never meet EMFILE;
 * whoever waits is woken when one of ours closes, and once a second in case somebody else's
 * did.
 *
 * A new descriptor always has the lowest free number. Its number therefore tells how many are
 * open, ours or not. */
#ifndef WGPROXY_IO_DESCRIPTORS_H
#define WGPROXY_IO_DESCRIPTORS_H

#include "base/list.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <uv.h>

struct descriptors {
    int ceiling;    /* the lowest number that listeners leave to others */
    bool near;      /* the ceiling was reached once: look before each accept */
    bool exhausted; /* an accept failed, and nothing has been freed since */
    unsigned open;
    rlim_t soft_limit;   /* before we raised it */
    struct list waiting; /* struct descriptors_waiter */
    uv_timer_t retry;
};

struct descriptors_waiter {
    struct list link;
    void (*resume)(struct descriptors_waiter *self);
};

/* Raises the soft limit to the hard one, and finds the ceiling below it. */
void descriptors_init(struct descriptors *d, uv_loop_t *uv);

/* Lower the soft limit to what it was: for a program that this process becomes, which may still use select(2), or close
 * every descriptor up to the limit. A signal handler may call it. */
void descriptors_give_back(const struct descriptors *d);

/* The loop watches `fd` from now on. */
void descriptors_opened(struct descriptors *d, int fd);

/* An accept failed for want of descriptors or memory. */
void descriptors_exhausted(struct descriptors *d);

/* Would the next descriptor be one of those left to others? */
bool descriptors_scarce(const struct descriptors *d);

/* Closes `fd`, and wakes the waiting if that made room. */
void descriptors_close(struct descriptors *d, int fd);

/* Call resume() once when there may be room again, and after a second in any case. */
void descriptors_wait(struct descriptors *d, struct descriptors_waiter *w);
void descriptors_cancel(struct descriptors_waiter *w); /* also when it does not wait */

#endif
