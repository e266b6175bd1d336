/* SPDX-License-Identifier: MIT */
/* Users of the far echo who act by themselves, each by a plan, and see to it that what comes back is what they sent. */
#ifndef WGPROXY_TESTS_SIM_SIM_USER_H
#define WGPROXY_TESTS_SIM_SIM_USER_H

#include "sim_pair.h"

struct sim_user_plan {
    size_t total, chunk; /* bytes in all, and at once */
    uint64_t pause;      /* ns between chunks; 0: the next one follows at once */
    bool turns;          /* the next chunk waits for the echo of the one before */
    size_t sip;          /* a slow reader takes so much every 100 ms; 0: everything at once */
    uint8_t salt;        /* its bytes are not its neighbour's */
    size_t
        /* bytes came back: the user vanishes; 0: never. Others half-close and wait for the end. */
        reset_after;
};

enum sim_user_end {
    SIM_USER_ACTIVE,
    SIM_USER_REFUSED, /* the door said no: sim_user_reply */
    SIM_USER_DONE,    /* all came back, and the end after it; or it vanished as planned */
    SIM_USER_RESET,   /* the door reset the connection */
};

struct sim_user;

struct sim_user *sim_user_new(struct sim_pair *p, const struct sim_user_plan *plan,
                              const char *address);
void sim_user_leave(struct sim_user *u); /* vanish, if it still is there */
void sim_user_free(struct sim_user *u);  /* after it left, or its host is off */

/* To be called after each event. A wrong byte, or an end before the last one, fails the test. */
enum sim_user_end sim_user_step(struct sim_user *u);

enum sim_user_end sim_user_end(const struct sim_user *u);
unsigned sim_user_reply(const struct sim_user *u); /* of the door; 256: none yet */
size_t sim_user_sent(const struct sim_user *u);
size_t sim_user_received(const struct sim_user *u);

/* May it wait for ever? Something happened that can end a connection at one end while the other does not hear of it: without
 * keepalives TCP does not find out. */
bool sim_user_is_excused(const struct sim_user *u);
void sim_user_excuse(struct sim_user *u);

#endif
