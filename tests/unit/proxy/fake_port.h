/* SPDX-License-Identifier: MIT */
/* A UDP port of this machine, scripted by the test: what is sent is kept, what arrives is said. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_FAKE_PORT_H
#define WGPROXY_TESTS_UNIT_PROXY_FAKE_PORT_H

#include "base/dgram.h"

#include <stdbool.h>

#define FAKE_PORT_SENT 128

struct fake_port {
    struct dgram dgram; /* first */
    uint16_t number;
    bool closed;
    unsigned n;
    struct {
        struct endpoint to;
        size_t len;
        uint8_t data[2048];
    } sent[FAKE_PORT_SENT];
};

void fake_port_init(struct fake_port *p, uint16_t number, const struct dgram_handler *handler,
                    void *ctx);

/* One datagram arrives from there. */
void fake_port_deliver(struct fake_port *p, const char *from, const void *data, size_t len,
                       struct now now);

/* The only thing that was sent since the last call is this. */
void fake_port_sent(struct fake_port *p, const char *to, const void *data, size_t len);
void fake_port_sent_nothing(const struct fake_port *p);

#endif
