/* SPDX-License-Identifier: MIT */
/* TLS between a stream and its owner. OpenSSL reads and writes the stream below by a BIO of ours, so that sockets of
 * every kind, their resets and their ends stay tcp_stream.c's. Two things are not as with a socket: reading may have to
 * wait until something can be written, and the other way round; and bytes may lie in OpenSSL of which no socket will
 * tell any more. */
#include "io/tls.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "io/tls_openssl.h"

#define RECORD_MAX 16384 /* RFC 8446 section 5.1 */

struct tls_stream {
    struct stream stream;
    struct io_loop *loop;
    struct stream *under;
    SSL *ssl;
    struct soon again; /* tells of what lies in OpenSSL, or of the end */

    unsigned wanted;                  /* by the owner */
    unsigned read_needs, write_needs; /* of the stream below, for reading and writing to go on */
    bool has_more;                    /* read() has something to give without an event from below */
    bool ended;                       /* nothing more comes: close_notify, or the end below */
    int error;                        /* nothing goes any more */
    bool saying_goodbye;              /* close_notify waits for room */

    bool under_ended; /* what the BIO has met below */
    int under_error;

    bool in_ready, closed;
};

static struct tls_stream *from_stream(struct stream *s)
{
    return container_of(s, struct tls_stream, stream);
}

/* ---- the stream below, for OpenSSL ---- */

static int bio_read(BIO *bio, char *buf, int len)
{
    struct tls_stream *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = stream_read(t->under, buf, (size_t)len);
    if (n == ERR_AGAIN) {
        BIO_set_retry_read(bio);
    } else if (n == 0) {
        t->under_ended = true;
        return 0;
    } else if (n < 0) {
        t->under_error = (int)n;
    }
    return n > 0 ? (int)n : -1;
}

static int bio_write(BIO *bio, const char *buf, int len)
{
    struct tls_stream *t = BIO_get_data(bio);
    struct iovec iov = {(char *)buf, (size_t)len}; /* only read */
    BIO_clear_retry_flags(bio);
    ssize_t n = stream_writev(t->under, &iov, 1);
    if (n == ERR_AGAIN) {
        BIO_set_retry_write(bio);
    } else if (n < 0) {
        t->under_error = (int)n;
    }
    return n > 0 ? (int)n : -1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    struct tls_stream *t = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || (command == BIO_CTRL_EOF && t->under_ended);
}

/* One for all, as long as the program runs. */
static const BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *method;
    if (method == NULL &&
        (method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream")) != NULL) {
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_ctrl(method, bio_control);
    }
    return method;
}

/* ---- what is waited for ---- */

static void watch(struct tls_stream *t)
{
    unsigned events = t->saying_goodbye ? STREAM_WRITABLE : 0;
    if (t->wanted & STREAM_READABLE) {
        events |= t->read_needs;
    }
    if (t->wanted & STREAM_WRITABLE) {
        events |= t->write_needs;
    }
    stream_want(t->under, events);
    if (t->wanted & STREAM_READABLE && t->has_more) {
        loop_soon(t->loop, &t->again);
    } else {
        loop_soon_cancel(&t->again);
    }
}

static void want(struct stream *s, unsigned events)
{
    struct tls_stream *t = from_stream(s);
    assert(!t->closed);
    t->wanted = events;
    watch(t);
}

/* The owner may close the stream meanwhile. */
static void tell(struct tls_stream *t, unsigned events, struct now now)
{
    if (events != 0) {
        t->in_ready = true;
        t->stream.handler->ready(t->stream.ctx, events, now);
        t->in_ready = false;
    }
    if (t->closed) {
        free(t);
    } else {
        watch(t);
    }
}

static void say_goodbye(struct tls_stream *t);

static void under_ready(void *ctx, unsigned events, struct now now)
{
    struct tls_stream *t = ctx;
    unsigned came = 0;
    if (t->saying_goodbye && events & STREAM_WRITABLE) {
        say_goodbye(t);
    }
    if (t->wanted & STREAM_READABLE && events & t->read_needs) {
        came |= STREAM_READABLE;
    }
    if (t->wanted & STREAM_WRITABLE && events & t->write_needs) {
        came |= STREAM_WRITABLE;
    }
    if (t->wanted == 0 && events & STREAM_BROKEN) {
        came = STREAM_BROKEN;
    }
    tell(t, came, now);
}

