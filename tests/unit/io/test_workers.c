/* SPDX-License-Identifier: MIT */
#include "unit/io/drive.h"

#include "io/workers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { ITEMS = 1000, HELPERS = 3 };

/* Every item is touched without any lock: the thread sanitizer sees two threads on one. */
struct sheet {
    unsigned done[ITEMS];
    unsigned by[ITEMS];
    pthread_t threads[HELPERS + 1];
    atomic_uint seen[HELPERS + 1];
};

static void mark(void *arg, unsigned worker, size_t from, size_t to)
{
    struct sheet *s = arg;
    assert(worker <= HELPERS && from < to && to <= ITEMS);
    atomic_fetch_add(&s->seen[worker], 1);
    for (size_t i = from; i < to; i++) {
        s->done[i]++;
        s->by[i] = worker;
    }
}

static void every_item_is_done_once_and_seen_by_the_caller(void **state)
{
    (void)state;
    struct io_workers *w;
    assert_int_equal(io_workers_new(&w, HELPERS), 0);
    static const size_t sizes[] = {0, 1, 2, 7, 8, 9, 16, 17, 63, 64, 65, 999, ITEMS};
    for (unsigned round = 0; round < 300; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            struct sheet s;
            memset(&s, 0, sizeof s);
            io_workers_run(w, mark, &s, sizes[i]);
            for (size_t k = 0; k < ITEMS; k++) {
                assert_int_equal(s.done[k], k < sizes[i]);
            }
        }
    }
    io_workers_free(w);
}

/* Two who wait for each other can only come on if both run at the same time. */
struct meeting {
    pthread_barrier_t barrier;
    atomic_uint helpers;
};

static void meet(void *arg, unsigned worker, size_t from, size_t to)
{
    struct meeting *m = arg;
    (void)from;
    (void)to;
    atomic_fetch_add(&m->helpers, worker > 0);
    pthread_barrier_wait(&m->barrier);
}

static void the_caller_and_the_threads_work_at_the_same_time(void **state)
{
    (void)state;
    struct io_workers *w;
    struct meeting m;
    memset(&m, 0, sizeof m);
    pthread_barrier_init(&m.barrier, NULL, HELPERS + 1);
    assert_int_equal(io_workers_new(&w, HELPERS), 0);
    io_workers_run(w, meet, &m, (HELPERS + 1) * 8); /* a part each */
    assert_int_equal(m.helpers, HELPERS);
    io_workers_free(w);
    pthread_barrier_destroy(&m.barrier);
}

static void numbers_tell_threads_apart(void **state)
{
    (void)state;
    struct io_workers *w;
    static struct sheet s;
    assert_int_equal(io_workers_new(&w, HELPERS), 0);
    io_workers_run(w, mark, &s, 8); /* one part: the caller's, or the thread's that was quicker */
    unsigned parts = 0;
    for (unsigned i = 0; i <= HELPERS; i++) {
        parts += s.seen[i];
    }
    assert_int_equal(parts, 1);
    io_workers_free(w);
}

static void threads_that_never_worked_end_as_well(void **state)
{
    (void)state;
    struct io_workers *w;
    for (unsigned n = 0; n < 8; n++) {
        assert_int_equal(io_workers_new(&w, n), 0);
        io_workers_free(w);
    }
    io_workers_free(NULL);
}

static int threads_left = -1; /* that the system gives; -1: as many as are wanted */

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg);

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg)
{
    if (threads_left == 0) {
        return EAGAIN;
    }
    threads_left -= threads_left > 0;
    return __real_pthread_create(out, attr, start, arg);
}

static void when_the_system_gives_too_few_threads_there_are_none(void **state)
{
    (void)state;
    for (int left = 0; left < HELPERS; left++) {
        struct io_workers *w;
        threads_left = left;
        assert_int_equal(io_workers_new(&w, HELPERS), ERR_LIMIT);
        assert_null(w);
    }
    threads_left = -1;
}

static void helpers_are_usual_from_three_cores_on_and_few(void **state)
{
    (void)state;
    static const unsigned usual[] = {
        [1] = 0, [2] = 0, [3] = 1, [4] = 2, [5] = 3, [6] = 3, [64] = 3};
    for (unsigned cores = 1; cores < ARRAY_SIZE(usual); cores = cores == 6 ? 64 : cores + 1) {
        assert_int_equal(io_workers_usual(cores), usual[cores]);
    }
    assert_in_range(io_cores(), 1, 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_done_once_and_seen_by_the_caller),
        cmocka_unit_test(the_caller_and_the_threads_work_at_the_same_time),
        cmocka_unit_test(numbers_tell_threads_apart),
        cmocka_unit_test(threads_that_never_worked_end_as_well),
        cmocka_unit_test(when_the_system_gives_too_few_threads_there_are_none),
        cmocka_unit_test(helpers_are_usual_from_three_cores_on_and_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
