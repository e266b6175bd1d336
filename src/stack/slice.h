/* SPDX-License-Identifier: MIT */
/* Packets for lwIP that stay where they are: pbufs over a part of a receive buffer, each with a
 * reference to it. */
#ifndef WGPROXY_STACK_SLICE_H
#define WGPROXY_STACK_SLICE_H

#include "base/rxbuf.h"

#include <stdbool.h>

struct pbuf;

/* A pbuf over `len` bytes (at most 65535) at `data` in `buf`, which stays until the pbuf is freed;
 * or NULL. */
struct pbuf *slice_new(struct rxbuf *buf, uint8_t *data, size_t len);

/* Free what was kept for reuse. Called when the last stack goes. */
void slice_cleanup(void);

#endif
