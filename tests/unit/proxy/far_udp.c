/* SPDX-License-Identifier: MIT */
#include "far_udp.h"

static void received(void *ctx, struct stack_udp *u, const struct endpoint *from,
                     const uint8_t *data, size_t len, struct now now)
{
    (void)u, (void)now;
    struct far_udp *f = ctx;
    assert_true(len <= sizeof f->data);
    f->n++;
    f->from = *from;
    f->len = len;
    memcpy(f->data, data, len);
}

void far_udp_open(struct far_udp *f, struct house *h, uint16_t port)
{
    static const struct stack_udp_handler handler = {.received = received};
    f->n = 0;
    assert_int_equal(stack_udp_open(h->wire.b.stack, port, &handler, f, &f->u), 0);
}

void far_udp_got(struct far_udp *f, const void *data, size_t len)
{
    assert_int_equal(f->n, 1);
    assert_int_equal(f->len, len);
    assert_memory_equal(f->data, data, len);
    f->n = 0;
}

void far_udp_say(struct far_udp *f, const struct endpoint *to, const void *data, size_t len)
{
    assert_int_equal(stack_udp_send(f->u, to, data, len), 0);
}
