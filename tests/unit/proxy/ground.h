/* SPDX-License-Identifier: MIT */
/* A door with everything that it touches played by puppets, in virtual time, and the log that it
 * writes. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_GROUND_H
#define WGPROXY_TESTS_UNIT_PROXY_GROUND_H

#include "fake_client.h"
#include "fake_resolver.h"
#include "fake_stack.h"
#include "proxy/dial.h"
#include "proxy/proxy.h"

struct ground {
    struct stack *stack;
    struct resolver *resolver; /* NULL: the tunnel has no DNS */
    struct dialer *dialer;
    struct proxy *proxy;
    struct now now;
    struct log log;
    char lines[65536];
};

struct ground_options {
    bool no_dns;
    unsigned protocols; /* 0: those that are told apart by the first byte */
    const char *target; /* DOOR_FORWARD: "10.0.0.1:80" */
    const struct users *users;
    const struct access *access;
    struct udp_relay *udp; /* NULL: no ASSOCIATE */
    bool binds;
    bool tells_failures;
    bool tells_targets;
    unsigned max_sessions;
    uint64_t dial_timeout, greeting_timeout, idle;
};

struct ground *ground_new(struct ground_options options);
void ground_free(struct ground *g); /* the door first, if it still stands */

void ground_sleep(struct ground *g, uint64_t ns);

/* Let everything happen that can happen now; fails the test when it does not come to rest. */
void ground_settle(struct ground *g, struct fake_client *const *clients, unsigned n);

/* The log's lines so far hold `line`, whole. */
bool ground_said(const struct ground *g, const char *line);
unsigned ground_lines(const struct ground *g);

#endif
