/* SPDX-License-Identifier: MIT */
/* The handshake half of receiving, for receive.c. */
#ifndef WGPROXY_WG_RECEIVE_H
#define WGPROXY_WG_RECEIVE_H

#include "base/outbox.h"
#include "wg/device.h"

/* A message of type 1 to 3 whose length is right. */
enum wg_rx receive_handshake(struct wg *wg, struct wg_packet *packet, struct outbox *out,
                             struct now now);

#endif
