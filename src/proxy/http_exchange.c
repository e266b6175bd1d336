/* SPDX-License-Identifier: MIT */
/* The two directions of an exchange.
 *
 * Up: the rewritten head, then the body. What was read ahead of the request goes first; then the
 * client's socket is read straight into the tunnel's send space where the length is known, and
 * through the read-ahead where each chunk has to be looked at: what follows the body is the next
 * request.
 *
 * Down: the head is gathered and rewritten, interim ones (1xx) as well; the body is written to the
 * client straight from what the tunnel received. */
#include "proxy/http_exchange.h"

#include "base/bytes.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICES 64
#define BUDGET ((size_t)256 * 1024) /* each way per call */

struct http_exchange {
    struct handshake *h;
    struct stream *client;
    struct stack_tcp *tunnel;
    size_t head_sent; /* of the request's head */
    bool up_done;
    bool heard;         /* bytes came from the server */
    bool said_anything; /* bytes went to the client */
    bool has_final;     /* the head of the final response was taken */
    bool upgraded, keeps, server_keeps;
    struct http_body down;

    char *head; /* of a response, being gathered */
    size_t have;
    char *out; /* the rewritten one, being written */
    size_t out_len, out_at;

    uint64_t n_up, n_down;
    int err;
};

static struct http_door *door_of(const struct http_exchange *x)
{
    return &x->h->door.http;
}

int http_exchange_new(struct http_exchange **out, struct handshake *h, struct stream *client,
                      struct stack_tcp *tunnel)
{
    struct http_exchange *x = calloc(1, sizeof *x);
    if (x == NULL) {
        return ERR_NOMEM;
    }
    x->h = h;
    x->client = client;
    x->tunnel = tunnel;
    *out = x;
    return 0;
}

void http_exchange_free(struct http_exchange *x)
{
    if (x != NULL) {
        free(x->head);
        free(x->out);
        free(x);
    }
}

int http_exchange_error(const struct http_exchange *x)
{
    return x->err;
}

bool http_exchange_has_heard(const struct http_exchange *x)
{
    return x->heard;
}

bool http_exchange_server_keeps(const struct http_exchange *x)
{
    return x->server_keeps;
}

uint64_t http_exchange_up(const struct http_exchange *x)
{
    return x->n_up;
}

uint64_t http_exchange_down(const struct http_exchange *x)
{
    return x->n_down;
}

static enum http_progress over(struct http_exchange *x, enum http_progress progress, int err)
{
    x->err = err;
    return progress;
}

/* Before the client has seen a byte it can still be told what happened. */
static enum http_progress server_failed(struct http_exchange *x, int err)
{
    return over(x, x->said_anything ? HTTP_TUNNEL_BROKE : HTTP_NO_ANSWER, err);
}

/* All that the tunnel brought was taken. */
static enum http_progress nothing_more(struct http_exchange *x)
{
    int err = stack_tcp_error(x->tunnel);
    return err != 0 ? server_failed(x, err) : HTTP_GOES_ON;
}

/* ---- up ---- */

static bool send_head(struct http_exchange *x)
{
    const struct http_door *d = door_of(x);
    if (x->head_sent < d->forward_len) {
        size_t n =
            stack_tcp_write(x->tunnel, d->forward + x->head_sent, d->forward_len - x->head_sent);
        x->head_sent += n;
        x->n_up += n;
    }
    return x->head_sent == d->forward_len;
}

/* What was read ahead, as far as it belongs to the body. False when the tunnel has no room for all of
 * it, and will call. */
static bool send_ahead(struct http_exchange *x)
{
    struct handshake *h = x->h;
    struct http_body *body = &door_of(x)->body;
    while (!body->done && !body->bad && handshake_has_early_data(h)) {
        size_t room;
        uint8_t *space = stack_tcp_reserve(x->tunnel, &room);
        if (space == NULL) {
            return false;
        }
        size_t n = (size_t)(h->end - h->at);
        n = http_body_take(body, h->ahead + h->at, n < room ? n : room);
        memcpy(space, h->ahead + h->at, n);
        stack_tcp_commit(x->tunnel, n);
        h->at = (uint16_t)(h->at + n);
        x->n_up += n;
    }
    return true;
}

