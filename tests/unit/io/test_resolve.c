/* SPDX-License-Identifier: MIT */
#include "unit/io/drive.h"

#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "io/clock.h"

/* ---- a gate before the system's resolver ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool gate_is_closed;
static unsigned waiting, entered;
static int forced; /* an EAI_ code, or 0 */
static unsigned copies = 1;
static unsigned threads_of_test; /* one, and those of a sanitizer */

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static getaddrinfo_fn *system_resolver(void)
{
    getaddrinfo_fn *fn;
    *(void **)&fn = dlsym(RTLD_NEXT, "getaddrinfo");
    return fn;
}

static void pass_gate(void)
{
    pthread_mutex_lock(&mutex);
    entered++;
    waiting++;
    pthread_cond_broadcast(&changed);
    while (gate_is_closed) {
        pthread_cond_wait(&changed, &mutex);
    }
    waiting--;
    pthread_mutex_unlock(&mutex);
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    pass_gate();
    int rc = forced;
    struct addrinfo **tail = out;
    for (unsigned i = 0; i < copies && rc == 0; i++) {
        rc = system_resolver()(host, service, hints, tail);
        while (rc == 0 && *tail != NULL) {
            tail = &(*tail)->ai_next;
        }
    }
    return rc;
}

static void close_gate(void)
{
    pthread_mutex_lock(&mutex);
    gate_is_closed = true;
    pthread_mutex_unlock(&mutex);
}

static void wait_until_waiting(unsigned n)
{
    pthread_mutex_lock(&mutex);
    while (waiting < n) {
        pthread_cond_wait(&changed, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}

static unsigned count_threads(void)
{
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *d; (d = readdir(tasks)) != NULL;) {
        n += d->d_name[0] != '.';
    }
    closedir(tasks);
    return n;
}

/* And waits until the lookups' threads have ended. */
static void open_gate(void)
{
    pthread_mutex_lock(&mutex);
    gate_is_closed = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    uint64_t give_up = clock_read().mono + GIVE_UP_AFTER;
    while (count_threads() > threads_of_test && clock_read().mono < give_up) {
        usleep(500);
    }
    assert_true(count_threads() <= threads_of_test);
}

/* ---- answers ---- */

struct answer {
    bool called;
    int err;
    size_t n;
    struct endpoint found[32];
    struct io_lookup *lookup, *cancel_too;
};

static void note_answer(void *ctx, int err, const struct endpoint *found, size_t n, struct now now)
{
    (void)now;
    struct answer *a = ctx;
    assert_false(a->called);
    a->called = true;
    a->err = err;
    a->n = n;
    for (size_t i = 0; i < n; i++) {
        a->found[i] = found[i];
    }
    if (a->cancel_too != NULL) {
        io_resolve_cancel(a->cancel_too);
    }
}

static void resolve(struct io_loop *loop, struct answer *a, const char *host, uint16_t port)
{
    *a = (struct answer){0};
    assert_int_equal(io_resolve(loop, host, port, note_answer, a, &a->lookup), 0);
    assert_false(a->called);
    drive_until(loop, is_true, &a->called);
}

static void a_numeric_host_is_itself(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct answer a;
    resolve(loop, &a, "192.0.2.7", 51820);
    struct endpoint want = endpoint_of("192.0.2.7:51820");
    assert_int_equal(a.err, 0);
    assert_int_equal(a.n, 1);
    assert_true(endpoint_equal(&a.found[0], &want));
    resolve(loop, &a, "2001:db8::7", 1);
    want = endpoint_of("[2001:db8::7]:1");
    assert_int_equal(a.n, 1);
    assert_true(endpoint_equal(&a.found[0], &want));
    io_loop_free(loop);
}

static void localhost_is_this_machine(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct answer a;
    resolve(loop, &a, "localhost", 4);
    assert_int_equal(a.err, 0);
    assert_true(a.n >= 1);
    for (size_t i = 0; i < a.n; i++) {
        assert_true(addr_is_loopback(&a.found[i].addr));
        assert_int_equal(a.found[i].port, 4);
    }
    io_loop_free(loop);
}

static void very_many_addresses_are_cut(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct answer a;
    copies = 100;
    resolve(loop, &a, "192.0.2.7", 1);
    copies = 1;
    assert_int_equal(a.n, 16);
    io_loop_free(loop);
}

static void failures_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        int answer, err;
    } table[] = {
        {EAI_NONAME, ERR_NO_NAME},  {EAI_NODATA, ERR_NO_NAME},    {EAI_AGAIN, ERR_DNS_FAILED},
        {EAI_FAIL, ERR_DNS_FAILED}, {EAI_SYSTEM, ERR_DNS_FAILED}, {EAI_MEMORY, ERR_DNS_FAILED},
    };
    struct io_loop *loop = loop_or_fail();
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct answer a;
        forced = table[i].answer;
        resolve(loop, &a, "no-such.invalid", 1);
        assert_int_equal(a.err, table[i].err);
        assert_int_equal(a.n, 0);
    }
    forced = 0;
    io_loop_free(loop);
}

