/* SPDX-License-Identifier: MIT */
#include "unit/io/pair.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "io/tcp_stream.h"

/* ---- a handler that notes what it is told ---- */

struct notes {
    struct stream *stream;
    unsigned calls, readable, writable, last;
    /* What to do when called. */
    bool want_nothing, close_at_next, read_at_next;
    ssize_t n_read;
    char buf[256];
};

static void note_ready(void *ctx, unsigned events, struct now now)
{
    (void)now;
    struct notes *n = ctx;
    n->calls++;
    n->last = events;
    n->readable += (events & STREAM_READABLE) != 0;
    n->writable += (events & STREAM_WRITABLE) != 0;
    if (n->read_at_next) {
        n->n_read = stream_read(n->stream, n->buf, sizeof n->buf);
    }
    if (n->want_nothing) {
        stream_want(n->stream, 0);
    }
    if (n->close_at_next) {
        stream_close(n->stream);
    }
}

static const struct stream_handler noting = {.ready = note_ready};

static bool was_called(void *ctx)
{
    return ((struct notes *)ctx)->calls > 0;
}

static bool called_thrice(void *ctx)
{
    return ((struct notes *)ctx)->calls >= 3;
}

static void attach(struct notes *n, struct stream *s)
{
    *n = (struct notes){.stream = s};
    s->handler = &noting;
    s->ctx = n;
}

static ssize_t write_text(struct stream *s, const char *text)
{
    char copy[64];
    struct iovec iov = {copy, strlen(text)};
    memcpy(copy, text, iov.iov_len);
    return stream_writev(s, &iov, 1);
}

/* ---- echo ---- */

#define ECHO_BUFFER 65536

struct echo {
    struct stream *stream;
    uint8_t buf[ECHO_BUFFER];
    size_t begin, end;
    bool eof;

    int client;
    size_t total, piece, sent, received;
    bool shut;
    uint8_t *scrap;
};

static void echo_ready(void *ctx, unsigned events, struct now now)
{
    (void)now;
    struct echo *e = ctx;
    if ((events & STREAM_READABLE) != 0 && e->begin == e->end) {
        ssize_t n = stream_read(e->stream, e->buf, sizeof e->buf);
        assert_true(n >= 0 || n == ERR_AGAIN);
        e->begin = 0;
        e->end = n > 0 ? (size_t)n : 0;
        e->eof = n == 0;
    }
    while (e->begin < e->end) {
        size_t half = (e->end - e->begin + 1) / 2;
        struct iovec iov[2] = {{e->buf + e->begin, half},
                               {e->buf + e->begin + half, e->end - e->begin - half}};
        ssize_t n = stream_writev(e->stream, iov, 2);
        if (n == ERR_AGAIN) {
            break;
        }
        assert_true(n > 0);
        e->begin += (size_t)n;
    }
    if (e->eof) {
        stream_shutdown(e->stream);
        stream_want(e->stream, 0);
        return;
    }
    stream_want(e->stream, e->begin < e->end ? STREAM_WRITABLE : STREAM_READABLE);
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

static void client_sends(struct echo *e)
{
    while (e->sent < e->total) {
        size_t len = e->total - e->sent < e->piece ? e->total - e->sent : e->piece;
        for (size_t i = 0; i < len; i++) {
            e->scrap[i] = pattern(e->sent + i);
        }
        ssize_t n = send(e->client, e->scrap, len, MSG_NOSIGNAL);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            return;
        }
        e->sent += (size_t)n;
    }
    if (!e->shut) {
        shutdown(e->client, SHUT_WR);
        e->shut = true;
    }
}

/* True at end of file. */
static bool client_receives(struct echo *e)
{
    for (;;) {
        ssize_t n = recv(e->client, e->scrap, e->piece, 0);
        if (n <= 0) {
            assert_true(n == 0 || errno == EAGAIN);
            return n == 0;
        }
        for (ssize_t i = 0; i < n; i++) {
            assert_int_equal(e->scrap[i], pattern(e->received + (size_t)i));
        }
        e->received += (size_t)n;
    }
}