static const struct stream_handler under_handler = {.ready = under_ready};

static void run_again(struct soon *self, struct now now)
{
    struct tls_stream *t = container_of(self, struct tls_stream, again);
    tell(t, t->has_more ? t->wanted & STREAM_READABLE : 0, now);
}

/* ---- bytes ---- */

/* What OpenSSL did not like says why a client did not get through: it does not trust the certificate, or it does not
 * speak TLS at all. Its own close would add nothing. */
static void fail(struct tls_stream *t)
{
    char text[ENDPOINT_TEXT];
    if (t->under_error != 0) {
        t->error = t->under_error;
        return;
    }
    if (t->under_ended) {
        t->ended = true;
        return;
    }
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    log_debug(t->loop->log, "TLS with %s ends: %s",
              t->stream.remote.addr.family != FAMILY_NONE ? endpoint_format(&t->stream.remote, text)
                                                          : "a client",
              reason != NULL ? reason : "no reason known");
    t->error = ERR_CLOSED;
}

/* Why nothing went, by OpenSSL's result: *needs is what it waits for, and true if it does. */
static bool is_waiting(struct tls_stream *t, int result, unsigned *needs)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        *needs = STREAM_READABLE;
        return true;
    case SSL_ERROR_WANT_WRITE:
        *needs = STREAM_WRITABLE;
        return true;
    case SSL_ERROR_ZERO_RETURN:
        t->ended = true;
        return false;
    default:
        fail(t);
        return false;
    }
}

static bool read_some(struct tls_stream *t, uint8_t *to, size_t len, size_t *got)
{
    ERR_clear_error();
    int n = SSL_read(t->ssl, to + *got, len - *got < INT_MAX ? (int)(len - *got) : INT_MAX);
    if (n > 0) {
        *got += (size_t)n;
        t->has_more = SSL_has_pending(t->ssl) == 1;
        return true;
    }
    t->has_more = !is_waiting(t, n, &t->read_needs);
    return false;
}

static ssize_t read_bytes(struct stream *s, void *buf, size_t len)
{
    struct tls_stream *t = from_stream(s);
    size_t got = 0;
    assert(!t->closed && len > 0);
    t->read_needs = STREAM_READABLE;
    while (got < len && !t->ended && t->error == 0 && read_some(t, buf, len, &got)) {
    }
    t->write_needs = STREAM_WRITABLE; /* what writing waited for may have come */
    watch(t);
    if (got > 0) {
        return (ssize_t)got;
    }
    return t->error != 0 ? t->error : t->ended ? 0 : ERR_AGAIN;
}

/* What lies at `at` of the slices, a record of it at most; short ones are put together for a moment. OpenSSL asks that
 * no less than before is offered again where a record found no room, and slices may be cut otherwise by then. */
static const void *piece(const struct iovec *iov, int n, size_t at, size_t *len)
{
    static uint8_t together[RECORD_MAX];
    int i = 0;
    for (; at >= iov[i].iov_len; i++) {
        at -= iov[i].iov_len;
    }
    const uint8_t *first = (const uint8_t *)iov[i].iov_base + at;
    size_t whole = iov[i].iov_len - at;
    if (whole >= RECORD_MAX || i == n - 1) {
        *len = whole < RECORD_MAX ? whole : RECORD_MAX;
        return first;
    }
    memcpy(together, first, whole);
    *len = whole;
    for (i++; i < n && *len < RECORD_MAX; i++) {
        size_t room = RECORD_MAX - *len;
        size_t more = iov[i].iov_len < room ? iov[i].iov_len : room;
        if (more > 0) {
            memcpy(together + *len, iov[i].iov_base, more);
            *len += more;
        }
    }
    return together;
}

