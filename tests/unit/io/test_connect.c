/* SPDX-License-Identifier: MIT */
#include "unit/io/pair.h"

struct attempt {
    struct stream *stream;
    bool called;
    ssize_t written;
};

static void write_first(void *ctx, unsigned events, struct now now)
{
    (void)now;
    struct attempt *a = ctx;
    assert_int_equal(events, STREAM_WRITABLE);
    char hello[] = "hello";
    struct iovec iov = {hello, 5};
    a->written = stream_writev(a->stream, &iov, 1);
    a->called = true;
    stream_want(a->stream, 0);
}

static const struct stream_handler writing = {.ready = write_first};

static void attempt_to(struct io_loop *loop, struct attempt *a, const struct endpoint *to)
{
    *a = (struct attempt){0};
    assert_int_equal(io_connect(loop, to, &a->stream), 0);
    assert_true(endpoint_equal(&a->stream->remote, to));
    a->stream->handler = &writing;
    a->stream->ctx = a;
    stream_want(a->stream, STREAM_WRITABLE);
    drive_until(loop, is_true, &a->called);
}

static void a_connection_becomes_writable_and_arrives(void **state)
{
    (void)state;
    static const char *const at[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
        struct pair p;
        pair_open(&p, at[i]);
        struct stream *first = p.stream;
        p.stream = NULL;
        struct attempt a;
        attempt_to(p.loop, &a, &p.at);
        assert_int_equal(a.written, 5);
        drive_until(p.loop, pair_is_accepted, &p);
        char got[16];
        assert_int_equal(stream_read(p.stream, got, sizeof got), 5);
        assert_true(endpoint_equal(&p.stream->remote, &a.stream->local));
        stream_close(a.stream);
        stream_close(first);
        pair_close(&p);
    }
}

static void the_first_write_tells_of_a_refusal(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct endpoint at = endpoint_of("127.0.0.1:0");
    int bound = plain_bound(&at, SOCK_STREAM); /* has the port, and does not listen */
    struct endpoint to = sockaddr_local(bound);
    struct attempt a;
    attempt_to(loop, &a, &to);
    assert_int_equal(a.written, ERR_REFUSED);
    stream_close(a.stream);
    close(bound);
    io_loop_free(loop);
}

static void no_address_and_no_way_are_told_at_once(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct stream *s;
    struct endpoint none = {.port = 80};
    assert_int_equal(io_connect(loop, &none, &s), ERR_INVALID);
    struct endpoint broadcast = endpoint_of("255.255.255.255:80");
    assert_true(io_connect(loop, &broadcast, &s) < 0);
    io_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_becomes_writable_and_arrives),
        cmocka_unit_test(the_first_write_tells_of_a_refusal),
        cmocka_unit_test(no_address_and_no_way_are_told_at_once),
    };
    return cmocka_run_group_tests_name("io/connect", tests, NULL, NULL);
}