static bool echo_is_complete(void *ctx)
{
    struct echo *e = ctx;
    client_sends(e);
    return client_receives(e);
}

static const struct stream_handler echoing = {.ready = echo_ready};

static void echo_in_pieces(const char *at, size_t total, size_t piece)
{
    struct pair p;
    pair_open(&p, at);
    struct echo *e = calloc(1, sizeof *e);
    *e = (struct echo){.stream = p.stream, .client = p.client, .total = total, .piece = piece};
    e->scrap = malloc(piece);
    p.stream->handler = &echoing;
    p.stream->ctx = e;
    stream_want(p.stream, STREAM_READABLE);
    drive_until(p.loop, echo_is_complete, e);
    assert_int_equal(e->received, total);
    pair_close(&p);
    free(e->scrap);
    free(e);
}

static void bytes_come_back_whatever_the_pieces(void **state)
{
    (void)state;
    echo_in_pieces("127.0.0.1:0", 3000, 1);
    echo_in_pieces("127.0.0.1:0", 8 << 20, 1 << 20);
    echo_in_pieces("[::1]:0", 1 << 20, 4096);
}

/* ---- reading and half-close ---- */

static void end_of_file_is_zero_and_writing_goes_on(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    assert_int_equal(stream_read(p.stream, n.buf, sizeof n.buf), ERR_AGAIN);
    assert_int_equal(send(p.client, "last", 4, 0), 4);
    shutdown(p.client, SHUT_WR);
    stream_want(p.stream, STREAM_READABLE);
    drive_until(p.loop, was_called, &n);
    assert_int_equal(stream_read(p.stream, n.buf, sizeof n.buf), 4);
    assert_int_equal(stream_read(p.stream, n.buf, sizeof n.buf), 0);
    assert_int_equal(stream_read(p.stream, n.buf, sizeof n.buf), 0);
    assert_int_equal(write_text(p.stream, "answer"), 6);
    char got[16];
    assert_int_equal(recv(p.client, got, sizeof got, 0), 6);
    pair_close(&p);
}

static void shutdown_sends_fin_and_reading_goes_on(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    assert_int_equal(write_text(p.stream, "bye"), 3);
    stream_shutdown(p.stream);
    char got[16];
    assert_int_equal(recv(p.client, got, sizeof got, 0), 3);
    assert_int_equal(recv(p.client, got, sizeof got, 0), 0);
    assert_int_equal(write_text(p.stream, "more"), ERR_CLOSED);
    assert_int_equal(send(p.client, "still here", 10, 0), 10);
    stream_want(p.stream, STREAM_READABLE);
    drive_until(p.loop, was_called, &n);
    assert_int_equal(stream_read(p.stream, n.buf, sizeof n.buf), 10);
    pair_close(&p);
}

static void reset_by_client(struct pair *p)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(p->client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(p->client);
    p->client = -1;
}

static void a_reset_by_the_other_side_is_read_as_such(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    reset_by_client(&p);
    n.read_at_next = n.want_nothing = true;
    stream_want(p.stream, STREAM_READABLE);
    drive_until(p.loop, was_called, &n);
    assert_int_equal(n.n_read, ERR_RESET);
    assert_int_equal(n.last, STREAM_READABLE);
    drive_idly(p.loop);
    assert_int_equal(n.calls, 1);
    pair_close(&p);
}

static void a_reset_is_told_once_although_nothing_is_wanted(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    shutdown(p.client, SHUT_WR);
    n.read_at_next = n.want_nothing = true;
    stream_want(p.stream, STREAM_READABLE);
    drive_until(p.loop, was_called, &n);
    assert_int_equal(n.n_read, 0);
    drive_idly(p.loop);
    assert_int_equal(n.calls, 1); /* FIN is not told again */
    n.read_at_next = false;
    reset_by_client(&p);
    drive_idly(p.loop);
    assert_int_equal(n.calls, 2);
    assert_int_equal(n.last, STREAM_BROKEN);
    drive_idly(p.loop);
    assert_int_equal(n.calls, 2);
    pair_close(&p);
}

