/* SPDX-License-Identifier: MIT */
/* A UDP port of ours that notes what it is told. */
#ifndef WGPROXY_TESTS_UNIT_IO_PORT_H
#define WGPROXY_TESTS_UNIT_IO_PORT_H

#include "unit/io/drive.h"

#include <stdlib.h>

#define PORT_DATAGRAMS 1024

struct port_datagram {
    struct endpoint from;
    size_t len;
    uint8_t tos;
    uint8_t head[16]; /* its first bytes */
    uint8_t tail;     /* its last byte */
    unsigned call;    /* of received() */
};

struct port {
    struct io_loop *loop;
    struct dgram *dgram;
    unsigned calls, n;
    struct port_datagram got[PORT_DATAGRAMS];
    struct rxbuf *keep[PORT_DATAGRAMS]; /* references, taken while `keeping` */
    uint8_t *kept_data[PORT_DATAGRAMS];
    bool keeping;
    unsigned wanted; /* for port_has_wanted */

    unsigned undelivered;
    struct endpoint last_to;
    int last_err;
};

static inline void port_received(void *ctx, struct dgram_rx *batch, size_t n, struct now now)
{
    (void)now;
    struct port *p = ctx;
    p->calls++;
    for (size_t i = 0; i < n; i++) {
        assert_true(p->n < PORT_DATAGRAMS);
        struct port_datagram *d = &p->got[p->n];
        *d = (struct port_datagram){
            .from = batch[i].from,
            .len = batch[i].len,
            .tos = batch[i].tos,
            .tail = batch[i].len > 0 ? batch[i].data[batch[i].len - 1] : 0,
            .call = p->calls,
        };
        memcpy(d->head, batch[i].data, d->len < sizeof d->head ? d->len : sizeof d->head);
        if (p->keeping) {
            p->keep[p->n] = rxbuf_ref(batch[i].buf);
            p->kept_data[p->n] = batch[i].data;
        } else {
            memset(batch[i].data, 0xdd, batch[i].len); /* the slice is ours to write */
        }
        p->n++;
    }
}

static inline void port_undelivered(void *ctx, const struct endpoint *to, int err, struct now now)
{
    (void)now;
    struct port *p = ctx;
    p->undelivered++;
    p->last_to = *to;
    p->last_err = err;
}

static const struct dgram_handler port_handler = {.received = port_received,
                                                  .undelivered = port_undelivered};

static inline struct port *port_open(void)
{
    struct port *p = calloc(1, sizeof *p);
    p->loop = loop_or_fail();
    assert_int_equal(io_udp_open(p->loop, 0, &port_handler, p, &p->dgram), 0);
    return p;
}

static inline struct dgram_counters counters_of(const struct dgram *d)
{
    return d->ops->counters(d);
}

static inline void port_release_kept(struct port *p)
{
    for (unsigned i = 0; i < PORT_DATAGRAMS; i++) {
        rxbuf_unref(p->keep[i]);
        p->keep[i] = NULL;
    }
}

static inline void port_close(struct port *p)
{
    port_release_kept(p);
    p->dgram->ops->close(p->dgram);
    io_loop_free(p->loop);
    free(p);
}

static inline bool port_has_wanted(void *ctx)
{
    struct port *p = ctx;
    return p->n >= p->wanted;
}

static inline void port_drive_until(struct port *p, unsigned n)
{
    p->wanted = n;
    drive_until(p->loop, port_has_wanted, p);
    assert_int_equal(p->n, n);
}

static inline bool port_was_told_of_failure(void *ctx)
{
    return ((struct port *)ctx)->undelivered > 0;
}

static inline struct endpoint port_at(const struct port *p, const char *host)
{
    struct endpoint e = {.port = p->dgram->ops->local_port(p->dgram)};
    assert_true(addr_parse(&e.addr, host));
    return e;
}

/* ---- outboxes ---- */

static inline void outbox_add(struct outbox *ob, const void *data, size_t len,
                              const struct endpoint *to, uint8_t tos)
{
    assert_true(outbox_has_room(ob, len));
    if (len > 0) {
        memcpy(outbox_tail(ob), data, len);
    }
    outbox_commit(ob, len, to, tos);
}

static inline void port_send_text(struct port *p, const char *text, const struct endpoint *to,
                                  uint8_t tos)
{
    struct outbox ob;
    assert_int_equal(outbox_init(&ob, 256, 1), 0);
    outbox_add(&ob, text, strlen(text), to, tos);
    p->dgram->ops->send(p->dgram, &ob);
    outbox_fini(&ob);
}

#endif
