/* SPDX-License-Identifier: MIT */
#include "unit/io/drive.h"

#include <errno.h>
#include <sys/syscall.h>

/* ---- a system whose accept() fails as the script says ---- */

static int accept_errno;
static unsigned accept_fails, accept_calls;

int accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
    accept_calls++;
    if (accept_fails > 0) {
        accept_fails--;
        errno = accept_errno;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, sa, len, flags);
}

/* ---- a door that keeps what comes in ---- */

#define STREAMS_MAX 256

struct door {
    struct io_loop *loop;
    struct io_listener *listener;
    struct endpoint at;
    unsigned n, wanted;
    struct stream *streams[STREAMS_MAX];
    bool close_at_first;
    unsigned turns;
};

static void keep(void *ctx, struct stream *s, struct now now)
{
    struct door *d = ctx;
    assert_int_equal(now.mono, io_now(d->loop).mono);
    d->streams[d->n++] = s;
    if (d->close_at_first) {
        io_listener_close(d->listener);
        d->listener = NULL;
    }
}

static bool has_wanted(void *ctx)
{
    struct door *d = ctx;
    d->turns++;
    return d->n >= d->wanted;
}

static void open_door(struct door *d, const char *at)
{
    *d = (struct door){.loop = loop_or_fail()};
    struct endpoint e = endpoint_of(at);
    assert_int_equal(io_listen(d->loop, &e, keep, d, &d->at, &d->listener), 0);
    accept_calls = 0;
}

static void drive_door_until(struct door *d, unsigned n)
{
    d->wanted = n;
    drive_until(d->loop, has_wanted, d);
}

static void close_door(struct door *d)
{
    for (unsigned i = 0; i < d->n; i++) {
        stream_close(d->streams[i]);
    }
    if (d->listener != NULL) {
        io_listener_close(d->listener);
    }
    io_loop_free(d->loop);
}

/* ---- where it stands ---- */

static void port_zero_tells_the_port(void **state)
{
    (void)state;
    static const char *const at[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
        struct door d;
        open_door(&d, at[i]);
        struct endpoint asked = endpoint_of(at[i]);
        assert_true(addr_equal(&d.at.addr, &asked.addr));
        assert_true(d.at.port != 0);
        int fd = plain_connected(&d.at, SOCK_STREAM);
        drive_door_until(&d, 1);
        close(fd);
        close_door(&d);
    }
}

static int listen_error(struct io_loop *loop, const struct endpoint *at)
{
    struct endpoint bound;
    struct io_listener *l;
    int err = io_listen(loop, at, keep, NULL, &bound, &l);
    if (err == 0) {
        io_listener_close(l);
    }
    return err;
}

static void a_place_that_cannot_be_had_is_told(void **state)
{
    (void)state;
    struct door d;
    open_door(&d, "127.0.0.1:0");
    assert_int_equal(listen_error(d.loop, &d.at), ERR_IN_USE);
    struct endpoint elsewhere = endpoint_of("198.51.100.1:0");
    assert_int_equal(listen_error(d.loop, &elsewhere), ERR_NO_ADDRESS);
    struct endpoint none = {.port = 1080};
    assert_int_equal(listen_error(d.loop, &none), ERR_INVALID);
    close_door(&d);
}

static void a_port_in_time_wait_can_be_had_again(void **state)
{
    (void)state;
    struct door d;
    open_door(&d, "127.0.0.1:0");
    int fd = plain_connected(&d.at, SOCK_STREAM);
    drive_door_until(&d, 1);
    struct endpoint at = d.at;
    close_door(&d); /* sends the first FIN: TIME_WAIT is ours */
    close(fd);
    struct io_loop *loop = loop_or_fail();
    assert_int_equal(listen_error(loop, &at), 0);
    io_loop_free(loop);
}

static void ipv6_does_not_take_ipv4_with_it(void **state)
{
    (void)state;
    struct door d;
    open_door(&d, "[::]:0");
    struct endpoint v4 = endpoint_of("0.0.0.0:0");
    v4.port = d.at.port;
    assert_int_equal(listen_error(d.loop, &v4), 0);
    close_door(&d);
}

/* ---- accepting ---- */

