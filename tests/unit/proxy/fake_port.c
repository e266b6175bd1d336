/* SPDX-License-Identifier: MIT */
/* A puppet under the contract of base/dgram.h. */
#include "fake_port.h"

#include "unit/test.h"

#include <string.h>

static void send_all(struct dgram *d, const struct outbox *ob)
{
    struct fake_port *p = (struct fake_port *)d;
    assert_false(p->closed);
    for (unsigned i = 0; i < ob->n; i++) {
        const struct outbox_msg *m = &ob->msgs[i];
        assert_true(p->n < FAKE_PORT_SENT && m->len <= sizeof p->sent[0].data);
        p->sent[p->n].to = m->to;
        p->sent[p->n].len = m->len;
        memcpy(p->sent[p->n].data, outbox_data(ob, m), m->len);
        p->n++;
    }
}

static uint16_t local_port(const struct dgram *d)
{
    return ((const struct fake_port *)d)->number;
}

static void close_port(struct dgram *d)
{
    struct fake_port *p = (struct fake_port *)d;
    assert_false(p->closed);
    p->closed = true;
}

void fake_port_init(struct fake_port *p, uint16_t number, const struct dgram_handler *handler,
                    void *ctx)
{
    static const struct dgram_ops ops = {
        .send = send_all, .local_port = local_port, .close = close_port};
    *p = (struct fake_port){.dgram = {.ops = &ops, .handler = handler, .ctx = ctx},
                            .number = number};
}

void fake_port_deliver(struct fake_port *p, const char *from, const void *data, size_t len,
                       struct now now)
{
    uint8_t copy[2048];
    struct dgram_rx rx = {.data = copy, .len = len};
    assert_false(p->closed);
    assert_true(endpoint_parse(&rx.from, from) && len <= sizeof copy);
    memcpy(copy, data, len);
    p->dgram.handler->received(p->dgram.ctx, &rx, 1, now);
}

void fake_port_sent(struct fake_port *p, const char *to, const void *data, size_t len)
{
    char text[ENDPOINT_TEXT];
    assert_int_equal(p->n, 1);
    assert_string_equal(endpoint_format(&p->sent[0].to, text), to);
    assert_int_equal(p->sent[0].len, len);
    assert_memory_equal(p->sent[0].data, data, len);
    p->n = 0;
}

void fake_port_sent_nothing(const struct fake_port *p)
{
    assert_int_equal(p->n, 0);
}
