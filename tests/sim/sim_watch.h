/* SPDX-License-Identifier: MIT */
/* What must hold of every datagram, whatever happens: looked at as it is sent and as it arrives, from outside, by what can be
 * read without keys. A breach fails the test.
 *
 *   - a counter under a key goes 0, 1, 2 ...: no nonce is ever used twice (paper 5.4.6)
 *   - data goes to an index only that came in a handshake message of the other host, and not for 180 s after (paper 6.2)
 *   - who answered a handshake sends data under it only after data under it came (paper 5.4.3)
 *   - 5 s lie between an initiation and what a host said of handshakes before it (paper 6.4)
 *   - datagrams go to addresses only that were configured or that sent something genuine (paper 2.1)
 *   - no datagram is larger than the path and the inner MTU allow */
#ifndef WGPROXY_TESTS_SIM_SIM_WATCH_H
#define WGPROXY_TESTS_SIM_SIM_WATCH_H

#include "sim.h"

struct sim_watch;

/* Looks on until it is freed, which comes before sim_free. Two hosts, a tunnel each. */
struct sim_watch *sim_watch_new(struct sim *s, size_t largest);
void sim_watch_free(struct sim_watch *w);

/* `to` is configured at `host`, or was found for the name that is. */
void sim_watch_allow(struct sim_watch *w, unsigned host, const struct endpoint *to);

/* The host has lost its memory: what it was told before counts no more. */
void sim_watch_restarted(struct sim_watch *w, unsigned host);

/* A datagram that the host has accepted since it was switched on, so that it must refuse it from now on; false when there is
 * none. Valid until the next event. */
bool sim_watch_captured(struct sim_watch *w, unsigned host, unsigned pick, const uint8_t **data,
                        size_t *len);

#endif
