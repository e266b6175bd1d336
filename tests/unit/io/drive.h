/* SPDX-License-Identifier: MIT */
/* Runs a loop until something has come true, and fails the test when it does not within a bound
 * that only a broken program reaches. Also the plain sockets that stand at the other end. */
#ifndef WGPROXY_TESTS_UNIT_IO_DRIVE_H
#define WGPROXY_TESTS_UNIT_IO_DRIVE_H

#include "unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "io/io.h"
#include "io/sockaddr.h"

#define GIVE_UP_AFTER (60 * NS_PER_S)

struct drive {
    struct io_loop *loop;
    bool (*until)(void *ctx);
    void *ctx;
    uint64_t give_up;
    bool gave_up;
};

/* A plain socket in `until` does not wake the loop, so that it is asked again every millisecond. */
static inline uint64_t drive_turn(void *ctx, struct now now)
{
    struct drive *d = ctx;
    if (d->until(d->ctx)) {
        io_loop_stop(d->loop);
        return NEVER;
    }
    if (now.mono >= d->give_up) {
        d->gave_up = true;
        io_loop_stop(d->loop);
    }
    return now.mono + NS_PER_MS;
}

static inline void drive_until(struct io_loop *loop, bool (*until)(void *ctx), void *ctx)
{
    struct drive d = {
        .loop = loop,
        .until = until,
        .ctx = ctx,
        .give_up = io_now(loop).mono + GIVE_UP_AFTER,
    };
    io_loop_set_turn(loop, drive_turn, &d);
    io_loop_run(loop);
    io_loop_set_turn(loop, NULL, NULL);
    assert_false(d.gave_up);
}

static inline bool is_true(void *ctx)
{
    return *(bool *)ctx;
}

/* Some iterations in which nothing is expected to happen. */
static inline bool count_down(void *ctx)
{
    unsigned *left = ctx;
    return (*left)-- == 0;
}

static inline void drive_idly(struct io_loop *loop)
{
    unsigned iterations = 20;
    drive_until(loop, count_down, &iterations);
}

static inline struct io_loop *loop_or_fail(void)
{
    struct io_loop *loop = NULL;
    assert_int_equal(io_loop_new(&loop, NULL), 0);
    return loop;
}

static inline struct endpoint endpoint_of(const char *text)
{
    struct endpoint e = {0};
    assert_true(endpoint_parse(&e, text));
    return e;
}

/* ---- plain sockets ---- */

static inline int plain_socket(const struct endpoint *at, int type)
{
    int fd = socket(sockaddr_family(at), type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

static inline int plain_bound(const struct endpoint *at, int type)
{
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, at);
    int fd = plain_socket(at, type);
    assert_int_equal(bind(fd, &sa.sa, len), 0);
    return fd;
}

/* The system completes the connection before anybody accepts it. Non-blocking from then on. */
static inline int plain_connected(const struct endpoint *to, int type)
{
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, to);
    int fd = plain_socket(to, type);
    assert_int_equal(connect(fd, &sa.sa, len), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

#endif
