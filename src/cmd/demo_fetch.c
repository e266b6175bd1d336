/* SPDX-License-Identifier: MIT */
/* A SOCKS5 client (RFC 1928) with one HTTP request in it. */
#include "cmd/demo_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"

#define REPLY_MAX 8192 /* more than the demo's page, header included */

/* GREET: the whole request is sent at once; METHOD: 2 bytes come back; REPLY: 10 or 22 bytes; BODY: until end of file. */
enum fetch_state { FETCH_GREET, FETCH_METHOD, FETCH_REPLY, FETCH_BODY };

struct demo_fetch {
    struct stream *stream;
    enum fetch_state state;
    demo_fetch_fn *done;
    void *ctx;
    size_t sent, out_len;
    size_t got;
    char out[512];
    char in[REPLY_MAX];
};

static void finish(struct demo_fetch *f, int err, unsigned reply, const char *body, size_t len)
{
    stream_close(f->stream);
    f->stream = NULL;
    f->done(f->ctx, err, reply, body, len);
    free(f);
}

/* Greeting, CONNECT by name, and the HTTP request right behind it: a proxy must cope with a client that does not wait. */
static void compose(struct demo_fetch *f, const char *name)
{
    static const uint8_t head[] = {5, 1, 0, 5, 1, 0, 3};
    size_t n = strlen(name);
    uint8_t *p = (uint8_t *)f->out;
    memcpy(p, head, sizeof head);
    p += sizeof head;
    *p++ = (uint8_t)n;
    memcpy(p, name, n);
    p += n;
    store_be16(p, 80);
    p += 2;
    size_t used = (size_t)(p - (uint8_t *)f->out);
    int m = snprintf(f->out + used, sizeof f->out - used,
                     "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", name);
    f->out_len = used + (size_t)m;
}

static void drop(struct demo_fetch *f, size_t n)
{
    f->got -= n;
    memmove(f->in, f->in + n, f->got);
}

/* Move on as far as the bytes reach. False when the fetch is over. */
static bool advance(struct demo_fetch *f)
{
    const uint8_t *in = (const uint8_t *)f->in;
    if (f->state == FETCH_METHOD && f->got >= 2) {
        if (in[0] != 5 || in[1] != 0) {
            finish(f, ERR_INVALID, in[1], NULL, 0);
            return false;
        }
        drop(f, 2);
        f->state = FETCH_REPLY;
    }
    if (f->state == FETCH_REPLY && f->got >= 10) {
        size_t len = in[3] == 4 ? 22 : 10;
        if (in[1] != 0) {
            finish(f, ERR_REFUSED, in[1], NULL, 0);
            return false;
        }
        if (f->got >= len) {
            drop(f, len);
            f->state = FETCH_BODY;
        }
    }
    return true;
}

static void end_of_file(struct demo_fetch *f)
{
    f->in[f->got] = '\0';
    char *body = f->state == FETCH_BODY ? strstr(f->in, "\r\n\r\n") : NULL;
    if (body == NULL) {
        finish(f, ERR_CLOSED, 0, NULL, 0);
        return;
    }
    body += 4;
    finish(f, 0, 0, body, f->got - (size_t)(body - f->in));
}

static void receive(struct demo_fetch *f)
{
    size_t room = sizeof f->in - 1 - f->got;
    ssize_t n = room > 0 ? stream_read(f->stream, f->in + f->got, room) : ERR_LIMIT;
    if (n > 0) {
        f->got += (size_t)n;
        advance(f);
    } else if (n == 0) {
        end_of_file(f);
    } else if (n != ERR_AGAIN) {
        finish(f, (int)n, 0, NULL, 0);
    }
}

static void ready(void *ctx, unsigned events, struct now now)
{
    (void)now;
    struct demo_fetch *f = ctx;
    if ((events & STREAM_WRITABLE) && f->sent < f->out_len) {
        struct iovec iov = {.iov_base = f->out + f->sent, .iov_len = f->out_len - f->sent};
        ssize_t n = stream_writev(f->stream, &iov, 1);
        if (n < 0 && n != ERR_AGAIN) {
            finish(f, (int)n, 0, NULL, 0);
            return;
        }
        f->sent += n > 0 ? (size_t)n : 0;
        if (f->sent == f->out_len) {
            f->state = FETCH_METHOD;
            stream_want(f->stream, STREAM_READABLE);
        }
        return;
    }
    if (events & STREAM_READABLE) {
        receive(f);
    }
}

static const struct stream_handler handler = {.ready = ready};

int demo_fetch_start(struct demo_fetch **out, struct io_loop *loop, const struct endpoint *proxy,
                     const char *name, demo_fetch_fn *done, void *ctx)
{
    struct demo_fetch *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return ERR_NOMEM;
    }
    f->done = done;
    f->ctx = ctx;
    compose(f, name);
    int err = io_connect(loop, proxy, &f->stream);
    if (err != 0) {
        free(f);
        return err;
    }
    f->stream->handler = &handler;
    f->stream->ctx = f;
    stream_want(f->stream, STREAM_WRITABLE);
    *out = f;
    return 0;
}

void demo_fetch_cancel(struct demo_fetch *f)
{
    if (f != NULL) {
        stream_abort(f->stream);
        free(f);
    }
}