static void an_error_comes_again_until_it_is_read(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    reset_by_client(&p);
    stream_want(p.stream, STREAM_READABLE | STREAM_WRITABLE);
    drive_until(p.loop, called_thrice, &n);
    assert_int_equal(stream_read(p.stream, n.buf, sizeof n.buf), ERR_RESET);
    pair_close(&p);
}

static void a_stream_may_be_closed_when_told_of_an_error(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    reset_by_client(&p);
    n.close_at_next = true;
    stream_want(p.stream, STREAM_READABLE | STREAM_WRITABLE);
    drive_until(p.loop, was_called, &n);
    p.stream = NULL;
    drive_idly(p.loop);
    assert_int_equal(n.calls, 1);
    pair_close(&p);
}

static void an_error_is_delivered_as_whatever_is_wanted_and_remembered(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    reset_by_client(&p);
    drive_idly(p.loop);
    assert_int_equal(n.calls, 0); /* nothing was wanted */
    n.want_nothing = true;
    stream_want(p.stream, STREAM_WRITABLE);
    drive_until(p.loop, was_called, &n);
    assert_int_equal(n.last, STREAM_WRITABLE);
    assert_int_equal(write_text(p.stream, "x"), ERR_RESET);
    assert_int_equal(write_text(p.stream, "x"), ERR_CLOSED);
    pair_close(&p);
}

/* ---- want ---- */

static void ready_comes_again_until_it_is_handled_or_not_wanted(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    assert_int_equal(send(p.client, "abc", 3, 0), 3);
    stream_want(p.stream, STREAM_READABLE);
    assert_int_equal(n.calls, 0); /* never from inside an operation */
    drive_until(p.loop, called_thrice, &n);
    assert_int_equal(n.writable, 0);

    stream_want(p.stream, 0);
    unsigned before = n.calls;
    drive_idly(p.loop);
    assert_int_equal(n.calls, before);

    stream_want(p.stream, STREAM_READABLE);
    n.calls = 0;
    drive_until(p.loop, was_called, &n);
    pair_close(&p);
}

/* A day of asking for the one and the other in turn; the last word counts. */
static void want_can_be_toggled_at_will(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    for (unsigned i = 0; i < 1000; i++) {
        stream_want(p.stream, i % 4);
        if (i % 100 == 0) {
            drive_idly(p.loop);
        }
    }
    stream_want(p.stream, STREAM_READABLE);
    n.calls = n.writable = 0;
    drive_idly(p.loop);
    assert_int_equal(n.calls, 0);
    stream_want(p.stream, STREAM_READABLE | STREAM_WRITABLE);
    drive_until(p.loop, was_called, &n);
    assert_int_equal(n.last, STREAM_WRITABLE);
    assert_int_equal(send(p.client, "x", 1, 0), 1);
    n.readable = 0;
    drive_idly(p.loop);
    assert_true(n.readable > 0);
    pair_close(&p);
}

struct sleeper {
    struct io_loop *loop;
    unsigned turns;
    uint64_t end;
};

static uint64_t sleep_to_the_end(void *ctx, struct now now)
{
    struct sleeper *s = ctx;
    s->turns++;
    if (now.mono >= s->end) {
        io_loop_stop(s->loop);
    }
    return s->end;
}

/* Readable bytes that nobody wants may wake the loop once, when that is found out, and not
 * again. */
static void unwanted_bytes_do_not_spin_the_loop(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    stream_want(p.stream, STREAM_READABLE);
    drive_idly(p.loop);
    stream_want(p.stream, 0);
    assert_int_equal(send(p.client, "abc", 3, 0), 3);
    shutdown(p.client, SHUT_WR);

    struct sleeper s = {.loop = p.loop, .end = io_now(p.loop).mono + 50 * NS_PER_MS};
    io_loop_set_turn(p.loop, sleep_to_the_end, &s);
    io_loop_run(p.loop);
    assert_in_range(s.turns, 2, 3);
    assert_int_equal(n.calls, 0);
    pair_close(&p);
}

/* ---- ends ---- */

