/* SPDX-License-Identifier: MIT */
/* A server made by hand: it records what a client sends it, swallows all of it, and says what the test
 * wants said. */
#ifndef WGPROXY_TESTS_STACK_HAND_H
#define WGPROXY_TESTS_STACK_HAND_H

#include "stack/conn.h"
#include "unit/stack/packets.h"
#include "unit/stack/peer.h"

enum { HAND_MSS = 1380, HAND_RTT_MS = 100, HAND_SENT_MAX = 512 };

struct hand {
    struct wire w; /* the client is at w.a; nothing arrives at w.b */
    struct peer client;
    uint16_t port;   /* the client's */
    uint32_t first;  /* sequence number of its first byte */
    uint32_t theirs; /* the server's next one */
    uint16_t window; /* what it announces, in units of its scale, 128 */
    struct {
        uint32_t offset;
        size_t len;
        bool fin;
    } sent[HAND_SENT_MAX]; /* the first ones; those that carry data or a FIN */
    size_t n_sent;
};

extern struct hand hand;

/* Connect, over a round trip of HAND_RTT_MS. The SYN is answered with window `syn_window`, which is not
 * scaled, and an MSS. */
void hand_begin(bool sack, uint16_t syn_window, uint16_t mss);
void hand_end(void);

/* A segment without data. `acknowledged` is an offset, as in `sent`. */
void hand_answer(uint8_t flags, uint32_t acknowledged, const uint8_t *options, size_t n_options);

/* All below `acknowledged`, and blocks of offsets: pairs, ended by 0, 0. */
void hand_acknowledge(uint32_t acknowledged, const uint32_t *blocks);

#define BLOCKS(...)       \
    (const uint32_t[])    \
    {                     \
        __VA_ARGS__, 0, 0 \
    }

/* Bytes of the server's stream, `ahead` of its next one; nothing moves that. */
void hand_data(uint8_t flags, uint32_t ahead, size_t len);

/* A router, or whoever claims to be one: what begins at the offset is larger than `mtu`. */
void hand_too_big(uint32_t offset, uint16_t mtu);

void hand_send(size_t n); /* the client commits so much more, as far as there is room */
void hand_turn(void);     /* long enough for the next look */
size_t hand_times_sent(uint32_t offset);

#endif