static void names_of_impossible_length_are_refused(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct io_lookup *l;
    struct answer a = {0};
    char name[300];
    unsigned before = entered;
    memset(name, 'a', sizeof name);
    name[254] = '\0';
    assert_int_equal(io_resolve(loop, name, 1, note_answer, &a, &l), ERR_BAD_NAME);
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(io_resolve(loop, name, 1, note_answer, &a, &l), ERR_BAD_NAME);
    assert_int_equal(io_resolve(loop, "", 1, note_answer, &a, &l), ERR_BAD_NAME);
    assert_int_equal(entered, before);

    forced = EAI_NONAME;
    name[253] = '\0';
    resolve(loop, &a, name, 1);
    name[253] = '.';
    name[254] = '\0';
    resolve(loop, &a, name, 1);
    forced = 0;
    io_loop_free(loop);
}

/* ---- cancelling ---- */

static void a_cancelled_lookup_says_nothing(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct answer a = {0};
    close_gate();
    assert_int_equal(io_resolve(loop, "127.0.0.1", 1, note_answer, &a, &a.lookup), 0);
    wait_until_waiting(1);
    io_resolve_cancel(a.lookup);
    open_gate();

    close_gate();
    assert_int_equal(io_resolve(loop, "127.0.0.1", 1, note_answer, &a, &a.lookup), 0);
    wait_until_waiting(1);
    open_gate(); /* its answer is ready, and has not been taken */
    io_resolve_cancel(a.lookup);
    drive_idly(loop);
    assert_false(a.called);

    struct answer b;
    resolve(loop, &b, "127.0.0.1", 1); /* later ones are not disturbed */
    assert_int_equal(b.err, 0);
    io_loop_free(loop);
}

static bool either_was_called(void *ctx)
{
    struct answer *two = ctx;
    return two[0].called || two[1].called;
}

static void one_answer_may_cancel_the_other(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct answer two[2] = {0};
    close_gate();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(io_resolve(loop, "127.0.0.1", 1, note_answer, &two[i], &two[i].lookup), 0);
    }
    wait_until_waiting(2);
    open_gate();
    two[0].cancel_too = two[1].lookup;
    two[1].cancel_too = two[0].lookup;
    drive_until(loop, either_was_called, two);
    drive_idly(loop);
    assert_true(two[0].called != two[1].called);
    io_loop_free(loop);
}

enum { AT_ONCE = 16, WAITING = 1024 };

static struct answer many[AT_ONCE + WAITING + 1];

static void begin_many(struct io_loop *loop, unsigned n)
{
    memset(many, 0, sizeof many);
    for (unsigned i = 0; i < n; i++) {
        struct answer *a = &many[i];
        assert_int_equal(io_resolve(loop, "127.0.0.1", 1, note_answer, a, &a->lookup), 0);
    }
}

static unsigned count_called(void)
{
    unsigned n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
        n += many[i].called;
    }
    return n;
}

static bool are_called(void *ctx)
{
    return count_called() == *(unsigned *)ctx;
}

