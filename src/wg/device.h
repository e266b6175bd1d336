/* SPDX-License-Identifier: MIT */
/* The interface as the files of src/wg see it. */
#ifndef WGPROXY_WG_DEVICE_H
#define WGPROXY_WG_DEVICE_H

#include "base/list.h"
#include "wg/allowedips.h"
#include "wg/batch.h"
#include "wg/cookie.h"
#include "wg/index.h"
#include "wg/load.h"
#include "wg/noise.h"
#include "wg/peer.h"
#include "wg/ratelimiter.h"
#include "wg/suite.h"
#include "wg/wg.h"

/* A data packet between its two halves: looked up, and waiting to be judged once it is opened. */
struct opening {
    struct wg_packet *packet;
    struct keypair *keypair;
};

struct wg {
    struct noise_identity identity;
    struct rng rng;
    const struct log *log;
    const struct parallel *parallel; /* NULL: one core */
    uint16_t mtu;

    struct list peers;
    size_t n_peers;
    struct index_table indices;
    struct allowedips allowedips;

    struct cookie_checker checker;
    struct ratelimiter limiter;
    struct load load;

    /* Packets in the outbox that are still plaintext, and the keypairs they hold open. */
    struct suite_job seal_jobs[WG_BATCH];
    struct keypair *seal_keypairs[WG_BATCH];
    unsigned n_seal;

    struct suite_job open_jobs[WG_BATCH];
    struct opening openings[WG_BATCH];
    unsigned n_open;

    uint64_t mono; /* of the last call that carried a time; for the status only */
    uint64_t rx_count[WG_RX_N];
};

struct wg_peer *device_peer_lookup(const struct wg *wg,
                                   const uint8_t public_key[SUITE_KEY]); /* or NULL */

#endif
