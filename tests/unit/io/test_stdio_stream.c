/* SPDX-License-Identifier: MIT */
/* Twin of src/io/stdio_stream.c: pipes and files in the place of this program's own standard streams. */
#include "unit/io/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int empty_file(void)
{
    char path[] = "/tmp/wgproxy-test-stdio-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static int file_of(const char *text)
{
    int fd = empty_file();
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* The stream has names of its own for `in` and `out`, which are closed here. */
static struct stream *stream_of(struct io_loop *loop, int in, int out)
{
    struct stream *s;
    fflush(stdout);
    int in_before = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    int out_before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_int_equal(dup2(in, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
    int err = io_stdio(loop, &s);
    dup2(in_before, STDIN_FILENO);
    dup2(out_before, STDOUT_FILENO);
    close(in_before);
    close(out_before);
    close(in);
    close(out);
    assert_int_equal(err, 0);
    return s;
}

/* ---- an owner ---- */

struct owner {
    struct stream *stream;
    unsigned wanted;
    char heard[64];
    size_t n_heard;
    bool ended, gone;
    bool leaves; /* at the end of what it reads */
};

static void ready(void *ctx, unsigned events, struct now now)
{
    (void)now;
    struct owner *o = ctx;
    assert_false(o->gone);
    assert_int_equal(events & ~o->wanted, 0);
    if (events & STREAM_READABLE) {
        ssize_t n = stream_read(o->stream, o->heard + o->n_heard, 1);
        assert_true(n >= 0);
        o->n_heard += (size_t)n;
        o->ended = n == 0;
    }
    if (o->ended && o->leaves) {
        o->gone = true;
        stream_close(o->stream);
    } else if (o->ended) {
        o->wanted = 0;
        stream_want(o->stream, 0);
    }
}

static const struct stream_handler handler = {.ready = ready};

static void own(struct owner *o, struct stream *s, unsigned wanted)
{
    o->stream = s;
    o->wanted = wanted;
    s->handler = &handler;
    s->ctx = o;
    stream_want(s, wanted);
}

static void say(struct stream *s, const char *text)
{
    struct iovec iov = {(char *)(uintptr_t)text, strlen(text)};
    assert_int_equal(stream_writev(s, &iov, 1), (ssize_t)strlen(text));
}

static bool has_ended(void *ctx)
{
    return ((struct owner *)ctx)->ended;
}

static void file_has(int fd, const char *text)
{
    char found[64];
    ssize_t n = pread(fd, found, sizeof found, 0);
    assert_int_equal(n, (ssize_t)strlen(text));
    assert_memory_equal(found, text, strlen(text));
}

/* ---- tests ---- */

static void files_are_read_and_written(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    int out = empty_file(), kept = fcntl(out, F_DUPFD_CLOEXEC, 3);
    struct owner o = {0};
    own(&o, stream_of(loop, file_of("question"), out), STREAM_READABLE);
    drive_until(loop, has_ended, &o);
    assert_int_equal(o.n_heard, 8);
    assert_memory_equal(o.heard, "question", 8);
    say(o.stream, "answer");
    file_has(kept, "answer");
    stream_close(o.stream);
    io_loop_free(loop);
    close(kept);
}

/* Neither of them is libuv's, which would keep the memory until its next iteration. */
static void the_owner_of_two_files_may_leave_inside_ready(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct owner o = {.leaves = true};
    own(&o, stream_of(loop, file_of("x"), empty_file()), STREAM_READABLE);
    drive_until(loop, has_ended, &o);
    assert_true(o.gone);
    drive_idly(loop);
    io_loop_free(loop);
}

/* The far side has said everything, and is still told more than a turn's worth. */
static void the_end_of_output_does_not_end_input(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    int ends[2];
    struct owner o = {0};
    char byte;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    own(&o, stream_of(loop, file_of("the rest of it"), ends[1]), 0);
    say(o.stream, "!");
    stream_shutdown(o.stream);
    drive_idly(loop);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    own(&o, o.stream, STREAM_READABLE);
    drive_until(loop, has_ended, &o);
    assert_int_equal(o.n_heard, 14);
    stream_shutdown(o.stream); /* once more is harmless */
    stream_close(o.stream);
    close(ends[0]);
    io_loop_free(loop);
}

static void pipes_tell_when_something_comes(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    int in[2], out[2];
    char heard[8];
    struct owner o = {0};
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    own(&o, stream_of(loop, in[0], out[1]), STREAM_READABLE);
    drive_idly(loop);
    assert_int_equal(o.n_heard, 0);
    assert_int_equal(write(in[1], "ab", 2), 2);
    close(in[1]);
    drive_until(loop, has_ended, &o);
    assert_int_equal(o.n_heard, 2);
    say(o.stream, "cd");
    stream_close(o.stream);
    assert_int_equal(read(out[0], heard, sizeof heard), 2);
    assert_int_equal(read(out[0], heard, sizeof heard), 0);
    close(out[0]);
    io_loop_free(loop);
}

/* Whoever shares them with us must not meet a non-blocking one. */
static void what_is_shared_blocks_as_before(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    int shared = fcntl(in[0], F_DUPFD_CLOEXEC, 3);
    struct stream *s = stream_of(loop, in[0], out[1]);
    assert_int_equal(fcntl(shared, F_GETFL) & O_NONBLOCK, 0);
    stream_close(s);
    assert_int_equal(fcntl(shared, F_GETFL) & O_NONBLOCK, 0);
    close(shared);
    close(in[1]);
    close(out[0]);
    io_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_and_written),
        cmocka_unit_test(the_owner_of_two_files_may_leave_inside_ready),
        cmocka_unit_test(the_end_of_output_does_not_end_input),
        cmocka_unit_test(pipes_tell_when_something_comes),
        cmocka_unit_test(what_is_shared_blocks_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
