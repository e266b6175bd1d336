/* SPDX-License-Identifier: MIT */
/* The UDP relay as a puppet: associations are counted, and what was asked for is kept. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_FAKE_UDP_RELAY_H
#define WGPROXY_TESTS_UNIT_PROXY_FAKE_UDP_RELAY_H

#include "proxy/udp_relay.h"

struct udp_relay {
    int refusal;           /* what the next ones get */
    struct endpoint bound; /* what they are told */
    unsigned n_opened, n_open;
    struct endpoint client, local, hint; /* of the last one */
    char user[256];                      /* "" for none */
    uint64_t used;                       /* when the last datagram of any association passed */
};

#endif
