/* SPDX-License-Identifier: MIT */
/* TLS over a stream that the test scripts byte by byte: what is there to read, and how much room there is to write. */
#include "unit/io/drive.h"
#include "unit/io/tls_client.h"

#include "io/tls.h"

/* ---- the stream below ---- */

struct wire {
    struct stream stream;
    struct tls_client client;
    size_t room;    /* of what we write; the client gets it at once */
    size_t arrived; /* of what the client has written: the rest is still on its way */
    bool client_ended;
    int error;
    unsigned wanted;
    bool shut, closed, aborted;
};

static struct wire *wire_of(struct stream *s)
{
    return container_of(s, struct wire, stream);
}

static ssize_t wire_read(struct stream *s, void *buf, size_t len)
{
    struct wire *w = wire_of(s);
    size_t n = len < w->arrived ? len : w->arrived;
    if (w->error != 0) {
        return w->error;
    }
    if (n == 0) {
        return w->client_ended ? 0 : ERR_AGAIN;
    }
    assert_int_equal(BIO_read(w->client.out, buf, (int)n), (int)n);
    w->arrived -= n;
    return (ssize_t)n;
}

static ssize_t wire_writev(struct stream *s, const struct iovec *iov, int n_iov)
{
    struct wire *w = wire_of(s);
    assert_int_equal(n_iov, 1);
    assert_false(w->shut);
    size_t n = iov[0].iov_len < w->room ? iov[0].iov_len : w->room;
    if (w->error != 0) {
        return w->error;
    }
    if (n == 0) {
        return ERR_AGAIN;
    }
    assert_int_equal(BIO_write(w->client.in, iov[0].iov_base, (int)n), (int)n);
    w->room -= n;
    return (ssize_t)n;
}

static void wire_want(struct stream *s, unsigned events)
{
    wire_of(s)->wanted = events;
}

static void wire_shutdown(struct stream *s)
{
    wire_of(s)->shut = true;
}

static void wire_close(struct stream *s)
{
    wire_of(s)->shut = wire_of(s)->closed = true;
}

static void wire_abort(struct stream *s)
{
    wire_of(s)->aborted = true;
}

static const struct stream_ops wire_ops = {.read = wire_read,
                                           .writev = wire_writev,
                                           .want = wire_want,
                                           .shutdown = wire_shutdown,
                                           .close = wire_close,
                                           .abort = wire_abort};

/* ---- the scene ---- */

struct scene {
    struct io_loop *loop;
    struct log log;
    char said[512];
    struct io_tls *tls;
    struct wire wire;
    struct stream *stream; /* ours; NULL once the test has closed it */
    unsigned calls, last;
    /* What to do when called. */
    size_t read_at_next;
    bool close_at_next;
    uint8_t got[65536];
    size_t n_got;
    ssize_t result;
};

static char *key_text, *certificate_text;

static void said(void *ctx, enum log_level level, const char *line)
{
    struct scene *p = ctx;
    assert_int_equal(level, LOG_DEBUG);
    strncat(p->said, line, sizeof p->said - strlen(p->said) - 1);
    strncat(p->said, "\n", sizeof p->said - strlen(p->said) - 1);
}

static void read_more(struct scene *p, size_t len)
{
    p->result = stream_read(p->stream, p->got + p->n_got, len);
    if (p->result > 0) {
        p->n_got += (size_t)p->result;
    }
}

static void scene_ready(void *ctx, unsigned events, struct now now)
{
    (void)now;
    struct scene *p = ctx;
    p->calls++;
    p->last = events;
    if (p->read_at_next > 0 && events & STREAM_READABLE) {
        read_more(p, p->read_at_next);
    }
    if (p->close_at_next) {
        stream_close(p->stream);
        p->stream = NULL;
    }
}

static const struct stream_handler handler = {.ready = scene_ready};

static void scene_open(struct scene *p, int version)
{
    char why[IO_TLS_WHY];
    *p = (struct scene){.log = {.level = LOG_DEBUG, .write = said, .ctx = p}};
    assert_int_equal(io_loop_new(&p->loop, &p->log), 0);
    assert_int_equal(io_tls_new(certificate_text, key_text, &p->tls, why), 0);
    tls_client_init(&p->wire.client, version);
    p->wire.stream.ops = &wire_ops;
    p->wire.room = SIZE_MAX;
    assert_int_equal(tls_stream_new(p->loop, p->tls, &p->wire.stream, &p->stream), 0);
    p->stream->handler = &handler;
    p->stream->ctx = p;
    io_tls_free(p->tls); /* a stream outlives the listener that has accepted it */
}

