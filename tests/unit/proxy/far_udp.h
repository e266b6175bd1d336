/* SPDX-License-Identifier: MIT */
/* A UDP socket of the house's far end, which keeps what it was told last. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_FAR_UDP_H
#define WGPROXY_TESTS_UNIT_PROXY_FAR_UDP_H

#include "house.h"

struct far_udp {
    struct stack_udp *u;
    unsigned n; /* datagrams since far_udp_got */
    struct endpoint from;
    size_t len;
    uint8_t data[2048];
};

void far_udp_open(struct far_udp *f, struct house *h, uint16_t port);

/* One datagram came since the last call, with these bytes. */
void far_udp_got(struct far_udp *f, const void *data, size_t len);
void far_udp_say(struct far_udp *f, const struct endpoint *to, const void *data, size_t len);

#endif
