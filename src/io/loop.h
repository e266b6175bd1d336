/* SPDX-License-Identifier: MIT */
/* What the files of io share: the loop's inside. */
#ifndef WGPROXY_IO_LOOP_H
#define WGPROXY_IO_LOOP_H

#include "base/list.h"
#include "io/descriptors.h"
#include "io/io.h"
#include "io/udp_offload.h"

#include <uv.h>

struct resolver;
struct udp_receiver;

struct io_loop {
    uv_loop_t uv;
    uv_prepare_t prepare; /* where the turn runs */
    uv_timer_t timer;     /* stands for `deadline` while that is not NEVER */
    uint64_t deadline;
    uv_idle_t soon_idle; /* active while `soon` is not empty, so that the loop does not block */
    struct list soon;
    uv_signal_t signals[6];

    const struct log *log;
    io_turn_fn *turn;
    void *turn_ctx;
    io_signal_fn *signalled;
    void *signal_ctx;

    struct now now;
    bool running;
    bool now_is_fresh; /* `now` was read after the loop last blocked */

    struct descriptors descriptors;
    struct udp_receiver *receiver; /* made with the first UDP port */
    struct udp_offload offload;
    struct resolver *resolver; /* made with the first lookup */
};

/* The time of this iteration. Every callback of libuv that leads out of io begins with it. */
struct now loop_enter(struct io_loop *loop);

/* A call put off until the loop's next iteration, for what must not be said from inside an
 * operation. */
struct soon {
    struct list link; /* list_init'ed by whoever embeds it */
    void (*run)(struct soon *self, struct now now);
};
void loop_soon(struct io_loop *loop, struct soon *soon); /* nothing new if it waits already */
void loop_soon_cancel(struct soon *soon);

#endif