static void close_inside_ready_is_the_last_call(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct notes n;
    attach(&n, p.stream);
    n.close_at_next = true;
    stream_want(p.stream, STREAM_READABLE | STREAM_WRITABLE);
    assert_int_equal(send(p.client, "abc", 3, 0), 3);
    drive_until(p.loop, was_called, &n);
    p.stream = NULL;
    drive_idly(p.loop);
    assert_int_equal(n.calls, 1);
    char got[4];
    assert_int_equal(recv(p.client, got, sizeof got, 0), 0);
    pair_close(&p);
}

struct killer {
    struct stream *self, *victim;
    unsigned calls;
};

static void kill_the_other(void *ctx, unsigned events, struct now now)
{
    (void)events;
    (void)now;
    struct killer *k = ctx;
    k->calls++;
    stream_want(k->self, 0);
    stream_abort(k->victim);
}

static bool killer_was_called(void *ctx)
{
    struct killer *both = ctx;
    return both[0].calls + both[1].calls > 0;
}

/* Both are ready in the same iteration: whoever comes first ends the other, which must not be
 * called any more. */
static void a_stream_closed_by_another_ones_handler_is_not_called(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct stream *first = p.stream;
    p.stream = NULL;
    int second_client = plain_connected(&p.at, SOCK_STREAM);
    drive_until(p.loop, pair_is_accepted, &p);
    struct stream *second = p.stream;

    static const struct stream_handler killing = {.ready = kill_the_other};
    struct killer k[2] = {{first, second, 0}, {second, first, 0}};
    first->handler = second->handler = &killing;
    first->ctx = &k[0];
    second->ctx = &k[1];
    assert_int_equal(send(p.client, "x", 1, 0), 1);
    assert_int_equal(send(second_client, "x", 1, 0), 1);
    stream_want(first, STREAM_READABLE);
    stream_want(second, STREAM_READABLE);
    drive_until(p.loop, killer_was_called, k);
    assert_int_equal(k[0].calls + k[1].calls, 1);
    p.stream = k[0].calls > 0 ? first : second;
    close(second_client);
    pair_close(&p);
}

static int error_of_recv(int fd)
{
    char scrap[64];
    ssize_t n = recv(fd, scrap, sizeof scrap, 0);
    return n < 0 ? errno : 0;
}

static void abort_is_a_reset(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    stream_abort(p.stream);
    p.stream = NULL;
    assert_int_equal(error_of_recv(p.client), ECONNRESET);
    pair_close(&p);
}

/* The system still holds most of the answer when the stream is closed; a reset would throw it
 * away. */
static void last_words_arrive_although_bytes_were_left_unread(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    char request[60000] = {0}, answer[65536] = {0};
    assert_int_equal(send(p.client, request, sizeof request, 0), sizeof request);
    struct iovec iov = {answer, sizeof answer};
    size_t written = 0, got = 0;
    for (ssize_t n; (n = stream_writev(p.stream, &iov, 1)) != ERR_AGAIN; written += (size_t)n) {
        assert_true(n > 0);
    }
    stream_close(p.stream);
    p.stream = NULL;
    assert_int_equal(fcntl(p.client, F_SETFL, 0), 0);
    for (ssize_t n; (n = recv(p.client, answer, sizeof answer, 0)) != 0; got += (size_t)n) {
        assert_true(n > 0); /* FIN ends it, not ECONNRESET */
    }
    assert_int_equal(got, written);
    pair_close(&p);
}

static void a_stream_knows_both_its_ends(void **state)
{
    (void)state;
    static const char *const at[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
        struct pair p;
        pair_open(&p, at[i]);
        struct endpoint client = sockaddr_local(p.client);
        assert_true(endpoint_equal(&p.stream->remote, &client));
        assert_true(endpoint_equal(&p.stream->local, &p.at));
        pair_close(&p);
    }
}

/* A listener on every address does not know where its connections arrive. */
static void a_stream_knows_which_of_all_addresses_was_meant(void **state)
{
    (void)state;
    struct pair p = {.loop = loop_or_fail()};
    struct endpoint any = endpoint_of("0.0.0.0:0");
    assert_int_equal(io_listen(p.loop, &any, pair_accepted, &p, &p.at, &p.listener), 0);
    struct endpoint at = endpoint_of("127.0.0.1:0");
    at.port = p.at.port;
    p.client = plain_connected(&at, SOCK_STREAM);
    drive_until(p.loop, pair_is_accepted, &p);
    assert_true(endpoint_equal(&p.stream->local, &at));
    pair_close(&p);
}

