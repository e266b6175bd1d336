/* SPDX-License-Identifier: MIT */
/* TLS on real sockets, through the listener: small kernel buffers, much to carry in both directions, resets. */
#include "unit/io/drive.h"
#include "unit/io/tls_client.h"

#include <errno.h>

#define LITTLE ((size_t)100000)
#define MUCH ((size_t)4 << 20)
#define SMALL 4096 /* the system doubles it, and has a least */

static char *key_text, *certificate_text;

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

/* ---- the server's side: everything back ---- */

struct echo {
    struct io_loop *loop;
    struct io_listener *listener;
    struct stream *stream;
    uint8_t buf[65536];
    size_t begin, end, total;
    bool eof;
    ssize_t error;

    int fd;
    struct tls_client client;
    uint8_t held[16384]; /* of what the client has written */
    size_t held_begin, held_end, sent, received;
    bool said_goodbye, over;
};

static void carry(void *ctx, unsigned events, struct now now)
{
    (void)now;
    struct echo *e = ctx;
    if ((events & STREAM_READABLE) != 0 && e->begin == e->end) {
        ssize_t n = stream_read(e->stream, e->buf, sizeof e->buf);
        if (n < 0 && n != ERR_AGAIN) {
            e->error = n;
            stream_want(e->stream, 0);
            return;
        }
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
    if (e->eof && e->begin == e->end) {
        stream_shutdown(e->stream);
        stream_want(e->stream, 0);
        return;
    }
    stream_want(e->stream, e->begin < e->end ? STREAM_WRITABLE : STREAM_READABLE);
}

static const struct stream_handler handler = {.ready = carry};

static void accepted(void *ctx, struct stream *s, struct now now)
{
    (void)now;
    struct echo *e = ctx;
    e->stream = s;
    s->handler = &handler;
    s->ctx = e;
    stream_want(s, STREAM_READABLE);
}

static void bound_buffers(int fd, int buffer)
{
    if (buffer > 0) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    }
}

/* What it accepts has such buffers, too. */
static int inherited_listener(struct endpoint *at, int buffer)
{
    union sockaddr_any sa;
    socklen_t len = sizeof sa;
    int fd = plain_bound(at, SOCK_STREAM);
    bound_buffers(fd, buffer);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, &sa.sa, &len), 0);
    *at = sockaddr_to_endpoint(&sa.sa);
    return fd;
}

static struct echo *echo_open(const char *where, int version, size_t total, int buffer)
{
    struct echo *e = calloc(1, sizeof *e);
    struct endpoint at = endpoint_of(where);
    struct io_tls *tls;
    char why[IO_TLS_WHY];
    struct place place = {.kind = PLACE_FD, .fd = inherited_listener(&at, buffer)}, bound;
    e->loop = loop_or_fail();
    e->total = total;
    assert_int_equal(io_listen_at(e->loop, &place, accepted, e, &bound, &e->listener), 0);
    assert_int_equal(io_tls_new(certificate_text, key_text, &tls, why), 0);
    io_listener_set_tls(e->listener, tls);
    e->fd = plain_connected(&at, SOCK_STREAM);
    bound_buffers(e->fd, buffer);
    tls_client_init(&e->client, version);
    return e;
}

static void echo_close(struct echo *e)
{
    if (e->stream != NULL) {
        stream_close(e->stream);
    }
    if (e->fd >= 0) {
        close(e->fd);
    }
    tls_client_fini(&e->client);
    io_listener_close(e->listener);
    io_loop_free(e->loop);
    free(e);
}

/* ---- the client's side ---- */

static void client_sends(struct echo *e)
{
    for (;;) {
        if (e->held_begin == e->held_end) {
            int n = BIO_read(e->client.out, e->held, sizeof e->held);
            e->held_begin = 0;
            e->held_end = n > 0 ? (size_t)n : 0;
        }
        if (e->held_begin == e->held_end) {
            return;
        }
        ssize_t n = send(e->fd, e->held + e->held_begin, e->held_end - e->held_begin, MSG_NOSIGNAL);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            return;
        }
        e->held_begin += (size_t)n;
    }
}

static void client_receives(struct echo *e)
{
    uint8_t bytes[16384];
    ssize_t n = recv(e->fd, bytes, sizeof bytes, 0);
    assert_true(n >= 0 || errno == EAGAIN);
    if (n > 0) {
        assert_int_equal(BIO_write(e->client.in, bytes, (int)n), (int)n);
    }
    if (!SSL_is_init_finished(e->client.ssl)) {
        SSL_do_handshake(e->client.ssl);
        return;
    }
    int got;
    while ((got = tls_client_read(&e->client, bytes, sizeof bytes)) > 0) {
        for (int i = 0; i < got; i++) {
            assert_int_equal(bytes[i], pattern(e->received + (size_t)i));
        }
        e->received += (size_t)got;
    }
    e->over = got < 0;
}

