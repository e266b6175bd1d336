/* SPDX-License-Identifier: MIT */
/* A list and its two bounds. */
#include "proxy/udp_queue.h"

#include <stdlib.h>
#include <string.h>

void udp_queue_init(struct udp_queue *q, size_t *held)
{
    *q = (struct udp_queue){.held = held};
    list_init(&q->datagrams);
}

bool udp_queue_put(struct udp_queue *q, uint16_t port, const uint8_t *data, size_t len)
{
    bool has_room = q->n < UDP_QUEUE_MAX && len <= UDP_QUEUE_BYTES_MAX - *q->held;
    struct udp_queued *d = has_room ? malloc(sizeof *d + len) : NULL;
    if (d == NULL) {
        return false;
    }
    *d = (struct udp_queued){.port = port, .len = len};
    if (len > 0) {
        memcpy(d->data, data, len);
    }
    list_push_back(&q->datagrams, &d->link);
    q->n++;
    *q->held += len;
    return true;
}

struct udp_queued *udp_queue_take(struct udp_queue *q)
{
    struct list *l = list_pop_front(&q->datagrams);
    if (l == NULL) {
        return NULL;
    }
    struct udp_queued *d = list_item(l, struct udp_queued, link);
    q->n--;
    *q->held -= d->len;
    return d;
}
