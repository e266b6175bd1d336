/* SPDX-License-Identifier: MIT */
#include "unit/io/port.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>

/* ---- a system that lacks things ---- */

static int absent_family; /* AF_INET or AF_INET6: socket() refuses it */
static int bind_errno;    /* what bind() in `bind_family` answers, */
static int bind_family;
static unsigned bind_fails; /* that often */

int socket(int family, int type, int protocol)
{
    if (family == absent_family) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return (int)syscall(SYS_socket, family, type, protocol);
}

int bind(int fd, const struct sockaddr *sa, socklen_t len)
{
    if (sa->sa_family == bind_family && bind_fails > 0) {
        bind_fails--;
        errno = bind_errno;
        return -1;
    }
    return (int)syscall(SYS_bind, fd, sa, len);
}

static int asked_receive, asked_send;
static int bytes_granted; /* of what is asked for; 0: as the system will */

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
    if (level == SOL_SOCKET && option == SO_RCVBUF) {
        memcpy(&asked_receive, value, sizeof asked_receive);
    }
    if (level == SOL_SOCKET && option == SO_SNDBUF) {
        memcpy(&asked_send, value, sizeof asked_send);
    }
    if (level == SOL_SOCKET && (option == SO_RCVBUF || option == SO_SNDBUF) && bytes_granted != 0) {
        return (int)syscall(SYS_setsockopt, fd, level, option, &bytes_granted, len);
    }
    if (level == SOL_SOCKET && (option == SO_RCVBUFFORCE || option == SO_SNDBUFFORCE)) {
        errno = EPERM; /* an ordinary user */
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, option, value, len);
}

static int open_fds(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

/* ---- tests ---- */

static void a_taken_port_is_in_use_in_either_family(void **state)
{
    (void)state;
    static const char *const taken[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
        struct io_loop *loop = loop_or_fail();
        struct endpoint e = endpoint_of(taken[i]);
        int fd = plain_bound(&e, SOCK_DGRAM);
        int before = open_fds();
        struct dgram *d;
        int err = io_udp_open(loop, sockaddr_local(fd).port, &port_handler, NULL, &d);
        assert_int_equal(err, ERR_IN_USE);
        assert_int_equal(open_fds(), before);
        close(fd);
        io_loop_free(loop);
    }
}

static void a_free_port_is_sought_that_both_families_have(void **state)
{
    (void)state;
    bind_family = AF_INET6;
    bind_errno = EADDRINUSE;
    bind_fails = 3;
    struct port *p = port_open();
    assert_int_equal(bind_fails, 0);
    struct endpoint at = port_at(p, "::1");
    int fd = plain_connected(&at, SOCK_DGRAM);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    port_drive_until(p, 1);
    close(fd);
    port_close(p);
}

static void a_forbidden_port_is_told(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct dgram *d;
    bind_family = AF_INET;
    bind_errno = EACCES;
    bind_fails = 1;
    assert_int_equal(io_udp_open(loop, 53, &port_handler, NULL, &d), ERR_PERM);
    io_loop_free(loop);
}

static void one_family_is_enough(void **state)
{
    (void)state;
    static const struct {
        int absent;
        const char *there, *not_there;
    } table[] = {{AF_INET6, "127.0.0.1", "::1"}, {AF_INET, "::1", "127.0.0.1"}};
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        absent_family = table[i].absent;
        struct port *p = port_open();
        absent_family = 0;
        struct endpoint at = port_at(p, table[i].there);
        port_send_text(p, "to myself", &at, 0);
        port_drive_until(p, 1);

        at = port_at(p, table[i].not_there);
        port_send_text(p, "into the void", &at, 0);
        drive_until(p->loop, port_was_told_of_failure, p);
        assert_int_equal(p->last_err, ERR_UNREACHABLE);
        assert_true(endpoint_equal(&p->last_to, &at));
        port_close(p);
    }
}

static void an_address_family_switched_off_is_absent(void **state)
{
    (void)state;
    bind_family = AF_INET6;
    bind_errno = EADDRNOTAVAIL;
    bind_fails = 1;
    struct port *p = port_open();
    struct endpoint at = port_at(p, "127.0.0.1");
    port_send_text(p, "to myself", &at, 0);
    port_drive_until(p, 1);
    port_close(p);
}

static void without_any_family_there_is_no_port(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct dgram *d;
    absent_family = AF_INET6;
    bind_family = AF_INET;
    bind_errno = EADDRNOTAVAIL;
    bind_fails = 1;
    assert_int_equal(io_udp_open(loop, 0, &port_handler, NULL, &d), ERR_IO);
    absent_family = 0;
    io_loop_free(loop);
}

static void large_buffers_are_asked_for(void **state)
{
    (void)state;
    asked_receive = asked_send = 0;
    struct port *p = port_open();
    assert_true(asked_receive >= 4 << 20);
    assert_true(asked_send >= 4 << 20);
    port_close(p);
}

static unsigned lines;
static char line_said[LOG_LINE_MAX];

static void note_line(void *ctx, enum log_level level, const char *line)
{
    (void)ctx;
    assert_int_equal(level, LOG_INFO);
    lines++;
    snprintf(line_said, sizeof line_said, "%s", line);
}

static void small_buffers_are_told_once_with_what_lifts_them(void **state)
{
    (void)state;
    static const struct log log = {.level = LOG_INFO, .write = note_line};
    struct io_loop *loop;
    struct dgram *ports[2];
    bytes_granted = 212992;
    assert_int_equal(io_loop_new(&loop, &log), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(io_udp_open(loop, 0, &port_handler, NULL, &ports[i]), 0);
    }
    bytes_granted = 0;
    assert_int_equal(lines, 1);
    assert_string_equal(
        line_said,
        "the UDP socket's buffers are 208 KiB to receive and 208 KiB to send, not 4096: bursts of "
        "a fast link may be lost -> sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304 "
        "lifts that");
    for (int i = 0; i < 2; i++) {
        ports[i]->ops->close(ports[i]);
    }
    io_loop_free(loop);
}

static void what_the_system_drops_is_counted(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    bytes_granted = 16384;
    struct port *p = port_open();
    bytes_granted = 0;
    unsigned sent = 0;
    for (int h = 0; h < 2; h++) {
        struct endpoint at = port_at(p, hosts[h]);
        int fd = plain_connected(&at, SOCK_DGRAM);
        uint8_t data[1400] = {0};
        for (int i = 0; i < 100; i++) {
            sent += send(fd, data, sizeof data, 0) == (ssize_t)sizeof data;
        }
        close(fd);
    }
    assert_int_equal(sent, 200);
    uint64_t dropped = counters_of(p->dgram).receive_dropped;
    assert_in_range(dropped, 2, 198);
    port_drive_until(p, 200 - (unsigned)dropped);
    drive_idly(p->loop);
    assert_int_equal(p->n, 200 - dropped);
    assert_int_equal(counters_of(p->dgram).receive_dropped, dropped);
    port_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_taken_port_is_in_use_in_either_family),
        cmocka_unit_test(a_free_port_is_sought_that_both_families_have),
        cmocka_unit_test(a_forbidden_port_is_told),
        cmocka_unit_test(one_family_is_enough),
        cmocka_unit_test(an_address_family_switched_off_is_absent),
        cmocka_unit_test(without_any_family_there_is_no_port),
        cmocka_unit_test(large_buffers_are_asked_for),
        cmocka_unit_test(small_buffers_are_told_once_with_what_lifts_them),
        cmocka_unit_test(what_the_system_drops_is_counted),
    };
    return cmocka_run_group_tests_name("io/udp_sockets", tests, NULL, NULL);
}