static void client_writes(struct echo *e)
{
    uint8_t bytes[10000];
    while (SSL_is_init_finished(e->client.ssl) && e->sent < e->total &&
           BIO_pending(e->client.out) < (1 << 16)) {
        size_t len = e->total - e->sent < sizeof bytes ? e->total - e->sent : sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            bytes[i] = pattern(e->sent + i);
        }
        tls_client_write(&e->client, bytes, len);
        e->sent += len;
    }
    if (e->sent == e->total && !e->said_goodbye) {
        SSL_shutdown(e->client.ssl);
        e->said_goodbye = true;
    }
}

static bool all_is_back(void *ctx)
{
    struct echo *e = ctx;
    client_writes(e);
    client_sends(e);
    client_receives(e);
    return e->over;
}

static void all_comes_back_through_small_buffers_and_large_ones(void **state)
{
    (void)state;
    static const struct {
        const char *at;
        int version;
        size_t total;
        int buffer;
    } rows[] = {{"127.0.0.1:0", TLS1_2_VERSION, MUCH, 0},
                {"127.0.0.1:0", TLS1_2_VERSION, LITTLE, SMALL},
                {"[::1]:0", TLS1_3_VERSION, MUCH, 0},
                {"[::1]:0", TLS1_3_VERSION, LITTLE, SMALL}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct echo *e = echo_open(rows[i].at, rows[i].version, rows[i].total, rows[i].buffer);
        drive_until(e->loop, all_is_back, e);
        assert_int_equal(e->received, e->total);
        assert_true(e->eof);
        echo_close(e);
    }
}

static bool is_connected(void *ctx)
{
    struct echo *e = ctx;
    client_sends(e);
    client_receives(e);
    return SSL_is_init_finished(e->client.ssl) && e->stream != NULL;
}

static bool has_failed(void *ctx)
{
    return ((struct echo *)ctx)->error != 0;
}

static void a_reset_stays_one(void **state)
{
    (void)state;
    struct echo *e = echo_open("127.0.0.1:0", TLS1_3_VERSION, LITTLE, SMALL);
    struct linger now = {.l_onoff = 1};
    drive_until(e->loop, is_connected, e);
    drive_idly(e->loop);
    setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(e->fd);
    e->fd = -1;
    drive_until(e->loop, has_failed, e);
    assert_int_equal(e->error, ERR_RESET);
    echo_close(e);
}

static bool has_begun(void *ctx)
{
    struct echo *e = ctx;
    client_writes(e);
    client_sends(e);
    client_receives(e);
    return e->received > 20000;
}

/* In the middle of everything, with records half sent. */
static void a_stream_may_be_aborted_at_any_time(void **state)
{
    (void)state;
    struct echo *e = echo_open("127.0.0.1:0", TLS1_3_VERSION, LITTLE, SMALL);
    drive_until(e->loop, has_begun, e);
    stream_abort(e->stream);
    e->stream = NULL;
    drive_idly(e->loop);
    uint8_t scrap[16384];
    ssize_t n;
    while ((n = recv(e->fd, scrap, sizeof scrap, 0)) > 0) {
    }
    assert_int_equal(n, -1);
    assert_int_equal(errno, ECONNRESET);
    echo_close(e);
}

static void a_listener_may_close_before_its_streams(void **state)
{
    (void)state;
    struct echo *e = echo_open("127.0.0.1:0", TLS1_3_VERSION, LITTLE, SMALL);
    drive_until(e->loop, is_connected, e);
    struct endpoint any = endpoint_of("127.0.0.1:0"), bound;
    io_listener_close(e->listener);
    assert_int_equal(io_listen(e->loop, &any, accepted, e, &bound, &e->listener), 0);
    drive_until(e->loop, all_is_back, e);
    assert_int_equal(e->received, e->total);
    echo_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_comes_back_through_small_buffers_and_large_ones),
        cmocka_unit_test(a_reset_stays_one),
        cmocka_unit_test(a_stream_may_be_aborted_at_any_time),
        cmocka_unit_test(a_listener_may_close_before_its_streams),
    };
    EVP_PKEY *key = tls_new_key();
    key_text = tls_key_text(key, NULL);
    certificate_text = tls_certificate_text(key, 1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(key);
    free(key_text);
    free(certificate_text);
    return failed;
}
