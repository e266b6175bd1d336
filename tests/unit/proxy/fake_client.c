/* SPDX-License-Identifier: MIT */
/* The scripted client. */
#include "fake_client.h"

#include "base/err.h"
#include "base/macros.h"
#include "unit/test.h"

#include <string.h>

static struct fake_client *usable(struct stream *s)
{
    struct fake_client *c = container_of(s, struct fake_client, stream);
    assert_int_equal(c->fate, FAKE_OPEN);
    return c;
}

static ssize_t client_read(struct stream *s, void *buf, size_t len)
{
    struct fake_client *c = usable(s);
    assert_true(len > 0);
    c->n_reads++;
    size_t n = c->input.len - c->input_at;
    if (n == 0) {
        return c->read_err != 0 ? c->read_err : c->input_eof ? 0 : ERR_AGAIN;
    }
    n = n < len ? n : len;
    n = n < c->read_max ? n : c->read_max;
    memcpy(buf, c->input.data + c->input_at, n);
    c->input_at += n;
    return (ssize_t)n;
}

static ssize_t client_writev(struct stream *s, const struct iovec *iov, int n)
{
    struct fake_client *c = usable(s);
    assert_false(c->shut);
    c->n_writes++;
    if (c->write_err != 0) {
        return c->write_err;
    }
    size_t room = c->room < c->write_max ? c->room : c->write_max;
    size_t put = 0;
    for (int i = 0; i < n && put < room; i++) {
        size_t k = iov[i].iov_len < room - put ? iov[i].iov_len : room - put;
        fake_append(&c->output, iov[i].iov_base, k);
        put += k;
    }
    if (c->room != SIZE_MAX) {
        c->room -= put;
    }
    return put > 0 ? (ssize_t)put : ERR_AGAIN;
}

static void client_want(struct stream *s, unsigned events)
{
    struct fake_client *c = usable(s);
    assert_non_null(s->handler);
    c->wanted = events;
    c->n_wants++;
}

static void client_shutdown(struct stream *s)
{
    struct fake_client *c = usable(s);
    assert_false(c->shut);
    c->shut = true;
}

static void client_close(struct stream *s)
{
    usable(s)->fate = FAKE_CLOSED;
}

static void client_abort(struct stream *s)
{
    usable(s)->fate = FAKE_ABORTED;
}

void fake_client_init(struct fake_client *c)
{
    static const struct stream_ops ops = {
        .read = client_read,
        .writev = client_writev,
        .want = client_want,
        .shutdown = client_shutdown,
        .close = client_close,
        .abort = client_abort,
    };
    *c = (struct fake_client){
        .stream.ops = &ops,
        .read_max = SIZE_MAX,
        .write_max = SIZE_MAX,
        .room = SIZE_MAX,
    };
    assert_true(endpoint_parse(&c->stream.remote, "127.0.0.1:40000"));
    assert_true(endpoint_parse(&c->stream.local, "127.0.0.1:1080"));
}

void fake_client_fini(struct fake_client *c)
{
    assert_int_not_equal(c->fate, FAKE_OPEN);
    fake_bytes_fini(&c->input);
    fake_bytes_fini(&c->output);
}

void fake_client_send(struct fake_client *c, const void *data, size_t len)
{
    assert_false(c->input_eof);
    fake_append(&c->input, data, len);
}

void fake_client_shutdown(struct fake_client *c)
{
    c->input_eof = true;
}

void fake_client_reset(struct fake_client *c)
{
    c->input_at = c->input.len;
    c->read_err = c->write_err = ERR_RESET;
}

bool fake_client_turn(struct fake_client *c, struct now now)
{
    if (c->fate != FAKE_OPEN) {
        return false;
    }
    bool readable = c->input_at < c->input.len || c->input_eof || c->read_err != 0;
    bool writable = c->room > 0 || c->write_err != 0;
    unsigned events =
        c->wanted & ((readable ? STREAM_READABLE : 0u) | (writable ? STREAM_WRITABLE : 0u));
    if (c->read_err != 0 && c->wanted == 0 && !c->told_broken) {
        c->told_broken = true;
        events = STREAM_BROKEN;
    }
    if (events == 0) {
        return false;
    }
    c->stream.handler->ready(c->stream.ctx, events, now);
    return true;
}