static bool write_some(struct tls_stream *t, const void *from, size_t len, size_t *put)
{
    bool shaking = !SSL_is_init_finished(t->ssl);
    ERR_clear_error();
    int n = SSL_write(t->ssl, from, (int)len);
    if (shaking && SSL_has_pending(t->ssl) == 1) {
        t->has_more = true; /* it came with the handshake */
    }
    if (n > 0) {
        *put += (size_t)n;
        return true;
    }
    if (!is_waiting(t, n, &t->write_needs)) {
        t->has_more = true; /* and reading has an end to tell */
        t->error = t->error != 0 ? t->error : ERR_CLOSED;
    }
    return false;
}

static ssize_t write_bytes(struct stream *s, const struct iovec *iov, int n)
{
    struct tls_stream *t = from_stream(s);
    size_t put = 0, total = 0, len;
    assert(!t->closed);
    for (int i = 0; i < n; i++) {
        total += iov[i].iov_len;
    }
    t->write_needs = STREAM_WRITABLE;
    while (put < total && t->error == 0) {
        const void *from = piece(iov, n, put, &len);
        if (!write_some(t, from, len, &put)) {
            break;
        }
    }
    t->read_needs = STREAM_READABLE;
    watch(t);
    if (put > 0 || total == 0) {
        return (ssize_t)put;
    }
    return t->error != 0 ? t->error : ERR_AGAIN;
}

/* ---- ends ---- */

/* close_notify, then FIN. */
static void say_goodbye(struct tls_stream *t)
{
    if (t->error == 0 && SSL_is_init_finished(t->ssl)) {
        ERR_clear_error();
        int n = SSL_shutdown(t->ssl);
        t->saying_goodbye = n < 0 && SSL_get_error(t->ssl, n) == SSL_ERROR_WANT_WRITE;
    } else {
        t->saying_goodbye = false;
    }
    if (!t->saying_goodbye) {
        stream_shutdown(t->under);
    }
}

static void shutdown_write(struct stream *s)
{
    struct tls_stream *t = from_stream(s);
    say_goodbye(t);
    watch(t);
}

/* Inside ready() the memory stays until the owner is back. */
static void release(struct tls_stream *t)
{
    assert(!t->closed);
    t->closed = true;
    loop_soon_cancel(&t->again);
    SSL_free(t->ssl);
    if (!t->in_ready) {
        free(t);
    }
}

/* Where close_notify finds no room now, FIN alone has to do: nobody is left to wait. */
static void close_orderly(struct stream *s)
{
    struct tls_stream *t = from_stream(s);
    struct stream *under = t->under;
    if ((SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN) == 0) {
        say_goodbye(t);
    }
    release(t);
    stream_close(under);
}

static void close_by_reset(struct stream *s)
{
    struct tls_stream *t = from_stream(s);
    struct stream *under = t->under;
    release(t);
    stream_abort(under);
}

static const struct stream_ops ops = {
    .read = read_bytes,
    .writev = write_bytes,
    .want = want,
    .shutdown = shutdown_write,
    .close = close_orderly,
    .abort = close_by_reset,
};

static SSL *new_ssl(const struct io_tls *tls, struct tls_stream *t)
{
    const BIO_METHOD *method = bio_method();
    BIO *bio = method != NULL ? BIO_new(method) : NULL;
    SSL *ssl = bio != NULL ? SSL_new(tls->context) : NULL;
    if (ssl == NULL) {
        BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return ssl;
}

int tls_stream_new(struct io_loop *loop, const struct io_tls *tls, struct stream *under,
                   struct stream **out)
{
    struct tls_stream *t = calloc(1, sizeof *t);
    SSL *ssl = t != NULL ? new_ssl(tls, t) : NULL;
    if (ssl == NULL) {
        free(t);
        stream_abort(under);
        return ERR_NOMEM;
    }
    t->stream = (struct stream){.ops = &ops, .remote = under->remote, .local = under->local};
    t->loop = loop;
    t->under = under;
    t->ssl = ssl;
    t->read_needs = STREAM_READABLE;
    t->write_needs = STREAM_WRITABLE;
    t->again.run = run_again;
    list_init(&t->again.link);
    under->handler = &under_handler;
    under->ctx = t;
    *out = &t->stream;
    return 0;
}