static void scene_close(struct scene *p)
{
    if (p->stream != NULL) {
        stream_close(p->stream);
        assert_true(p->wire.closed);
    }
    tls_client_fini(&p->wire.client);
    io_loop_free(p->loop);
}

/* The stream below is ready for these, if somebody waits for them. */
static void wake(struct scene *p, unsigned events)
{
    if (p->wire.wanted & events) {
        p->wire.stream.handler->ready(p->wire.stream.ctx, p->wire.wanted & events, io_now(p->loop));
    }
}

/* All that the client has written arrives, in so many bytes at a time. */
static void deliver(struct scene *p, size_t piece)
{
    while (BIO_pending(p->wire.client.out) > 0 && p->stream != NULL) {
        size_t left = (size_t)BIO_pending(p->wire.client.out);
        p->wire.arrived = left < piece ? left : piece;
        wake(p, STREAM_READABLE);
        if (p->wire.arrived > 0) {
            return; /* nobody reads any more */
        }
    }
}

/* Reads whatever comes, the handshake first. */
static void shake_hands(struct scene *p, size_t piece)
{
    p->read_at_next = sizeof p->got;
    stream_want(p->stream, STREAM_READABLE);
    for (int i = 0; i < 8 && !SSL_is_init_finished(p->wire.client.ssl); i++) {
        SSL_do_handshake(p->wire.client.ssl);
        deliver(p, piece);
    }
    assert_true(SSL_is_init_finished(p->wire.client.ssl));
    assert_int_equal(p->result, ERR_AGAIN);
    assert_int_equal(p->n_got, 0);
    p->calls = 0;
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

static void fill(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = pattern(i);
    }
}

static void assert_pattern(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(bytes[i], pattern(i));
    }
}

static ssize_t write_bytes(struct scene *p, const void *bytes, size_t len)
{
    struct iovec iov = {(void *)bytes, len};
    return stream_writev(p->stream, &iov, 1);
}

static void assert_client_reads(struct scene *p, const char *text)
{
    char got[64];
    assert_int_equal(tls_client_read(&p->wire.client, got, sizeof got), (int)strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* ---- reading ---- */

static void any_split_of_what_comes_gives_the_same(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 5, 6, 333, 16384, 16406, 1 << 20};
    static uint8_t sent[40000];
    fill(sent, sizeof sent);
    for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
            struct scene p;
            scene_open(&p, versions[v]);
            shake_hands(&p, pieces[i]);
            tls_client_write(&p.wire.client, sent, sizeof sent);
            deliver(&p, pieces[i]);
            drive_idly(p.loop);
            assert_int_equal(p.n_got, sizeof sent);
            assert_pattern(p.got, p.n_got);
            scene_close(&p);
        }
    }
}

static bool has_sixty(void *ctx)
{
    return ((struct scene *)ctx)->n_got == 60;
}

/* Once they are in OpenSSL no socket tells of them. */
static void bytes_that_lie_in_openssl_are_told_until_they_are_read(void **state)
{
    (void)state;
    uint8_t sent[60];
    struct scene p;
    scene_open(&p, TLS1_3_VERSION);
    shake_hands(&p, SIZE_MAX);
    fill(sent, sizeof sent);
    for (size_t i = 0; i < sizeof sent; i += 20) {
        tls_client_write(&p.wire.client, sent + i, 20);
    }
    p.read_at_next = 1;
    deliver(&p, SIZE_MAX);
    assert_int_equal(p.n_got, 1);
    stream_want(p.stream, 0);
    drive_idly(p.loop);
    assert_int_equal(p.n_got, 1);
    stream_want(p.stream, STREAM_READABLE);
    assert_int_equal(p.n_got, 1); /* never from inside an operation */
    drive_until(p.loop, has_sixty, &p);
    assert_pattern(p.got, 60);
    unsigned calls = p.calls;
    drive_idly(p.loop);
    assert_in_range(p.calls, calls, calls + 1); /* to find that there is no more */
    scene_close(&p);
}

