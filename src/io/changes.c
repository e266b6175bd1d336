/* SPDX-License-Identifier: MIT */
/* What befalls the machine: it slept, its clock was set, or it has a new address. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "io/io.h"

#define FAR_OFF (INT64_C(1) << 40) /* seconds: a time that never comes */
#define NEWS_MAX 8192              /* bytes of one message from the kernel */

struct io_changes {
    int clock, network; /* -1: the machine does not tell */
    struct io_watch *watches[2];
    io_changed_fn *changed;
    void *ctx;
};

/* Timers of CLOCK_MONOTONIC, libuv's among them, do not count time asleep; and none is told when the clock is set, unless
 * it asks for that: this one is cancelled then, and that is all it is for. */
static void arm(int fd)
{
    struct itimerspec at = {.it_value = {.tv_sec = FAR_OFF}};
    timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static void on_clock(void *ctx, struct now now)
{
    struct io_changes *c = ctx;
    uint64_t ignored;
    if (read(c->clock, &ignored, sizeof ignored) < 0 && errno == EAGAIN) {
        return;
    }
    arm(c->clock);
    c->changed(c->ctx, now);
}

static bool has_new_address(const struct nlmsghdr *m, size_t len)
{
    for (; NLMSG_OK(m, len); m = NLMSG_NEXT(m, len)) {
        if (m->nlmsg_type == RTM_NEWADDR) {
            return true;
        }
    }
    return false;
}

static void on_network(void *ctx, struct now now)
{
    struct io_changes *c = ctx;
    _Alignas(struct nlmsghdr) uint8_t news[NEWS_MAX];
    bool has = false;
    ssize_t n;
    while ((n = recv(c->network, news, sizeof news, MSG_DONTWAIT)) > 0 ||
           (n < 0 && errno == ENOBUFS)) {
        has |= n < 0 || has_new_address((const struct nlmsghdr *)(const void *)news, (size_t)n);
    }
    if (has) {
        c->changed(c->ctx, now);
    }
}

static int open_clock(void)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd >= 0) {
        arm(fd);
    }
    return fd;
}

static int open_network(void)
{
    struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                 .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&groups, sizeof groups) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int io_changes_new(struct io_loop *loop, io_changed_fn *changed, void *ctx, struct io_changes **out)
{
    struct io_changes *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return ERR_NOMEM;
    }
    *c = (struct io_changes){
        .clock = open_clock(), .network = open_network(), .changed = changed, .ctx = ctx};
    int err = c->clock >= 0 ? io_watch_new(loop, c->clock, on_clock, c, &c->watches[0]) : 0;
    if (err == 0 && c->network >= 0) {
        err = io_watch_new(loop, c->network, on_network, c, &c->watches[1]);
    }
    if (err != 0) {
        io_changes_free(c);
        return err;
    }
    *out = c;
    return 0;
}

void io_changes_free(struct io_changes *c)
{
    if (c == NULL) {
        return;
    }
    io_watch_free(c->watches[0]);
    io_watch_free(c->watches[1]);
    if (c->clock >= 0) {
        close(c->clock);
    }
    if (c->network >= 0) {
        close(c->network);
    }
    free(c);
}
