/* SPDX-License-Identifier: MIT */
/* Sessions: the keys of one handshake with their counters, and the three slots in which a peer
 * keeps them (paper 6.3). The slots are the whole policy of which key sends and which still
 * receives. */
#ifndef WGPROXY_WG_KEYPAIR_H
#define WGPROXY_WG_KEYPAIR_H

#include "base/now.h"
#include "wg/index.h"
#include "wg/replay.h"
#include "wg/suite.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keypair {
    struct index_entry entry; /* our index, which the peer puts on its data */
    uint32_t remote_index;
    bool initiator;      /* the handshake was ours */
    unsigned open_jobs;  /* packets that stand in the outbox, not sealed yet */
    uint64_t born;       /* now.mono */
    uint64_t tx_counter; /* the next nonce */
    uint8_t tx_key[SUITE_KEY];
    uint8_t rx_key[SUITE_KEY];
    struct replay replay;
};
static_assert(sizeof(struct keypair) - offsetof(struct keypair, rx_key) >= SUITE_KEY_ROOM,
              "suite.h");

/* current   sends and receives
 * previous  receives what was under way when the key changed
 * next      we answered a handshake with it; it may not send before the peer has used it
 *           (paper 5.4.6, 6.3) */
struct keypairs {
    struct keypair *current, *previous, *next;
    struct keypair pool[4]; /* three slots and the one that is being made */
};

void keypairs_init(struct keypairs *k, struct wg_peer *peer);

/* Wipe them all. */
void keypairs_clear(struct keypairs *k, struct index_table *t);

/* A wiped keypair that stands in no slot; the caller fills it and adds it. */
struct keypair *keypairs_blank(struct keypairs *k);

/* Put a finished keypair where its role says:
 *   initiator  it is current at once; what was current is previous. A next that waited becomes
 *              previous instead.
 *   responder  it is next; what was next and what was previous is dropped. */
void keypairs_add(struct keypairs *k, struct index_table *t, struct keypair *kp);

/* A packet under `kp` authenticated. True when that confirmed next: it is current from now on. */
bool keypairs_confirm(struct keypairs *k, struct index_table *t, const struct keypair *kp);

/* May it encrypt one more packet (paper 6.2)? */
bool keypair_may_send(const struct keypair *kp, struct now now);

/* May it still decrypt? */
bool keypair_may_receive(const struct keypair *kp, struct now now);

/* Should the sender begin a new handshake after sending with it (paper 6.2)? */
bool keypair_is_stale_to_send(const struct keypair *kp, struct now now);

/* Should the receiver, so late in its life that the sender's rule may not fire any more (paper
 * 6.2)? */
bool keypair_is_stale_to_receive(const struct keypair *kp, struct now now);

static inline struct keypair *keypair_of(struct index_entry *e)
{
    return container_of(e, struct keypair, entry);
}

#endif
