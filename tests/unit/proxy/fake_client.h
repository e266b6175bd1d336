/* SPDX-License-Identifier: MIT */
/* A client of the door, scripted by the test: a struct stream whose socket has the sizes and the
 * faults that the test gives it. ready() comes from fake_client_turn alone; an operation after the
 * stream was given up fails the test. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_FAKE_CLIENT_H
#define WGPROXY_TESTS_UNIT_PROXY_FAKE_CLIENT_H

#include "base/stream.h"
#include "fake_bytes.h"

#include <stdbool.h>

struct fake_client {
    struct stream stream; /* first */
    enum fake_fate fate;
    unsigned wanted, n_wants;
    bool told_broken;
    struct fake_bytes input; /* what the client sent; read up to input_at */
    size_t input_at;
    bool input_eof, shut;
    struct fake_bytes output;   /* what the client was sent */
    size_t read_max, write_max; /* per call */
    size_t room;                /* that the socket still has for output */
    int read_err, write_err;    /* instead of bytes, once what was sent is read */
    unsigned n_reads, n_writes;
};

void fake_client_init(struct fake_client *c);
void fake_client_fini(struct fake_client *c); /* fails the test when it was not given up */

void fake_client_send(struct fake_client *c, const void *data, size_t len);
void fake_client_shutdown(struct fake_client *c);
void fake_client_reset(struct fake_client *c); /* from now on reads and writes fail */

/* Call ready() once if what is wanted is true; true when it was called. */
bool fake_client_turn(struct fake_client *c, struct now now);

#endif