/* A page may name more hosts than there are threads. */
static void more_lookups_than_threads_wait_for_their_turn(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    unsigned before = entered, n = 3 * AT_ONCE, left = n - 3;
    close_gate();
    begin_many(loop, n);
    wait_until_waiting(AT_ONCE);
    assert_true(count_threads() <= threads_of_test + AT_ONCE);
    io_resolve_cancel(many[0].lookup); /* hangs on */
    io_resolve_cancel(many[AT_ONCE].lookup);
    io_resolve_cancel(many[n - 1].lookup);
    open_gate();
    drive_until(loop, are_called, &left);
    drive_idly(loop);
    assert_int_equal(count_called(), left);
    assert_int_equal(entered, before + n - 2);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(many[i].called, i != 0 && i != AT_ONCE && i != n - 1);
        assert_int_equal(many[i].err, 0);
    }
    io_loop_free(loop);
}

static void waiting_lookups_are_bounded(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct answer *last = &many[AT_ONCE + WAITING];
    close_gate();
    begin_many(loop, AT_ONCE + WAITING);
    assert_int_equal(io_resolve(loop, "127.0.0.1", 1, note_answer, last, &last->lookup), ERR_LIMIT);
    io_resolve_cancel(many[0].lookup); /* its thread still hangs */
    assert_int_equal(io_resolve(loop, "127.0.0.1", 1, note_answer, last, &last->lookup), ERR_LIMIT);
    io_resolve_cancel(many[AT_ONCE].lookup); /* waits no more */
    assert_int_equal(io_resolve(loop, "127.0.0.1", 1, note_answer, last, &last->lookup), 0);
    wait_until_waiting(AT_ONCE);
    io_loop_free(loop); /* those that wait are never looked up */
    open_gate();
    assert_int_equal(count_called(), 0);
}

static void freeing_the_loop_waits_for_no_resolver(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct answer a = {0};
    close_gate();
    assert_int_equal(io_resolve(loop, "127.0.0.1", 1, note_answer, &a, &a.lookup), 0);
    wait_until_waiting(1);
    io_loop_free(loop); /* would never return */
    open_gate();
    assert_false(a.called);
}

/* The child has a lookup that hangs for ever, and is told to end. */
static void hang_in_a_child(void)
{
    gate_is_closed = true;
    struct io_loop *loop;
    struct answer a = {0};
    if (io_loop_new(&loop, NULL) == 0 &&
        io_resolve(loop, "127.0.0.1", 1, note_answer, &a, &a.lookup) == 0) {
        wait_until_waiting(1);
        io_loop_free(loop);
        exit(0);
    }
    _exit(1);
}

static void the_process_can_exit_while_a_lookup_hangs(void **state)
{
    (void)state;
    fflush(NULL);
    uint64_t start = clock_read().mono;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(100);
        hang_in_a_child();
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(clock_read().mono - start < 90 * NS_PER_S);
}

static void *end_at_once(void *arg)
{
    return arg;
}

/* The first thread of a program may bring one of a sanitizer's with it, which stays. */
static void count_own_threads(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, end_at_once, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    threads_of_test = count_threads();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_process_can_exit_while_a_lookup_hangs), /* forks: before there are threads */
        cmocka_unit_test(count_own_threads),
        cmocka_unit_test(a_numeric_host_is_itself),
        cmocka_unit_test(localhost_is_this_machine),
        cmocka_unit_test(very_many_addresses_are_cut),
        cmocka_unit_test(failures_are_told_apart),
        cmocka_unit_test(names_of_impossible_length_are_refused),
        cmocka_unit_test(a_cancelled_lookup_says_nothing),
        cmocka_unit_test(one_answer_may_cancel_the_other),
        cmocka_unit_test(more_lookups_than_threads_wait_for_their_turn),
        cmocka_unit_test(waiting_lookups_are_bounded),
        cmocka_unit_test(freeing_the_loop_waits_for_no_resolver),
    };
    return cmocka_run_group_tests_name("io/resolve", tests, NULL, NULL);
}
