/* SPDX-License-Identifier: MIT */
/* A service manager that is told, and none that could be. */
#include "unit/test.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/io.h"

/* A manager that listens at a name which the system chooses (autobind, unix(7)), and is in no file system. */
static int manager(char at[16])
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    socklen_t len = sizeof sun;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof sun.sun_family), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sun, &len), 0);
    size_t n = len - offsetof(struct sockaddr_un, sun_path);
    assert_in_range(n, 2, 15);
    memcpy(at, sun.sun_path, n);
    at[0] = '@';
    at[n] = '\0';
    return fd;
}

static void expect_told(int fd, const char *what)
{
    char text[64];
    ssize_t n = recv(fd, text, sizeof text, 0);
    assert_int_equal(n, strlen(what));
    assert_memory_equal(text, what, strlen(what));
}

static void expect_silence(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static void a_manager_is_told_what_we_say(void **state)
{
    (void)state;
    char at[16];
    int fd = manager(at);
    setenv("NOTIFY_SOCKET", at, 1);
    io_notify("READY=1");
    io_notify("STOPPING=1");
    expect_told(fd, "READY=1");
    expect_told(fd, "STOPPING=1");
    expect_silence(fd);
    close(fd);
}

static void a_manager_may_listen_at_a_path(void **state)
{
    (void)state;
    char folder[] = "/tmp/wgproxy-notify-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s/notify", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
    setenv("NOTIFY_SOCKET", sun.sun_path, 1);
    io_notify("READY=1");
    expect_told(fd, "READY=1");
    close(fd);

    io_notify("READY=1"); /* the manager is gone: nothing happens, and no signal */
    assert_int_equal(unlink(sun.sun_path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void without_a_manager_nobody_is_told(void **state)
{
    (void)state;
    char at[16], longer[200];
    int fd = manager(at);
    memset(longer, '/', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *const none[] = {"", "@", "/", at + 1, "vsock:2:1", longer};
    unsetenv("NOTIFY_SOCKET");
    io_notify("READY=1");
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        setenv("NOTIFY_SOCKET", none[i], 1);
        io_notify("READY=1");
    }
    expect_silence(fd);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manager_is_told_what_we_say),
        cmocka_unit_test(a_manager_may_listen_at_a_path),
        cmocka_unit_test(without_a_manager_nobody_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
