/* SPDX-License-Identifier: MIT */
/* A server of ours under a limit of 24 descriptors, in a process of its own, and more clients
 * than that. */
#include "unit/io/drive.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "io/clock.h"
#include "io/descriptors.h"

#define LIMIT 24
#define CLIENTS 60

/* ---- the server: echoes, and closes at end of file ---- */

struct server {
    struct io_loop *loop;
    struct io_listener *listener;
    struct list connections; /* the oldest first */
};

struct connection {
    struct list link;
    struct stream *stream;
    bool rests; /* it was served */
};

static void connection_close(struct connection *c)
{
    stream_close(c->stream);
    list_remove(&c->link);
    free(c);
}

static void connection_ready(void *ctx, unsigned events, struct now now)
{
    (void)events;
    (void)now;
    struct connection *c = ctx;
    char buf[64];
    ssize_t n = stream_read(c->stream, buf, sizeof buf);
    if (n > 0) {
        struct iovec iov = {buf, (size_t)n};
        n = stream_writev(c->stream, &iov, 1);
        c->rests = true;
    }
    if (n <= 0 && n != ERR_AGAIN) {
        connection_close(c);
    }
}

static void server_accepted(void *ctx, struct stream *s, struct now now)
{
    (void)now;
    static const struct stream_handler handler = {.ready = connection_ready};
    struct server *server = ctx;
    struct connection *c = calloc(1, sizeof *c);
    c->stream = s;
    list_push_back(&server->connections, &c->link);
    s->handler = &handler;
    s->ctx = c;
    stream_want(s, STREAM_READABLE);
}

static bool give_way(void *ctx, struct now now)
{
    (void)now;
    struct server *server = ctx;
    list_foreach(l, &server->connections) {
        struct connection *c = list_item(l, struct connection, link);
        if (c->rests) {
            connection_close(c);
            return true;
        }
    }
    return false;
}

static void server_signalled(void *ctx, int signum, struct now now)
{
    (void)signum;
    (void)now;
    io_loop_stop(((struct server *)ctx)->loop);
}