/* Half a record is nothing to be told of, or the loop would spin. */
static void a_record_that_is_not_whole_is_waited_for(void **state)
{
    (void)state;
    struct scene p;
    scene_open(&p, TLS1_3_VERSION);
    shake_hands(&p, SIZE_MAX);
    tls_client_write(&p.wire.client, "first", 5);
    size_t whole = (size_t)BIO_pending(p.wire.client.out);
    tls_client_write(&p.wire.client, "second", 6);
    p.wire.arrived = whole + 9;
    wake(&p, STREAM_READABLE);
    assert_int_equal(p.n_got, 5);
    p.calls = 0;
    drive_idly(p.loop);
    assert_int_equal(p.calls, 0);
    deliver(&p, SIZE_MAX);
    assert_memory_equal(p.got, "firstsecond", 11);
    scene_close(&p);
}

/* ---- writing ---- */

/* The owner has moved its bytes, and cuts them otherwise, when there is room again. */
static void what_found_no_room_is_sent_when_there_is_some(void **state)
{
    (void)state;
    static uint8_t from[100000], elsewhere[100000], got[100000];
    for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
        struct scene p;
        size_t put = 0, n_got = 0, step = 1;
        scene_open(&p, versions[v]);
        shake_hands(&p, SIZE_MAX);
        fill(from, sizeof from);
        while (n_got < sizeof got) {
            p.wire.room = step = step * 7 % 5003;
            memcpy(elsewhere, from, sizeof from);
            uint8_t *bytes = step % 2 != 0 ? from : elsewhere;
            size_t left = sizeof from - put, first = left < step ? left : step,
                   second = (left - first) / 2;
            struct iovec iov[] = {{bytes + put, first},
                                  {NULL, 0},
                                  {bytes + put + first, second},
                                  {bytes + put + first + second, left - first - second}};
            ssize_t n = left > 0 ? stream_writev(p.stream, iov, 4) : 0;
            assert_true(n >= 0 || n == ERR_AGAIN);
            put += n > 0 ? (size_t)n : 0;
            for (int r; (r = tls_client_read(&p.wire.client, got + n_got, 16384)) > 0;) {
                n_got += (size_t)r;
            }
        }
        assert_int_equal(put, sizeof from);
        assert_pattern(got, sizeof got);
        scene_close(&p);
    }
}

static void the_handshake_waits_for_room_too(void **state)
{
    (void)state;
    struct scene p;
    scene_open(&p, TLS1_3_VERSION);
    p.wire.room = 10;
    p.read_at_next = sizeof p.got;
    stream_want(p.stream, STREAM_READABLE);
    SSL_do_handshake(p.wire.client.ssl);
    deliver(&p, SIZE_MAX);
    assert_int_equal(p.result, ERR_AGAIN);
    assert_int_equal(p.wire.wanted, STREAM_WRITABLE); /* what can be read would spin the loop */
    p.wire.room = SIZE_MAX;
    wake(&p, STREAM_WRITABLE);
    assert_int_equal(p.wire.wanted, STREAM_READABLE);
    shake_hands(&p, SIZE_MAX);
    tls_client_write(&p.wire.client, "x", 1);
    deliver(&p, SIZE_MAX);
    assert_int_equal(p.n_got, 1);
    scene_close(&p);
}

/* Whoever only writes shakes hands all the same, and hears of what came along. */
static void writing_waits_for_the_handshake(void **state)
{
    (void)state;
    struct scene p;
    scene_open(&p, TLS1_3_VERSION);
    assert_int_equal(write_bytes(&p, "hello", 5), ERR_AGAIN);
    stream_want(p.stream, STREAM_WRITABLE);
    assert_int_equal(p.wire.wanted, STREAM_READABLE);
    SSL_do_handshake(p.wire.client.ssl);
    p.wire.arrived = (size_t)BIO_pending(p.wire.client.out);
    wake(&p, STREAM_READABLE);
    assert_int_equal(p.last, STREAM_WRITABLE);
    assert_int_equal(write_bytes(&p, "hello", 5), ERR_AGAIN);
    assert_int_equal(SSL_do_handshake(p.wire.client.ssl), 1);
    tls_client_write(&p.wire.client, "early", 5);
    p.wire.arrived = (size_t)BIO_pending(p.wire.client.out);
    assert_int_equal(write_bytes(&p, "hello", 5), 5);
    assert_client_reads(&p, "hello");
    p.read_at_next = sizeof p.got;
    stream_want(p.stream, STREAM_READABLE);
    drive_idly(p.loop);
    assert_int_equal(p.n_got, 5);
    scene_close(&p);
}

