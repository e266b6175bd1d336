/* SPDX-License-Identifier: MIT */
/* Datagrams that wait until the address of their target is known: a few for each name, and so many bytes for all names
 * together, since nobody knows how long a name server is silent. */
#ifndef WGPROXY_PROXY_UDP_QUEUE_H
#define WGPROXY_PROXY_UDP_QUEUE_H

#include "base/list.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_QUEUE_MAX 8                               /* datagrams of one queue */
#define UDP_QUEUE_BYTES_MAX ((size_t)4 * 1024 * 1024) /* of all queues that share a `held` */

struct udp_queue {
    struct list datagrams;
    unsigned n;
    size_t *held; /* bytes in all queues that share it; outlives them */
};

struct udp_queued {
    struct list link;
    uint16_t port;
    size_t len;
    uint8_t data[];
};

void udp_queue_init(struct udp_queue *q, size_t *held);
/* A copy, behind those that are there. False where there is no room, or no memory. */
bool udp_queue_put(struct udp_queue *q, uint16_t port, const uint8_t *data, size_t len) MUST_USE;
/* The first, which is the caller's then, to free(); NULL: there is none. */
struct udp_queued *udp_queue_take(struct udp_queue *q);

#endif
