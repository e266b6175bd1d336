/* SPDX-License-Identifier: MIT */
/* Memory that ends at any moment: the linker leads every malloc and calloc of ours to the
 * wrappers below, which let the k-th call fail, or all of them. */
#include "unit/io/port.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static unsigned countdown; /* 0: nothing fails */
static bool all_fail;

static bool fails(void)
{
    return all_fail || (countdown > 0 && --countdown == 0);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

/* ---- making things ---- */

struct things {
    struct io_loop *loop;
    struct dgram *dgram;
    struct io_listener *listener;
    struct stream *stream;
    struct io_lookup *lookup;
};

static void ignore_accepted(void *ctx, struct stream *s, struct now now)
{
    (void)ctx;
    (void)now;
    stream_close(s);
}

static void ignore_resolved(void *ctx, int err, const struct endpoint *found, size_t n,
                            struct now now)
{
    (void)ctx;
    (void)err;
    (void)found;
    (void)n;
    (void)now;
}

static int make(struct things *t)
{
    struct endpoint any = endpoint_of("127.0.0.1:0"), at;
    *t = (struct things){0};
    int err = io_loop_new(&t->loop, NULL);
    if (err == 0) {
        err = io_udp_open(t->loop, 0, &port_handler, NULL, &t->dgram);
    }
    if (err == 0) {
        err = io_listen(t->loop, &any, ignore_accepted, NULL, &at, &t->listener);
    }
    if (err == 0) {
        err = io_connect(t->loop, &at, &t->stream);
    }
    if (err == 0) {
        err = io_resolve(t->loop, "127.0.0.1", 1, ignore_resolved, NULL, &t->lookup);
    }
    return err;
}

static void unmake(struct things *t)
{
    if (t->lookup != NULL) {
        io_resolve_cancel(t->lookup);
    }
    if (t->stream != NULL) {
        stream_close(t->stream);
    }
    if (t->listener != NULL) {
        io_listener_close(t->listener);
    }
    if (t->dgram != NULL) {
        t->dgram->ops->close(t->dgram);
    }
    io_loop_free(t->loop);
}

static int open_fds(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static void each_failed_allocation_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    struct things t;
    int before = open_fds(), err;
    unsigned k = 0;
    do {
        countdown = ++k;
        err = make(&t);
        assert_true(err == 0 || err == ERR_NOMEM);
        assert_true((err == 0) == (countdown > 0));
        countdown = 0;
        unmake(&t);
        assert_int_equal(open_fds(), before);
    } while (err != 0);
    assert_in_range(k, 8, 30); /* as many as make() allocates, and one */
}

/* ---- receiving and accepting without memory ---- */

static bool dropped_wanted(void *ctx)
{
    struct port *p = ctx;
    return counters_of(p->dgram).receive_dropped == p->wanted;
}

static void datagrams_are_lost_without_memory_and_the_next_arrive(void **state)
{
    (void)state;
    static const size_t sizes[] = {100, 9000};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct port *p = port_open();
        struct endpoint at = port_at(p, "127.0.0.1");
        int fd = plain_connected(&at, SOCK_DGRAM);
        uint8_t data[9000] = {0};
        p->keeping =
            sizes[i] > 2048; /* all buffers of a call are in use, so that large ones lack theirs */
        for (unsigned k = 0; p->keeping && k < 8; k++) {
            assert_int_equal(send(fd, data, sizes[i], 0), (ssize_t)sizes[i]);
            port_drive_until(p, k + 1);
        }
        p->keeping = false;
        for (int k = 0; k < 3; k++) {
            assert_int_equal(send(fd, data, sizes[i], 0), (ssize_t)sizes[i]);
        }
        p->wanted = 3;
        all_fail = true;
        drive_until(p->loop, dropped_wanted, p);
        all_fail = false;
        port_release_kept(p);
        p->n = 0;
        assert_int_equal(send(fd, data, sizes[i], 0), (ssize_t)sizes[i]);
        port_drive_until(p, 1);
        assert_int_equal(p->got[0].len, sizes[i]);
        close(fd);
        port_close(p);
    }
}

static void note_accepted(void *ctx, struct stream *s, struct now now)
{
    (void)now;
    *(bool *)ctx = true;
    stream_close(s);
}

static void a_connection_without_memory_is_refused_and_the_next_comes_in(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct endpoint any = endpoint_of("127.0.0.1:0"), at;
    struct io_listener *l;
    bool accepted = false;
    assert_int_equal(io_listen(loop, &any, note_accepted, &accepted, &at, &l), 0);
    int first = plain_connected(&at, SOCK_STREAM);
    countdown = 1;
    drive_idly(loop);
    assert_int_equal(countdown, 0);
    assert_false(accepted);
    char got;
    assert_int_equal(recv(first, &got, 1, 0), 0);

    int second = plain_connected(&at, SOCK_STREAM);
    drive_until(loop, is_true, &accepted);
    close(first);
    close(second);
    io_listener_close(l);
    io_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failed_allocation_is_told_and_leaves_nothing),
        cmocka_unit_test(datagrams_are_lost_without_memory_and_the_next_arrive),
        cmocka_unit_test(a_connection_without_memory_is_refused_and_the_next_comes_in),
    };
    return cmocka_run_group_tests_name("io/memory", tests, NULL, NULL);
}
