/* SPDX-License-Identifier: MIT */
/* Being told of what befalls the machine. The clock is not set here: a counter stands in for its descriptor. */
#include "drive.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

static int clock_fd = -1;

int __wrap_timerfd_create(int clock, int flags);

int __wrap_timerfd_create(int clock, int flags)
{
    (void)clock, (void)flags;
    return clock_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void note(void *ctx, struct now now)
{
    assert_true(now.mono > 0);
    *(bool *)ctx = true;
}

static void a_clock_that_was_set_is_told_each_time(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct io_changes *c;
    bool told = false;
    uint64_t one = 1;
    assert_int_equal(io_changes_new(loop, note, &told, &c), 0);
    drive_idly(loop);
    assert_false(told);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write(clock_fd, &one, sizeof one), sizeof one);
        drive_until(loop, is_true, &told);
        told = false;
        drive_idly(loop);
        assert_false(told);
    }
    io_changes_free(c);
    io_loop_free(loop);
}

static void give_address(const char *text)
{
    struct ifreq r = {.ifr_name = "lo"};
    struct sockaddr_in sa = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, text, &sa.sin_addr), 1);
    memcpy(&r.ifr_addr, &sa, sizeof sa);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(ioctl(fd, SIOCSIFADDR, &r), 0);
    close(fd);
}

static void a_new_address_is_told(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        skip_because("namespaces are not allowed here");
    }
    struct io_loop *loop = loop_or_fail();
    struct io_changes *c;
    bool told = false;
    assert_int_equal(io_changes_new(loop, note, &told, &c), 0);
    drive_idly(loop);
    assert_false(told);
    give_address("127.0.0.9");
    drive_until(loop, is_true, &told);
    io_changes_free(c);
    io_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_was_set_is_told_each_time),
        cmocka_unit_test(a_new_address_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
