/* SPDX-License-Identifier: MIT */
/* Unix sockets, inherited sockets, and sockets on one address. */
#include "io/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "unit/test.h"

static const struct log quiet = {.level = LOG_ERROR};
static char folder[] = "/tmp/wgproxy-places-XXXXXX";

struct meeting {
    struct io_loop *loop;
    struct stream *client, *server;
    char heard[8];
    size_t n;
};

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static struct place at_path(const char *name)
{
    struct place p = {.kind = PLACE_UNIX};
    snprintf(p.path, sizeof p.path, "%s/%s", folder, name);
    return p;
}

static void server_ready(void *ctx, unsigned events, struct now now)
{
    (void)events;
    (void)now;
    struct meeting *m = ctx;
    ssize_t n = stream_read(m->server, m->heard + m->n, sizeof m->heard - m->n);
    if (n > 0) {
        m->n += (size_t)n;
    } else {
        io_loop_stop(m->loop);
    }
}

static void client_ready(void *ctx, unsigned events, struct now now)
{
    (void)events;
    (void)now;
    struct meeting *m = ctx;
    char word[] = "hello";
    struct iovec hello = {word, 5};
    assert_int_equal(stream_writev(m->client, &hello, 1), 5);
    stream_shutdown(m->client);
    stream_want(m->client, 0);
}

static const struct stream_handler server_handler = {.ready = server_ready};
static const struct stream_handler client_handler = {.ready = client_ready};

static void accepted(void *ctx, struct stream *s, struct now now)
{
    (void)now;
    struct meeting *m = ctx;
    m->server = s;
    s->handler = &server_handler;
    s->ctx = m;
    stream_want(s, STREAM_READABLE);
}

static void meet(struct meeting *m, const struct place *to)
{
    assert_int_equal(io_connect_at(m->loop, to, &m->client), 0);
    m->client->handler = &client_handler;
    m->client->ctx = m;
    stream_want(m->client, STREAM_WRITABLE);
    io_loop_run(m->loop);
    assert_int_equal(m->n, 5);
    assert_memory_equal(m->heard, "hello", 5);
    stream_close(m->client);
    stream_close(m->server);
}

