/* SPDX-License-Identifier: MIT */
/* What may happen in an explored life, and the life itself as both halves of the explorer see it. */
#ifndef WGPROXY_TESTS_SIM_EXPLORER_FATE_H
#define WGPROXY_TESTS_SIM_EXPLORER_FATE_H

#include "sim_pair.h"
#include "sim_user.h"
#include "sim_watch.h"

#define USERS_MAX 200

/* The draws come from a generator of their own, so that a seed keeps its plan when the program under test asks for more or
 * less chance than it used to. */
struct life {
    uint64_t state; /* of `rng` */
    struct rng rng;
    struct sim_pair pair;
    struct sim_watch *watch;
    struct sim_user *users[USERS_MAX];
    unsigned n_users, n_drawn; /* all of them; those that came by themselves */

    /* What kind of life it is. */
    bool named, v6_outside, client_keepalive, far_keepalive;
    char endpoint[64], client_peer[160], far_peer[160];
    struct sim_pair_options options;

    /* How it goes. */
    uint64_t down_until[2], asleep_until[2]; /* since the start */
    int64_t wall_most[2], wall_least[2];
    unsigned moves[2];
};

/* ---- draws ---- */

uint64_t life_below(struct life *l, uint64_t n);
bool life_one_in(struct life *l, unsigned n);
uint64_t life_span(struct life *l, uint64_t least,
                   unsigned doublings); /* every order of magnitude alike */

/* ---- hosts and users ---- */

struct sim_host *life_host(struct life *l, unsigned number);
void life_set_address(struct life *l, unsigned number,
                      unsigned move); /* its first, or where it roams to */
void life_publish(struct life *l);    /* the name is what the far host is called, wherever it is */
void life_client_on(struct life *l);
struct sim_user *life_add_user(struct life *l, const struct sim_user_plan *plan);

/* Something happens. */
void fate_strikes(struct life *l);

#endif