/* From the client: bytes taken, or an error; ERR_LIMIT when the tunnel has no room. */
static ssize_t read_body(struct http_exchange *x)
{
    struct http_body *body = &door_of(x)->body;
    size_t room;
    if (body->framing == HTTP_CHUNKED) {
        int err = handshake_read(x->h, x->client);
        return err != 0 ? err : x->h->eof ? ERR_CLOSED : 1;
    }
    uint8_t *space = stack_tcp_reserve(x->tunnel, &room);
    if (space == NULL) {
        return ERR_LIMIT;
    }
    room = room < body->left ? room : (size_t)body->left;
    ssize_t got = stream_read(x->client, space, room);
    if (got > 0) {
        http_body_take(body, space, (size_t)got);
        stack_tcp_commit(x->tunnel, (size_t)got);
        x->n_up += (uint64_t)got;
    }
    return got == 0 ? ERR_CLOSED : got;
}

static enum http_progress carry_up(struct http_exchange *x, unsigned *want)
{
    struct http_body *body = &door_of(x)->body;
    if (!send_head(x)) {
        return HTTP_GOES_ON; /* the tunnel calls when it has room */
    }
    for (size_t budget = 0; !body->done && budget < BUDGET; budget += 4096) {
        if (!send_ahead(x)) {
            return HTTP_GOES_ON;
        }
        if (body->bad) {
            return over(x, HTTP_CLIENT_BROKE, ERR_INVALID);
        }
        if (body->done) {
            break;
        }
        ssize_t got = read_body(x);
        if (got == ERR_LIMIT) {
            return HTTP_GOES_ON;
        }
        if (got == ERR_AGAIN) {
            break;
        }
        if (got < 0) {
            return over(x, HTTP_CLIENT_BROKE, (int)got);
        }
    }
    x->up_done = body->done;
    if (!body->done) {
        *want |= STREAM_READABLE;
    }
    return HTTP_GOES_ON;
}

/* ---- heads of responses ---- */

struct writing {
    char *out;
    size_t len, room;
};

static void put(struct writing *w, const char *text, size_t len)
{
    if (w->len + len <= w->room) {
        memcpy(w->out + w->len, text, len);
    }
    w->len += len;
}

static void put_words(struct writing *w, const char *words)
{
    put(w, words, strlen(words));
}

/* Of a body that is not there (RFC 9112 section 6.1, RFC 9110 section 8.6): not every client knows that it must not wait
 * for it, and would take the next answer for it. A HEAD and a 304 tell how long it would be. */
static bool frames_nothing(const struct http_exchange *x, const struct http_head *head,
                           const struct http_field *f)
{
    bool has_length = head->status >= 200 && head->status != 204;
    return x->down.framing == HTTP_NO_BODY &&
           (http_text_is(f->name, "Transfer-Encoding") ||
            (!has_length && http_text_is(f->name, "Content-Length")));
}

static void put_fields(struct writing *w, const struct http_exchange *x,
                       const struct http_head *head)
{
    for (size_t i = 0; i < head->n; i++) {
        const struct http_field *f = &head->fields[i];
        bool kept = head->status == 101 && http_text_is(f->name, "Upgrade");
        if ((http_field_is_ours(head, f) && !kept) || frames_nothing(x, head, f)) {
            continue;
        }
        put(w, f->name.at, f->name.len);
        put_words(w, ": ");
        put(w, f->value.at, f->value.len);
        put_words(w, "\r\n");
    }
}