/* Whether we said so before or not: what the other side reads last is our FIN. */
static void closing_behind_the_others_fin_is_orderly(void **state)
{
    (void)state;
    for (int shut = 0; shut < 2; shut++) {
        struct pair p;
        pair_open(&p, "127.0.0.1:0");
        struct notes n;
        attach(&n, p.stream);
        shutdown(p.client, SHUT_WR);
        n.read_at_next = true;
        stream_want(p.stream, STREAM_READABLE);
        drive_until(p.loop, was_called, &n);
        assert_int_equal(n.n_read, 0);
        assert_int_equal(write_text(p.stream, "bye"), 3);
        if (shut) {
            stream_shutdown(p.stream);
            stream_shutdown(p.stream);
        }
        stream_close(p.stream);
        p.stream = NULL;
        char got[16];
        assert_int_equal(recv(p.client, got, sizeof got, 0), 3);
        assert_int_equal(recv(p.client, got, sizeof got, 0), 0);
        pair_close(&p);
    }
}

/* A gathered write longer than the system takes at once is cut, not refused. */
static void a_write_of_very_many_pieces_is_taken_in_part(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    struct iovec iov[3000];
    char y = 'y';
    for (size_t i = 0; i < ARRAY_SIZE(iov); i++) {
        iov[i] = (struct iovec){&y, 1};
    }
    assert_in_range(stream_writev(p.stream, iov, ARRAY_SIZE(iov)), 1, ARRAY_SIZE(iov));
    pair_close(&p);
}

static void small_writes_leave_at_once(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1:0");
    int fd = dup(0); /* the stream's descriptor is not told: it is the one that has our address */
    int nodelay = -1;
    for (int i = 0; i < fd; i++) {
        struct endpoint e = sockaddr_local(i);
        socklen_t len = sizeof nodelay;
        union sockaddr_any peer;
        socklen_t peer_len = sizeof peer;
        if (endpoint_equal(&e, &p.at) && getpeername(i, &peer.sa, &peer_len) == 0) {
            getsockopt(i, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len);
        }
    }
    close(fd);
    assert_int_equal(nodelay, 1);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_whatever_the_pieces),
        cmocka_unit_test(end_of_file_is_zero_and_writing_goes_on),
        cmocka_unit_test(shutdown_sends_fin_and_reading_goes_on),
        cmocka_unit_test(a_reset_by_the_other_side_is_read_as_such),
        cmocka_unit_test(a_reset_is_told_once_although_nothing_is_wanted),
        cmocka_unit_test(an_error_comes_again_until_it_is_read),
        cmocka_unit_test(a_stream_may_be_closed_when_told_of_an_error),
        cmocka_unit_test(an_error_is_delivered_as_whatever_is_wanted_and_remembered),
        cmocka_unit_test(ready_comes_again_until_it_is_handled_or_not_wanted),
        cmocka_unit_test(want_can_be_toggled_at_will),
        cmocka_unit_test(unwanted_bytes_do_not_spin_the_loop),
        cmocka_unit_test(close_inside_ready_is_the_last_call),
        cmocka_unit_test(a_stream_closed_by_another_ones_handler_is_not_called),
        cmocka_unit_test(abort_is_a_reset),
        cmocka_unit_test(last_words_arrive_although_bytes_were_left_unread),
        cmocka_unit_test(a_stream_knows_both_its_ends),
        cmocka_unit_test(a_stream_knows_which_of_all_addresses_was_meant),
        cmocka_unit_test(closing_behind_the_others_fin_is_orderly),
        cmocka_unit_test(a_write_of_very_many_pieces_is_taken_in_part),
        cmocka_unit_test(small_writes_leave_at_once),
    };
    return cmocka_run_group_tests_name("io/tcp_stream", tests, NULL, NULL);
}
