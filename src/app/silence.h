/* SPDX-License-Identifier: MIT */
/* WireGuard is silent when something is wrong; this says so. A peer that has not answered for 15 s gets one warning: to whom
 * was sent, how often, what came back instead, and what usually causes it. At 6 s a line for information tells that there is
 * no answer yet. */
#ifndef WGPROXY_APP_SILENCE_H
#define WGPROXY_APP_SILENCE_H

#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "wg/wg.h"

struct silence;

/* 0, ERR_NOMEM */
int silence_new(struct silence **out, const struct wg *wg, const struct log *log) MUST_USE;
void silence_free(struct silence *s); /* NULL is harmless */

/* A datagram whose verdict is a drop: evidence. Others are not looked at. */
void silence_heard(struct silence *s, const struct wg_packet *packet);
/* The system reported that a datagram could not be delivered, as dgram.h has it. */
void silence_undelivered(struct silence *s, int err);

uint64_t silence_next_deadline(const struct silence *s);
void silence_tick(struct silence *s, struct now now);

#endif