static void set_limit(rlim_t soft, rlim_t hard)
{
    struct rlimit limit = {soft, hard};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Never returns; tells where it listens through `tell`. */
static void serve(int tell, bool gives_way)
{
    for (int fd = 3; fd < 200; fd++) {
        if (fd != tell) {
            close(fd);
        }
    }
    set_limit(12, LIMIT); /* the loop raises the soft one */
    struct server s = {.loop = loop_or_fail()};
    list_init(&s.connections);
    struct endpoint any = endpoint_of("127.0.0.1:0"), at;
    if (io_listen(s.loop, &any, server_accepted, &s, &at, &s.listener) != 0) {
        _exit(1);
    }
    io_listener_set_wanted(s.listener, gives_way ? give_way : NULL);
    if (io_loop_on_signal(s.loop, false, server_signalled, &s) != 0 ||
        write(tell, &at, sizeof at) != sizeof at) {
        _exit(1);
    }
    close(tell);
    io_loop_run(s.loop);
    while (!list_empty(&s.connections)) {
        connection_close(list_item(s.connections.next, struct connection, link));
    }
    io_listener_close(s.listener);
    io_loop_free(s.loop);
    exit(0);
}

static pid_t start_server(struct endpoint *at, bool gives_way)
{
    int tell[2];
    assert_int_equal(pipe(tell), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        serve(tell[1], gives_way);
    }
    close(tell[1]);
    assert_int_equal(read(tell[0], at, sizeof *at), sizeof *at);
    close(tell[0]);
    return child;
}

/* ---- the clients ---- */

struct crowd {
    int fds[CLIENTS];
    bool open[CLIENTS], served[CLIENTS];
};

static void gather_crowd(struct crowd *c, const struct endpoint *at)
{
    for (int i = 0; i < CLIENTS; i++) {
        c->fds[i] = plain_connected(at, SOCK_STREAM);
        c->open[i] = true;
        assert_int_equal(send(c->fds[i], "a", 1, 0), 1);
    }
}

/* Takes what has been echoed within `ms`; returns how many have been served so far. */
static unsigned listen_for(struct crowd *c, int ms)
{
    uint64_t end = clock_read().mono + (uint64_t)ms * NS_PER_MS;
    unsigned n = 0;
    while (clock_read().mono < end) {
        struct pollfd polls[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            polls[i] = (struct pollfd){.fd = c->open[i] && !c->served[i] ? c->fds[i] : -1,
                                       .events = POLLIN};
        }
        poll(polls, CLIENTS, 20);
        n = 0;
        for (int i = 0; i < CLIENTS; i++) {
            char got;
            if ((polls[i].revents & POLLIN) != 0) {
                assert_int_equal(recv(c->fds[i], &got, 1, 0), 1); /* not end of file */
                c->served[i] = true;
            }
            n += c->served[i];
        }
        if (n == CLIENTS) {
            break;
        }
    }
    return n;
}

/* Until nobody more is served for longer than the retry of a paused listener; on a busy machine the
 * first ones may be late. */
static unsigned listen_till_quiet(struct crowd *c)
{
    uint64_t end = clock_read().mono + GIVE_UP_AFTER;
    unsigned n = 0, before;
    do {
        before = n;
        n = listen_for(c, 1500);
    } while ((n < 8 || n > before) && clock_read().mono < end);
    return n;
}

static int oldest_served(const struct crowd *c)
{
    int i = 0;
    while (!c->open[i] || !c->served[i]) {
        i++;
    }
    return i;
}

static void ask_again(struct crowd *c, int i)
{
    char got;
    assert_int_equal(send(c->fds[i], "b", 1, 0), 1);
    struct pollfd p = {.fd = c->fds[i], .events = POLLIN};
    assert_int_equal(poll(&p, 1, 60000), 1);
    assert_int_equal(recv(c->fds[i], &got, 1, 0), 1);
    assert_int_equal(got, 'b');
}

/* More clients than descriptors: the first ones are served as if nothing were the matter, the
 * others wait, nothing spins, and each that leaves makes room for one. */
static void a_storm_is_weathered(void **state)
{
    (void)state;
    struct endpoint at;
    pid_t child = start_server(&at, false);
    struct crowd c = {0};
    gather_crowd(&c, &at);
    unsigned n = listen_till_quiet(&c);
    assert_in_range(n, 8, LIMIT - LIMIT / 4);
    unsigned at_once = n, left = 0;
    ask_again(&c, oldest_served(&c));

    while (n < CLIENTS) {
        int i = oldest_served(&c);
        close(c.fds[i]);
        c.open[i] = false;
        for (unsigned before = n; n == before;) {
            n = listen_for(&c, 20);
        }
        left++;
        assert_in_range(n, 1, at_once + left); /* one in for one out */
    }
    ask_again(&c, CLIENTS - 1);

    kill(child, SIGTERM);
    int status = 0;
    struct rusage used;
    assert_int_equal(wait4(child, &status, 0, &used), child);
    assert_int_equal(status, 0);
    uint64_t cpu_ms = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                      (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
    assert_in_range(cpu_ms, 0, 500); /* a spin takes all of the 1.5 s and more */
    for (int i = 0; i < CLIENTS; i++) {
        if (c.open[i]) {
            close(c.fds[i]);
        }
    }
}

/* Who was served and only rests makes room at once; where nobody rests yet, somebody may a second later. */
static void whoever_can_be_done_without_makes_room(void **state)
{
    (void)state;
    struct endpoint at;
    pid_t child = start_server(&at, true);
    struct crowd c = {0};
    gather_crowd(&c, &at);
    uint64_t end = clock_read().mono + GIVE_UP_AFTER;
    unsigned n = 0;
    while (n < CLIENTS && clock_read().mono < end) {
        n = listen_for(&c, 1000);
    }
    int status = 0;
    kill(child, SIGTERM);
    assert_int_equal(n, CLIENTS); /* none of whom has left */
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < CLIENTS; i++) {
        close(c.fds[i]);
    }
}

/* ---- the ceiling ---- */

static void the_soft_limit_is_raised_and_some_room_is_left(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    static const struct {
        rlim_t soft, hard;
        int ceiling;
    } table[] = {{100, 100, 75}, {64, 128, 96}, {100, 1000, 968}, {1000, 1000, 968}};
    uv_loop_t uv;
    assert_int_equal(uv_loop_init(&uv), 0);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        fflush(NULL);
        pid_t child = fork(); /* a hard limit cannot be raised again */
        if (child == 0) {
            set_limit(table[i].soft, table[i].hard);
            struct descriptors d;
            descriptors_init(&d, &uv);
            struct rlimit now;
            getrlimit(RLIMIT_NOFILE, &now);
            _exit(d.ceiling == table[i].ceiling && now.rlim_cur == table[i].hard ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    assert_int_equal(uv_loop_close(&uv), 0);
}

/* What they open is for others: a caller inside the tunnel, or a sender, of whom there may be any number. */
static int open_many(bool by_connect)
{
    static const struct dgram_handler handler;
    struct stream *stream;
    struct io_listener *listener;
    struct dgram *port;
    struct endpoint any = endpoint_of("127.0.0.1:0"), at, bound;
    int err = 0, n = 0;
    for (int fd = 3; fd < 200; fd++) {
        close(fd);
    }
    set_limit(32, 32);
    struct io_loop *loop = loop_or_fail();
    if (io_listen(loop, &any, server_accepted, NULL, &at, &listener) != 0) {
        return 1;
    }
    for (; err == 0 && n < 64; n++) {
        err = by_connect ? io_connect(loop, &at, &stream)
                         : io_udp_bind(loop, &any, &handler, NULL, &bound, &port);
    }
    int left = 0;
    while (dup(0) >= 0) {
        left++;
    }
    return err == ERR_LIMIT && n > 4 && left >= 32 / 4 ? 0 : 2;
}

static void what_is_opened_for_others_leaves_that_room_too(void **state)
{
    (void)state;
    for (int by_connect = 0; by_connect < 2; by_connect++) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            _exit(open_many(by_connect));
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

/* ---- waiting ---- */

struct waiter {
    struct descriptors_waiter waiter;
    unsigned resumed;
};

static void note_resumed(struct descriptors_waiter *w)
{
    container_of(w, struct waiter, waiter)->resumed++;
}

static void only_a_descriptor_below_the_ceiling_makes_room(void **state)
{
    (void)state;
    uv_loop_t uv;
    struct descriptors d;
    assert_int_equal(uv_loop_init(&uv), 0);
    descriptors_init(&d, &uv);
    struct waiter w = {.waiter.resume = note_resumed}, cancelled = {.waiter.resume = note_resumed};
    list_init(&w.waiter.link);
    list_init(&cancelled.waiter.link);
    int low = dup(0), high = dup(0);
    d.ceiling = high;
    descriptors_opened(&d, high);
    descriptors_opened(&d, low);
    assert_true(descriptors_scarce(&d));
    descriptors_wait(&d, &w.waiter);
    descriptors_wait(&d, &cancelled.waiter);
    descriptors_cancel(&cancelled.waiter);
    descriptors_close(&d, high);
    assert_int_equal(w.resumed, 0);
    descriptors_close(&d, low);
    assert_int_equal(w.resumed, 1);
    assert_int_equal(cancelled.resumed, 0);
    assert_false(descriptors_scarce(&d));
    uv_close((uv_handle_t *)&d.retry, NULL);
    uv_run(&uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&uv), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_is_weathered),
        cmocka_unit_test(whoever_can_be_done_without_makes_room),
        cmocka_unit_test(the_soft_limit_is_raised_and_some_room_is_left),
        cmocka_unit_test(what_is_opened_for_others_leaves_that_room_too),
        cmocka_unit_test(only_a_descriptor_below_the_ceiling_makes_room),
    };
    return cmocka_run_group_tests_name("io/descriptors", tests, NULL, NULL);
}
