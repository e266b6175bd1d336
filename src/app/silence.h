/* SPDX-License-Identifier: MIT */
/* WireGuard is silent when something is wrong; this says so. A peer that has not answered for 15 s gets one warning: to whom
 * was sent, how often, what came back instead, and what usually causes it. */
#ifndef WGPROXY_APP_SILENCE_H
#define WGPROXY_APP_SILENCE_H

#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "wg/wg.h"

struct silence;

int silence_new(struct silence **out, const struct wg *wg, const struct log *log) MUST_USE; /* 0, ERR_NOMEM */
void silence_free(struct silence *s); /* NULL is harmless */

/* A datagram that was dropped: evidence. */
void silence_heard(struct silence *s, const struct wg_packet *dropped);
/* The system reported that a datagram to `to` could not be delivered. */
void silence_undelivered(struct silence *s, const struct endpoint *to, int err);

uint64_t silence_next_deadline(const struct silence *s);
void silence_tick(struct silence *s, struct now now);

#endif
