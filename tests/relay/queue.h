/* SPDX-License-Identifier: MIT */
/* Datagrams on their way, bounded, sorted by when they arrive; equals keep their order. */
#ifndef WGPROXY_TESTS_RELAY_QUEUE_H
#define WGPROXY_TESTS_RELAY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_DATAGRAMS 8192
#define QUEUE_BYTES 9216 /* of one datagram: a jumbo frame's */
#define QUEUE_NEVER UINT64_MAX

struct queue;

struct queue *queue_new(void); /* NULL without memory */
void queue_free(struct queue *q);

/* Copies the datagram; false when there is no room. */
bool queue_push(struct queue *q, uint64_t due, const uint8_t *data, size_t len);

uint64_t queue_next_due(const struct queue *q); /* QUEUE_NEVER when empty */

/* Takes the next one out; its bytes stay where they are until the next push. */
const uint8_t *queue_pop(struct queue *q, size_t *len);

#endif