static bool rewrite(struct http_exchange *x, const struct http_head *head, const char *connection)
{
    char line[64];
    struct writing w = {.room = x->have + 2 * head->n + 256};
    w.out = malloc(w.room);
    if (w.out == NULL) {
        return false;
    }
    snprintf(line, sizeof line, "HTTP/1.%u %u ", head->minor, head->status);
    put_words(&w, line);
    put(&w, head->reason.at, head->reason.len);
    put_words(&w, "\r\n");
    put_fields(&w, x, head);
    if (connection != NULL) {
        put_words(&w, "Connection: ");
        put_words(&w, connection);
        put_words(&w, "\r\n");
    }
    put_words(&w, "\r\n");
    free(x->out);
    x->out = w.out;
    x->out_len = w.len;
    x->out_at = 0;
    return w.len <= w.room;
}

/* The client's connection goes on when both sides know where the body ends. */
static const char *connection_words(const struct http_exchange *x)
{
    const struct http_door *d = door_of(x);
    return x->upgraded ? "Upgrade" : !x->keeps ? "close" : d->minor == 0 ? "keep-alive" : NULL;
}

static enum http_progress take_head(struct http_exchange *x)
{
    const struct http_door *d = door_of(x);
    struct http_head head;
    if (!http_head_response(&head, x->head, x->have) ||
        !http_body_of_response(&x->down, &head, d->is_head) ||
        (head.status == 101 && !d->upgrades)) { /* RFC 9110 15.2.2: nobody asked for it */
        return server_failed(x, ERR_INVALID);
    }
    bool interim = head.status < 200 && head.status != 101;
    if (!interim) {
        x->has_final = true;
        x->upgraded = head.status == 101 && d->upgrades;
        /* What is still to come of the request is nobody's, and would look like the next one. */
        x->keeps = d->keeps && x->up_done && x->down.framing != HTTP_UNTIL_CLOSE && !x->upgraded;
        x->server_keeps = d->server_may_keep && x->keeps && head.minor > 0 &&
                          !http_head_lists(&head, "Connection", "close");
    }
    /* HTTP/1.0 does not know interim answers: there the first head is the answer (RFC 9110 section 15.2). */
    bool passes = !interim || d->minor > 0;
    bool built = !passes || rewrite(x, &head, interim ? NULL : connection_words(x));
    free(x->head);
    x->head = NULL;
    x->have = 0;
    return built ? HTTP_GOES_ON : server_failed(x, ERR_NOMEM);
}

/* Bytes of the tunnel up to the end of a head that the client is to have. */
static enum http_progress gather_head(struct http_exchange *x)
{
    struct iovec iov;
    while (stack_tcp_peek(x->tunnel, &iov, 1) == 1) {
        size_t before = x->have, n = iov.iov_len;
        x->heard = true;
        n = n < HTTP_HEAD_MAX - before ? n : HTTP_HEAD_MAX - before;
        char *wider = n > 0 ? realloc(x->head, before + n) : NULL;
        if (wider == NULL) {
            return server_failed(x, n > 0 ? ERR_NOMEM : ERR_LIMIT);
        }
        x->head = wider;
        memcpy(x->head + before, iov.iov_base, n);
        size_t length = http_head_length(x->head, before + n, before);
        x->have = length > 0 ? length : before + n;
        stack_tcp_consume(x->tunnel, x->have - before);
        enum http_progress progress = length > 0 ? take_head(x) : HTTP_GOES_ON;
        if (progress != HTTP_GOES_ON || x->out_at < x->out_len) {
            return progress;
        }
    }
    return stack_tcp_eof(x->tunnel) ? server_failed(x, ERR_CLOSED) : nothing_more(x);
}

/* ---- down ---- */

/* 0, ERR_AGAIN or the client's error. */
static int write_head(struct http_exchange *x)
{
    while (x->out_at < x->out_len) {
        struct iovec rest = {x->out + x->out_at, x->out_len - x->out_at};
        ssize_t put = stream_writev(x->client, &rest, 1);
        if (put < 0) {
            return (int)put;
        }
        x->said_anything = true;
        x->out_at += (size_t)put;
        x->n_down += (uint64_t)put;
    }
    return 0;
}