static void a_crowd_is_let_in_by_bounded_steps(void **state)
{
    (void)state;
    enum { CROWD = 200 };
    struct door d;
    open_door(&d, "127.0.0.1:0");
    int fds[CROWD];
    for (int i = 0; i < CROWD; i++) {
        fds[i] = plain_connected(&d.at, SOCK_STREAM);
    }
    drive_door_until(&d, CROWD);
    assert_in_range(d.turns, 5, 10); /* the first before any, then 64 at a time */
    for (int i = 0; i < CROWD; i++) {
        struct endpoint client = sockaddr_local(fds[i]);
        assert_true(endpoint_equal(&client, &d.streams[i]->remote)); /* in their order */
        close(fds[i]);
    }
    close_door(&d);
}

static void the_handler_may_close_the_listener(void **state)
{
    (void)state;
    struct door d;
    open_door(&d, "127.0.0.1:0");
    d.close_at_first = true;
    int first = plain_connected(&d.at, SOCK_STREAM);
    int second = plain_connected(&d.at, SOCK_STREAM);
    drive_door_until(&d, 1);
    drive_idly(d.loop);
    assert_int_equal(d.n, 1);
    assert_int_equal(accept_calls, 1); /* its number may belong to somebody else already */
    close(first);
    close(second);
    close_door(&d);
}

static void a_connection_that_is_gone_already_is_skipped(void **state)
{
    (void)state;
    static const int gone[] = {ECONNABORTED, EPROTO, EPERM, EINTR};
    for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
        struct door d;
        open_door(&d, "127.0.0.1:0");
        accept_errno = gone[i];
        accept_fails = 2;
        int fd = plain_connected(&d.at, SOCK_STREAM);
        drive_door_until(&d, 1);
        assert_int_equal(accept_calls, 4); /* two failures, it, and nobody */
        close(fd);
        close_door(&d);
    }
}

/* ---- no descriptors ---- */

static void without_descriptors_it_pauses_until_one_is_freed(void **state)
{
    (void)state;
    static const int errnos[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS};
    for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
        struct door d;
        open_door(&d, "127.0.0.1:0");
        int first = plain_connected(&d.at, SOCK_STREAM);
        drive_door_until(&d, 1);
        accept_errno = errnos[i];
        accept_fails = 1;
        accept_calls = 0;
        int second = plain_connected(&d.at, SOCK_STREAM);
        drive_idly(d.loop);
        assert_int_equal(accept_calls, 1);
        assert_int_equal(d.n, 1);

        stream_close(d.streams[--d.n]);
        drive_door_until(&d, 1);
        close(first);
        close(second);
        close_door(&d);
    }
}

static void without_descriptors_it_tries_again_after_a_while(void **state)
{
    (void)state;
    struct door d;
    open_door(&d, "127.0.0.1:0");
    accept_errno = ENFILE;
    accept_fails = 1;
    int fd = plain_connected(&d.at, SOCK_STREAM);
    drive_door_until(&d, 1);
    assert_in_range(accept_calls, 2, 3);
    close(fd);
    close_door(&d);
}

static void a_paused_listener_can_be_closed(void **state)
{
    (void)state;
    struct door d;
    open_door(&d, "127.0.0.1:0");
    accept_errno = EMFILE;
    accept_fails = 1;
    int fd = plain_connected(&d.at, SOCK_STREAM);
    drive_idly(d.loop);
    assert_int_equal(accept_calls, 1);
    close(fd);
    close_door(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_zero_tells_the_port),
        cmocka_unit_test(a_place_that_cannot_be_had_is_told),
        cmocka_unit_test(a_port_in_time_wait_can_be_had_again),
        cmocka_unit_test(ipv6_does_not_take_ipv4_with_it),
        cmocka_unit_test(a_crowd_is_let_in_by_bounded_steps),
        cmocka_unit_test(the_handler_may_close_the_listener),
        cmocka_unit_test(a_connection_that_is_gone_already_is_skipped),
        cmocka_unit_test(without_descriptors_it_pauses_until_one_is_freed),
        cmocka_unit_test(without_descriptors_it_tries_again_after_a_while),
        cmocka_unit_test(a_paused_listener_can_be_closed),
    };
    return cmocka_run_group_tests_name("io/listener", tests, NULL, NULL);
}
