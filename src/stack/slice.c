/* SPDX-License-Identifier: MIT */
/* Pbufs over receive buffers: see slice.h. */
#include "stack/slice.h"

#include <lwip/pbuf.h>
#include <stdlib.h>

struct slice {
    struct pbuf_custom custom; /* first: lwIP hands its address back */
    struct rxbuf *buf;
    struct slice *next_idle;
};

/* One turn's packets, give or take; more would only hold memory. */
enum { IDLE_MAX = 1024 };

static struct slice *idle;
static unsigned n_idle;

static void slice_free(struct pbuf *p)
{
    struct slice *s = (struct slice *)(void *)p;
    rxbuf_unref(s->buf);
    if (n_idle == IDLE_MAX) {
        free(s);
        return;
    }
    s->next_idle = idle;
    idle = s;
    n_idle++;
}

static struct slice *slice_alloc(void)
{
    struct slice *s = idle;
    if (!s) {
        return malloc(sizeof *s);
    }
    idle = s->next_idle;
    n_idle--;
    return s;
}

struct pbuf *slice_new(struct rxbuf *buf, uint8_t *data, size_t len)
{
    struct slice *s = slice_alloc();
    if (!s) {
        return NULL;
    }
    s->buf = rxbuf_ref(buf);
    s->custom.custom_free_function = slice_free;
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)len, PBUF_REF, &s->custom, data, (u16_t)len);
}

void slice_cleanup(void)
{
    while (idle) {
        struct slice *s = idle;
        idle = s->next_idle;
        free(s);
    }
    n_idle = 0;
}
