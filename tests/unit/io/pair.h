/* SPDX-License-Identifier: MIT */
/* A stream of ours and the plain socket at its other end. */
#ifndef WGPROXY_TESTS_UNIT_IO_PAIR_H
#define WGPROXY_TESTS_UNIT_IO_PAIR_H

#include "unit/io/drive.h"

struct pair {
    struct io_loop *loop;
    struct io_listener *listener;
    struct endpoint at;
    struct stream *stream; /* accepted; the test may close it and set it to NULL */
    int client;            /* plain, non-blocking; -1 once the test has closed it */
};

static inline void pair_accepted(void *ctx, struct stream *s, struct now now)
{
    (void)now;
    ((struct pair *)ctx)->stream = s;
}

static inline bool pair_is_accepted(void *ctx)
{
    return ((struct pair *)ctx)->stream != NULL;
}

static inline void pair_open(struct pair *p, const char *at)
{
    *p = (struct pair){.loop = loop_or_fail()};
    struct endpoint e = endpoint_of(at);
    assert_int_equal(io_listen(p->loop, &e, pair_accepted, p, &p->at, &p->listener), 0);
    p->client = plain_connected(&p->at, SOCK_STREAM);
    drive_until(p->loop, pair_is_accepted, p);
}

static inline void pair_close(struct pair *p)
{
    if (p->stream != NULL) {
        stream_close(p->stream);
    }
    if (p->client >= 0) {
        close(p->client);
    }
    io_listener_close(p->listener);
    io_loop_free(p->loop);
}

#endif