static void a_unix_socket_is_ours_alone_and_goes_with_its_listener(void **state)
{
    (void)state;
    struct meeting m = {0};
    struct place at = at_path("s"), bound;
    struct io_listener *l;
    struct stat st;
    assert_int_equal(io_loop_new(&m.loop, &quiet), 0);
    assert_int_equal(io_listen_at(m.loop, &at, accepted, &m, &bound, &l), 0);
    assert_string_equal(bound.path, at.path);
    assert_int_equal(stat(at.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    meet(&m, &at);

    io_listener_close(l);
    assert_int_equal(stat(at.path, &st), -1);
    io_loop_free(m.loop);
}

static void a_socket_file_is_replaced_only_when_nobody_listens_there(void **state)
{
    (void)state;
    struct meeting m = {0};
    struct place at = at_path("s"), bound;
    struct io_listener *l, *other;
    assert_int_equal(io_loop_new(&m.loop, &quiet), 0);
    assert_int_equal(io_listen_at(m.loop, &at, accepted, &m, &bound, &l), 0);
    assert_int_equal(io_listen_at(m.loop, &at, accepted, &m, &bound, &other), ERR_IN_USE);
    char moved[PLACE_PATH + 8];
    snprintf(moved, sizeof moved, "%s.old", at.path);
    assert_int_equal(rename(at.path, moved), 0);
    io_listener_close(l); /* its file is not there any more, but elsewhere and dead */
    assert_int_equal(rename(moved, at.path), 0);
    assert_int_equal(io_listen_at(m.loop, &at, accepted, &m, &bound, &l), 0);
    meet(&m, &at);
    io_listener_close(l);

    FILE *f = fopen(at.path, "w"); /* a file is nobody's socket */
    assert_non_null(f);
    fclose(f);
    assert_int_equal(io_listen_at(m.loop, &at, accepted, &m, &bound, &other), ERR_IN_USE);
    unlink(at.path);
    io_loop_free(m.loop);
}

static void a_socket_that_is_gone_refuses(void **state)
{
    (void)state;
    struct meeting m = {0};
    struct place at = at_path("none");
    assert_int_equal(io_loop_new(&m.loop, &quiet), 0);
    assert_int_equal(io_connect_at(m.loop, &at, &m.client), ERR_REFUSED);
    io_loop_free(m.loop);
}

static void a_socket_that_was_handed_over_is_listened_on(void **state)
{
    (void)state;
    struct meeting m = {0};
    struct io_listener *l;
    struct place bound,
        at = {.kind = PLACE_FD, .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    assert_int_equal(io_loop_new(&m.loop, &quiet), 0);
    /* does not listen */
    assert_int_equal(io_listen_at(m.loop, &at, accepted, &m, &bound, &l), ERR_INVALID);
    assert_int_equal(listen(at.fd, 4), 0);
    assert_int_equal(io_listen_at(m.loop, &at, accepted, &m, &bound, &l), 0);
    assert_int_equal(fcntl(at.fd, F_GETFD), FD_CLOEXEC); /* a COMMAND must not keep the port */
    assert_int_equal(bound.kind, PLACE_IP);
    bound.at.addr.bytes[0] = 127;
    bound.at.addr.bytes[3] = 1;
    meet(&m, &bound);
    io_listener_close(l);
    io_loop_free(m.loop);
}

static void inherited_sockets_have_names(void **state)
{
    (void)state;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "web:proxy", 1);
    assert_int_equal(io_inherited("proxy"), 4);
    assert_int_equal(io_inherited("prox"), -1);
    assert_int_equal(io_inherited("other"), -1);
    setenv("LISTEN_PID", "1", 1); /* meant for somebody else */
    assert_int_equal(io_inherited("proxy"), -1);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

struct echo {
    struct io_loop *loop;
    struct dgram *d;
    struct outbox outbox;
    size_t n;
    struct endpoint from;
};

static void echo_received(void *ctx, struct dgram_rx *batch, size_t n, struct now now)
{
    (void)now;
    struct echo *e = ctx;
    e->n += n;
    e->from = batch[0].from;
    io_loop_stop(e->loop);
}

static void echo_undelivered(void *ctx, const struct endpoint *to, int err, struct now now)
{
    (void)ctx;
    (void)to;
    (void)err;
    (void)now;
}

static void a_udp_socket_stands_on_one_address(void **state)
{
    (void)state;
    static const struct dgram_handler handler = {.received = echo_received,
                                                 .undelivered = echo_undelivered};
    struct echo a = {0}, b = {0};
    struct endpoint at, bound, other;
    assert_true(endpoint_parse(&at, "127.0.0.1:0"));
    assert_int_equal(io_loop_new(&a.loop, &quiet), 0);
    b.loop = a.loop;
    assert_int_equal(io_udp_bind(a.loop, &at, &handler, &a, &bound, &a.d), 0);
    assert_int_equal(io_udp_bind(a.loop, &bound, &handler, &b, &other, &b.d), ERR_IN_USE);
    assert_int_equal(io_udp_bind(a.loop, &at, &handler, &b, &other, &b.d), 0);
    assert_int_equal(outbox_init(&b.outbox, 64, 1), 0);
    memcpy(outbox_tail(&b.outbox), "x", 1);
    outbox_commit(&b.outbox, 1, &bound, 0);
    b.d->ops->send(b.d, &b.outbox);
    io_loop_run(a.loop);
    assert_int_equal(a.n, 1);
    assert_true(endpoint_equal(&a.from, &other));
    outbox_fini(&b.outbox);
    a.d->ops->close(a.d);
    b.d->ops->close(b.d);
    io_loop_free(a.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unix_socket_is_ours_alone_and_goes_with_its_listener),
        cmocka_unit_test(a_socket_file_is_replaced_only_when_nobody_listens_there),
        cmocka_unit_test(a_socket_that_is_gone_refuses),
        cmocka_unit_test(a_socket_that_was_handed_over_is_listened_on),
        cmocka_unit_test(inherited_sockets_have_names),
        cmocka_unit_test(a_udp_socket_stands_on_one_address),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
