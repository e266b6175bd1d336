/* SPDX-License-Identifier: MIT */
/* The usual scene: a client host with a SOCKS5 door, a far host with services inside the tunnel, and keys for both. */
#ifndef WGPROXY_TESTS_SIM_SIM_PAIR_H
#define WGPROXY_TESTS_SIM_SIM_PAIR_H

#include "sim.h"
#include "sim_client.h"

enum { CLIENT, FAR };

#define FAR_V4 "10.9.0.1"
#define FAR_V6 "fd09::1"
#define CLIENT_V4 "10.9.0.2"
#define ECHO_PORT 7

struct sim_pair {
    struct sim *sim;
    struct sim_far *far; /* services; NULL while the far host is off */
};

/* How the hosts are configured beside their keys and addresses; the strings end in newlines or are "". */
struct sim_pair_options {
    const char *client_interface, *client_peer; /* more lines of the sections; */
    const char *far_interface,
        *far_peer;        /* the client's peer has an Endpoint, the far one's has none */
    const char *endpoint; /* of the client's peer; NULL: the far host's address */
    bool client_is_mistaken, far_is_mistaken; /* about the other's public key */
};

#define SIM_PAIR_PLAIN                                                                 \
    {                                                                                  \
        .client_interface = "", .client_peer = "", .far_interface = "", .far_peer = "" \
    }

/* Keys: number 0 is the client's, 1 the far host's, and there are two more. */
void sim_pair_keys(unsigned own, unsigned peer, char private_text[KEY_TEXT],
                   char public_text[KEY_TEXT]);

/* The services, in any stack: an echo on ECHO_PORT. */
struct stack;
struct sim_far *sim_far_new(struct stack *stack);
void sim_far_free(struct sim_far *far);

void sim_pair_init(struct sim_pair *p, uint64_t seed, const struct sim_pair_options *options);
void sim_pair_fini(struct sim_pair *p);
void sim_pair_client_on(struct sim_pair *p, const struct sim_pair_options *options);
void sim_pair_far_on(struct sim_pair *p, const struct sim_pair_options *options);
void sim_pair_far_off(struct sim_pair *p);

bool sim_pair_far_is_idle(const struct sim_pair *p); /* no connection is open at its services */

/* A client that has asked the door for `address` and `port`; the reply comes with time. */
struct sim_client *sim_pair_ask(struct sim_pair *p, const char *address, uint16_t port);
struct sim_client *sim_pair_ask_name(struct sim_pair *p, const char *name, uint16_t port);
struct sim_client *sim_pair_ask_door(struct sim_pair *p, uint16_t door, const char *address,
                                     uint16_t port);

/* Run until the SOCKS reply is whole, take it, and give its code; 256 when `at` (since the start) comes first. */
unsigned sim_pair_reply(struct sim_pair *p, struct sim_client *c, uint64_t at);

/* Send `len` patterned bytes to the echo, and check that they come back before `at`: true when all did. A byte that is wrong
 * fails the test. */
bool sim_pair_echo(struct sim_pair *p, struct sim_client *c, size_t len, uint64_t at);

/* Run until the client has `n` bytes or more; false when `at` comes first. */
bool sim_pair_wait(struct sim_pair *p, struct sim_client *c, size_t n, uint64_t at);

#endif