/* The slices cut to what belongs to the body, without taking it. */
static int cut_to_body(const struct http_body *body, struct iovec *iov, int n, size_t *total)
{
    struct http_body ahead = *body;
    *total = 0;
    for (int i = 0; i < n; i++) {
        size_t taken = http_body_take(&ahead, iov[i].iov_base, iov[i].iov_len);
        *total += taken;
        iov[i].iov_len = taken;
        if (ahead.done || ahead.bad) {
            return i + 1;
        }
    }
    return n;
}

/* What the client took is taken from the body for good. */
static void take_from_body(struct http_body *body, const struct iovec *iov, size_t put)
{
    for (; put > 0; iov++) {
        size_t n = iov->iov_len < put ? iov->iov_len : put;
        http_body_take(body, iov->iov_base, n);
        put -= n;
    }
}

static enum http_progress body_ended(struct http_exchange *x)
{
    if (x->down.framing == HTTP_UNTIL_CLOSE) {
        x->down.done = true;
        return HTTP_GOES_ON;
    }
    return over(x, HTTP_TUNNEL_BROKE, ERR_CLOSED);
}

static enum http_progress carry_body(struct http_exchange *x, unsigned *want)
{
    for (size_t budget = 0; !x->down.done && budget < BUDGET;) {
        struct iovec iov[SLICES];
        size_t offered;
        int n = stack_tcp_peek(x->tunnel, iov, SLICES);
        if (n == 0) {
            return stack_tcp_eof(x->tunnel) ? body_ended(x) : nothing_more(x);
        }
        n = cut_to_body(&x->down, iov, n, &offered);
        ssize_t put = stream_writev(x->client, iov, n);
        if (put == ERR_AGAIN) {
            *want |= STREAM_WRITABLE;
            return HTTP_GOES_ON;
        }
        if (put < 0) {
            return over(x, HTTP_CLIENT_BROKE, (int)put);
        }
        take_from_body(&x->down, iov, (size_t)put);
        stack_tcp_consume(x->tunnel, (size_t)put);
        x->n_down += (uint64_t)put;
        budget += (size_t)put;
        if (x->down.bad) {
            return over(x, HTTP_TUNNEL_BROKE, ERR_INVALID);
        }
    }
    if (!x->down.done) {
        *want |= STREAM_WRITABLE; /* it is another flow's turn */
    }
    return HTTP_GOES_ON;
}

static enum http_progress carry_down(struct http_exchange *x, unsigned *want)
{
    for (;;) {
        int err = write_head(x);
        if (err == ERR_AGAIN) {
            *want |= STREAM_WRITABLE;
            return HTTP_GOES_ON;
        }
        if (err != 0) {
            return over(x, HTTP_CLIENT_BROKE, err);
        }
        if (x->has_final) {
            return x->upgraded ? HTTP_UPGRADED : carry_body(x, want);
        }
        enum http_progress progress = gather_head(x);
        if (progress != HTTP_GOES_ON || x->out_at == x->out_len) {
            return progress;
        }
    }
}

/* A client that has ended its side may have asked for more before. */
static enum http_progress done(const struct http_exchange *x)
{
    bool may_ask = !x->h->eof || handshake_has_early_data(x->h);
    return x->keeps && may_ask ? HTTP_NEXT : HTTP_FINISHED;
}

enum http_progress http_exchange_run(struct http_exchange *x)
{
    unsigned want = 0;
    bool is_up = stack_tcp_error(x->tunnel) == 0;
    enum http_progress progress = x->up_done || !is_up ? HTTP_GOES_ON : carry_up(x, &want);
    if (progress == HTTP_GOES_ON) {
        progress = carry_down(x, &want);
    }
    if (progress == HTTP_GOES_ON && x->has_final && x->down.done && x->out_at == x->out_len) {
        progress = done(x);
    }
    if (progress == HTTP_GOES_ON) {
        stream_want(x->client, want);
    }
    return progress;
}
