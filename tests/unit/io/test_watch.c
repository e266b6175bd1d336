/* SPDX-License-Identifier: MIT */
/* Twin of src/io/watch.c. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/io.h"
#include "unit/test.h"

static const struct log quiet = {.level = LOG_ERROR};

struct seen {
    struct io_loop *loop;
    struct io_watch *watch;
    int fd;
    unsigned errors, messages;
    bool frees;
};

static void readable(void *ctx, struct now now)
{
    (void)now;
    struct seen *s = ctx;
    char byte;
    ssize_t n = recv(s->fd, &byte, 1, MSG_DONTWAIT);
    s->errors += n < 0 && errno == ECONNREFUSED;
    s->messages += n == 1;
    if (s->frees) {
        io_watch_free(s->watch);
        s->watch = NULL;
    }
    io_loop_stop(s->loop);
}

/* A UDP socket on loopback; *at is where it stands. */
static int open_udp(struct sockaddr_in *at)
{
    socklen_t len = sizeof *at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
    return fd;
}

/* A message to where nobody is: the error comes back. */
static void meet_an_error(struct seen *s)
{
    struct sockaddr_in at, nowhere;
    int gone = open_udp(&nowhere);
    close(gone);
    s->fd = open_udp(&at);
    assert_int_equal(connect(s->fd, (struct sockaddr *)&nowhere, sizeof nowhere), 0);
    assert_int_equal(io_watch_new(s->loop, s->fd, readable, s, &s->watch), 0);
    assert_int_equal(send(s->fd, "x", 1, 0), 1);
    io_loop_run(s->loop);
    assert_int_equal(s->errors, 1);
}

static void an_error_does_not_end_the_watch(void **state)
{
    (void)state;
    struct seen s = {0};
    struct sockaddr_in mine, its;
    socklen_t len = sizeof mine;
    assert_int_equal(io_loop_new(&s.loop, &quiet), 0);
    meet_an_error(&s);
    int other = open_udp(&its);
    assert_int_equal(getsockname(s.fd, (struct sockaddr *)&mine, &len), 0);
    assert_int_equal(connect(s.fd, (struct sockaddr *)&its, sizeof its), 0);
    assert_int_equal(sendto(other, "y", 1, 0, (struct sockaddr *)&mine, sizeof mine), 1);
    io_loop_run(s.loop);
    assert_int_equal(s.messages, 1);
    io_watch_free(s.watch);
    io_loop_free(s.loop);
    close(s.fd);
    close(other);
}

static void it_may_be_freed_in_its_own_call(void **state)
{
    (void)state;
    struct seen s = {.frees = true};
    assert_int_equal(io_loop_new(&s.loop, &quiet), 0);
    meet_an_error(&s);
    io_loop_free(s.loop);
    close(s.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_does_not_end_the_watch),
        cmocka_unit_test(it_may_be_freed_in_its_own_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