static void keys_may_be_renewed(void **state)
{
    (void)state;
    struct scene p;
    scene_open(&p, TLS1_3_VERSION);
    shake_hands(&p, SIZE_MAX);
    assert_int_equal(SSL_key_update(p.wire.client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    tls_client_write(&p.wire.client, "new", 3);
    deliver(&p, 1);
    assert_int_equal(p.n_got, 3);
    assert_int_equal(write_bytes(&p, "newer", 5), 5);
    assert_client_reads(&p, "newer");
    scene_close(&p);
}

/* ---- ends ---- */

static void the_clients_end_is_zero_and_writing_goes_on(void **state)
{
    (void)state;
    for (size_t v = 0; v < 2 * ARRAY_SIZE(versions); v++) {
        struct scene p;
        scene_open(&p, versions[v / 2]);
        shake_hands(&p, SIZE_MAX);
        tls_client_write(&p.wire.client, "last", 4);
        p.wire.client_ended = v % 2 != 0; /* without close_notify */
        if (!p.wire.client_ended) {
            SSL_shutdown(p.wire.client.ssl);
        }
        deliver(&p, SIZE_MAX);
        assert_int_equal(p.n_got, 4);
        drive_idly(p.loop); /* the end is told again until nobody wants it */
        assert_int_equal(p.result, 0);
        assert_true(p.calls > 2);
        stream_want(p.stream, 0);
        p.calls = 0;
        drive_idly(p.loop);
        assert_int_equal(p.calls, 0);
        assert_int_equal(stream_read(p.stream, p.got, 1), 0);
        assert_int_equal(write_bytes(&p, "answer", 6), 6);
        stream_shutdown(p.stream);
        if (p.wire.client_ended) {
            assert_client_reads(&p, "answer");
        }
        assert_true(p.wire.shut);
        assert_string_equal(p.said, "");
        scene_close(&p);
    }
}

static void shutdown_says_goodbye_and_reading_goes_on(void **state)
{
    (void)state;
    for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
        struct scene p;
        char got[8];
        scene_open(&p, versions[v]);
        shake_hands(&p, SIZE_MAX);
        assert_int_equal(write_bytes(&p, "bye", 3), 3);
        stream_shutdown(p.stream);
        assert_true(p.wire.shut);
        assert_client_reads(&p, "bye");
        assert_int_equal(tls_client_read(&p.wire.client, got, sizeof got), -1);
        tls_client_write(&p.wire.client, "still here", 10);
        deliver(&p, 3);
        assert_int_equal(p.n_got, 10);
        scene_close(&p);
    }
}

static void goodbye_waits_for_room(void **state)
{
    (void)state;
    struct scene p;
    char got[8];
    scene_open(&p, TLS1_3_VERSION);
    shake_hands(&p, SIZE_MAX);
    stream_want(p.stream, 0);
    p.wire.room = 5;
    stream_shutdown(p.stream);
    assert_false(p.wire.shut);
    assert_int_equal(p.wire.wanted, STREAM_WRITABLE);
    p.wire.room = SIZE_MAX;
    wake(&p, STREAM_WRITABLE);
    assert_true(p.wire.shut);
    assert_int_equal(p.wire.wanted, 0);
    assert_int_equal(tls_client_read(&p.wire.client, got, sizeof got), -1);
    assert_int_equal(p.calls, 0);
    scene_close(&p);
}

static void close_says_goodbye_and_abort_does_not(void **state)
{
    (void)state;
    char got[8];
    for (int abort = 0; abort < 2; abort++) {
        struct scene p;
        scene_open(&p, TLS1_3_VERSION);
        shake_hands(&p, SIZE_MAX);
        if (abort) {
            stream_abort(p.stream);
        } else {
            stream_close(p.stream);
        }
        p.stream = NULL;
        assert_int_equal(p.wire.closed, !abort);
        assert_int_equal(p.wire.aborted, abort);
        assert_int_equal(tls_client_read(&p.wire.client, got, sizeof got), abort ? 0 : -1);
        scene_close(&p);
    }
}

static void a_reset_below_is_one_here(void **state)
{
    (void)state;
    struct scene p;
    scene_open(&p, TLS1_3_VERSION);
    shake_hands(&p, SIZE_MAX);
    p.wire.error = ERR_RESET;
    wake(&p, STREAM_READABLE);
    assert_int_equal(p.result, ERR_RESET);
    assert_int_equal(write_bytes(&p, "x", 1), ERR_RESET);
    assert_string_equal(p.said, "");
    scene_close(&p);

    scene_open(&p, TLS1_3_VERSION);
    shake_hands(&p, SIZE_MAX);
    p.wire.error = ERR_CLOSED;
    assert_int_equal(write_bytes(&p, "x", 1), ERR_CLOSED);
    scene_close(&p);
}

static void what_breaks_while_nothing_is_wanted_is_told(void **state)
{
    (void)state;
    struct scene p;
    scene_open(&p, TLS1_3_VERSION);
    shake_hands(&p, SIZE_MAX);
    stream_want(p.stream, 0);
    p.wire.stream.handler->ready(p.wire.stream.ctx, STREAM_BROKEN, io_now(p.loop));
    assert_int_equal(p.calls, 1);
    assert_int_equal(p.last, STREAM_BROKEN);
    scene_close(&p);
}

static void a_stream_may_be_closed_when_it_is_told_of_something(void **state)
{
    (void)state;
    struct scene p;
    for (int from_the_loop = 0; from_the_loop < 2; from_the_loop++) {
        scene_open(&p, TLS1_3_VERSION);
        shake_hands(&p, SIZE_MAX);
        tls_client_write(&p.wire.client, "abc", 3);
        p.read_at_next = 1;
        p.close_at_next = !from_the_loop;
        deliver(&p, SIZE_MAX);
        p.close_at_next = true;
        drive_idly(p.loop);
        assert_null(p.stream);
        assert_true(p.wire.closed);
        assert_int_equal(p.calls, from_the_loop ? 2 : 1);
        scene_close(&p);
    }
}

/* ---- who does not get in ---- */

static void plain_text_is_shut_out_with_one_line(void **state)
{
    (void)state;
    struct scene p;
    char text[] = "GET http://secret.example/ HTTP/1.1\r\n\r\n";
    scene_open(&p, TLS1_3_VERSION);
    p.read_at_next = sizeof p.got;
    stream_want(p.stream, STREAM_READABLE);
    BIO_write(p.wire.client.out, text, sizeof text - 1);
    deliver(&p, SIZE_MAX);
    assert_int_equal(p.result, ERR_CLOSED);
    assert_int_equal(write_bytes(&p, "x", 1), ERR_CLOSED);
    drive_idly(p.loop);
    assert_string_equal(p.said, "TLS with a client ends: http request\n");
    assert_int_equal(p.n_got, 0);
    scene_close(&p);
}

static void an_old_protocol_is_shut_out(void **state)
{
    (void)state;
    struct scene p;
    scene_open(&p, TLS1_1_VERSION);
    p.read_at_next = sizeof p.got;
    stream_want(p.stream, STREAM_READABLE);
    SSL_do_handshake(p.wire.client.ssl);
    deliver(&p, SIZE_MAX);
    assert_int_equal(p.result, ERR_CLOSED);
    assert_string_equal(p.said, "TLS with a client ends: unsupported protocol\n");
    scene_close(&p);
}

static void whoever_leaves_in_the_middle_of_the_handshake_has_ended(void **state)
{
    (void)state;
    struct scene p;
    scene_open(&p, TLS1_3_VERSION);
    p.read_at_next = sizeof p.got;
    stream_want(p.stream, STREAM_READABLE);
    SSL_do_handshake(p.wire.client.ssl);
    p.wire.client_ended = true;
    deliver(&p, 100);
    drive_idly(p.loop);
    assert_int_equal(p.result, 0);
    assert_string_equal(p.said, "");
    scene_close(&p);
}

static void nobody_can_have_new_parameters_agreed_on(void **state)
{
    (void)state;
    struct scene p;
    scene_open(&p, TLS1_2_VERSION);
    shake_hands(&p, SIZE_MAX);
    assert_int_equal(SSL_renegotiate(p.wire.client.ssl), 1);
    SSL_do_handshake(p.wire.client.ssl);
    deliver(&p, SIZE_MAX);
    SSL_do_handshake(p.wire.client.ssl);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    scene_close(&p);
}

/* ---- what is agreed on ---- */

static void http_is_the_one_protocol_inside(void **state)
{
    (void)state;
    static const struct {
        const char *offered, *chosen;
    } rows[] = {{"\2h2\x08http/1.1", "http/1.1"}, {"\2h2", ""}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct scene p;
        const unsigned char *chosen;
        unsigned len;
        scene_open(&p, TLS1_3_VERSION);
        SSL_set_alpn_protos(p.wire.client.ssl, (const unsigned char *)rows[i].offered,
                            (unsigned)strlen(rows[i].offered));
        shake_hands(&p, SIZE_MAX);
        SSL_get0_alpn_selected(p.wire.client.ssl, &chosen, &len);
        assert_int_equal(len, strlen(rows[i].chosen));
        assert_memory_equal(chosen != NULL ? (const char *)chosen : "", rows[i].chosen, len);
        scene_close(&p);
    }
}

static void a_client_may_come_back_with_its_ticket(void **state)
{
    (void)state;
    char why[IO_TLS_WHY], got[8];
    struct io_tls *tls;
    struct scene p;
    assert_int_equal(io_tls_new(certificate_text, key_text, &tls, why), 0);
    scene_open(&p, TLS1_3_VERSION);
    stream_close(p.stream);
    SSL_SESSION *session = NULL;
    for (int i = 0; i < 2; i++) {
        tls_client_fini(&p.wire.client);
        p.wire = (struct wire){.stream.ops = &wire_ops, .room = SIZE_MAX};
        tls_client_init(&p.wire.client, TLS1_3_VERSION);
        if (session != NULL) {
            SSL_set_session(p.wire.client.ssl, session);
        }
        assert_int_equal(tls_stream_new(p.loop, tls, &p.wire.stream, &p.stream), 0);
        p.stream->handler = &handler;
        p.stream->ctx = &p;
        shake_hands(&p, SIZE_MAX);
        assert_int_equal(SSL_session_reused(p.wire.client.ssl), i);
        assert_int_equal(tls_client_read(&p.wire.client, got, sizeof got),
                         0); /* takes the ticket */
        SSL_SESSION_free(session);
        session = SSL_get1_session(p.wire.client.ssl);
        SSL_shutdown(p.wire.client.ssl);
        stream_close(p.stream);
    }
    p.stream = NULL;
    SSL_SESSION_free(session);
    io_tls_free(tls);
    scene_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_of_what_comes_gives_the_same),
        cmocka_unit_test(bytes_that_lie_in_openssl_are_told_until_they_are_read),
        cmocka_unit_test(a_record_that_is_not_whole_is_waited_for),
        cmocka_unit_test(what_found_no_room_is_sent_when_there_is_some),
        cmocka_unit_test(the_handshake_waits_for_room_too),
        cmocka_unit_test(writing_waits_for_the_handshake),
        cmocka_unit_test(keys_may_be_renewed),
        cmocka_unit_test(the_clients_end_is_zero_and_writing_goes_on),
        cmocka_unit_test(shutdown_says_goodbye_and_reading_goes_on),
        cmocka_unit_test(goodbye_waits_for_room),
        cmocka_unit_test(close_says_goodbye_and_abort_does_not),
        cmocka_unit_test(a_reset_below_is_one_here),
        cmocka_unit_test(what_breaks_while_nothing_is_wanted_is_told),
        cmocka_unit_test(a_stream_may_be_closed_when_it_is_told_of_something),
        cmocka_unit_test(plain_text_is_shut_out_with_one_line),
        cmocka_unit_test(an_old_protocol_is_shut_out),
        cmocka_unit_test(whoever_leaves_in_the_middle_of_the_handshake_has_ended),
        cmocka_unit_test(nobody_can_have_new_parameters_agreed_on),
        cmocka_unit_test(http_is_the_one_protocol_inside),
        cmocka_unit_test(a_client_may_come_back_with_its_ticket),
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
