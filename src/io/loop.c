/* SPDX-License-Identifier: MIT */
/* The loop around the turn. Theory of operation:
 *
 * libuv runs timers, then the idle hook, then the prepare hook, then blocks in epoll until a
 * descriptor is ready or the earliest timer is due, and computes that wait after the prepare
 * hook. So the prepare hook is the one place where all events of an iteration have been handled
 * and nothing has been waited for yet: the turn runs there, once, and the deadline that it
 * returns becomes the one timer. The timer's callback does nothing; that the loop woke is
 * enough.
 *
 * The clocks are read when the first callback after blocking asks for them, and not again
 * before the next wait. */
#include "io/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "base/err.h"
#include "io/clock.h"
#include "io/oserr.h"
#include "io/resolve.h"
#include "io/udp_port.h"

struct now loop_enter(struct io_loop *loop)
{
    if (!loop->now_is_fresh) {
        loop->now = clock_read();
        loop->now_is_fresh = true;
    }
    return loop->now;
}

struct now io_now(const struct io_loop *loop)
{
    return loop->running ? loop->now : clock_read();
}

/* ---- the turn and its deadline ---- */

static void on_timer(uv_timer_t *timer)
{
    struct io_loop *loop = timer->data;
    loop->deadline = NEVER; /* the turn, which follows, says when next */
}

/* libuv counts whole milliseconds of CLOCK_MONOTONIC, rounded down. Rounding the deadline up on
 * that same clock never wakes the loop too early; at least one millisecond keeps a deadline in
 * the past from spinning. */
static uint64_t timer_delay(struct io_loop *loop, uint64_t deadline)
{
    uint64_t mono = clock_read().mono; /* the turn itself took time */
    uint64_t wait = deadline > mono ? deadline - mono : 0;
    wait = wait < INT64_MAX ? wait : INT64_MAX;
    uint64_t due_ms = (uv_hrtime() + wait + NS_PER_MS - 1) / NS_PER_MS;
    uv_update_time(&loop->uv);
    uint64_t now_ms = uv_now(&loop->uv);
    return due_ms > now_ms ? due_ms - now_ms : 1;
}

static void set_deadline(struct io_loop *loop, uint64_t deadline)
{
    if (deadline == loop->deadline) {
        return;
    }
    loop->deadline = deadline;
    if (deadline == NEVER) {
        uv_timer_stop(&loop->timer);
    } else {
        uv_timer_start(&loop->timer, on_timer, timer_delay(loop, deadline), 0);
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct io_loop *loop = prepare->data;
    uint64_t deadline = NEVER;
    if (loop->turn != NULL) {
        deadline = loop->turn(loop->turn_ctx, loop_enter(loop));
    }
    set_deadline(loop, deadline);
    loop->now_is_fresh = false;
}

void io_loop_set_turn(struct io_loop *loop, io_turn_fn *turn, void *ctx)
{
    loop->turn = turn;
    loop->turn_ctx = ctx;
}

/* ---- calls put off ---- */

static void on_soon(uv_idle_t *idle)
{
    struct io_loop *loop = idle->data;
    struct now now = loop_enter(loop);
    struct list due;
    list_take(&due, &loop->soon);
    uv_idle_stop(idle); /* what is put off from here on starts it again */
    for (struct list *l; (l = list_pop_front(&due)) != NULL;) {
        struct soon *soon = list_item(l, struct soon, link);
        soon->run(soon, now);
    }
}

void loop_soon(struct io_loop *loop, struct soon *soon)
{
    if (!list_linked(&soon->link)) {
        list_push_back(&loop->soon, &soon->link);
        uv_idle_start(&loop->soon_idle, on_soon);
    }
}

void loop_soon_cancel(struct soon *soon)
{
    list_remove(&soon->link);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *signal, int signum)
{
    struct io_loop *loop = signal->data;
    loop->signalled(loop->signal_ctx, signum, loop_enter(loop));
}

/* nohup(1) has said so, or a shell of what it starts in the background: signal(7) keeps it over exec. */
static bool stays_ignored(int signum)
{
    struct sigaction now;
    return (signum == SIGHUP || signum == SIGQUIT) && sigaction(signum, NULL, &now) == 0 &&
           now.sa_handler == SIG_IGN;
}

int io_loop_on_signal(struct io_loop *loop, bool all, io_signal_fn *fn, void *ctx)
{
    static const int signums[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    static_assert(ARRAY_SIZE(signums) == ARRAY_SIZE(loop->signals), "one handle each");
    loop->signalled = fn;
    loop->signal_ctx = ctx;
    for (size_t i = 0; i < (all ? ARRAY_SIZE(signums) : 4); i++) {
        int rc = stays_ignored(signums[i])
                     ? 0
                     : uv_signal_start(&loop->signals[i], on_signal, signums[i]);
        if (rc != 0) {
            return oserr(rc);
        }
    }
    return 0;
}

/* ---- life ---- */

static int init_handles(struct io_loop *loop)
{
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_timer_init(&loop->uv, &loop->timer);
    uv_idle_init(&loop->uv, &loop->soon_idle);
    loop->prepare.data = loop;
    loop->timer.data = loop;
    loop->soon_idle.data = loop;
    descriptors_init(&loop->descriptors, &loop->uv);
    for (size_t i = 0; i < ARRAY_SIZE(loop->signals); i++) {
        int rc = uv_signal_init(&loop->uv, &loop->signals[i]);
        if (rc != 0) {
            return oserr(rc);
        }
        loop->signals[i].data = loop;
    }
    uv_prepare_start(&loop->prepare, on_prepare);
    return 0;
}

int io_loop_new(struct io_loop **out, const struct log *log)
{
    struct io_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return ERR_NOMEM;
    }
    loop->log = log;
    loop->deadline = NEVER;
    list_init(&loop->soon);
    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return ERR_IO;
    }
    if (init_handles(loop) != 0) {
        io_loop_free(loop);
        return ERR_IO;
    }
    /* A client that went away is an error of writev(), never the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    *out = loop;
    return 0;
}

void io_loop_run(struct io_loop *loop)
{
    loop->now_is_fresh = false;
    loop_enter(loop);
    loop->running = true;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->running = false;
}

void io_loop_stop(struct io_loop *loop)
{
    uv_stop(&loop->uv);
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void io_loop_free(struct io_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    assert(loop->descriptors.open == 0); /* a port, stream or listener was forgotten */
    loop->turn = NULL;
    resolve_threads_free(loop->resolver);
    uv_walk(&loop->uv, close_handle, NULL);
    while (uv_loop_close(&loop->uv) != 0) {
        uv_run(&loop->uv, UV_RUN_DEFAULT); /* the callbacks of closed handles free them */
    }
    udp_receiver_free(loop->receiver);
    free(loop);
}
