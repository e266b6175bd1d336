/* SPDX-License-Identifier: MIT */
/* -- COMMAND: waits until the tunnel is up, then runs a program whose proxy variables lead into it. */
#ifndef WGPROXY_CMD_COMMAND_H
#define WGPROXY_CMD_COMMAND_H

#include "cmd/files.h"
#include "cmd/options.h"
#include "cmd/world.h"
#include "wg/wg.h"

struct errand {
    struct world *world;
    struct tunnel *tunnel;
    const struct files *files;
    const struct config *config;   /* of the tunnel, the first of them */
    const struct options *options; /* NULL: there is no command */
    struct place door;             /* the private one */
    char folder[64];               /* of its Unix socket; "" without */
    uint64_t until;                /* how long the tunnel is waited for */
    struct io_child *child;
    bool over;
    int status;
};

/* Zeroes are a command that is not there. Opens the private door. 0 or an error that the log has told. */
int command_prepare(struct errand *c, struct world *world, struct tunnel *tunnel,
                    const struct files *files, const struct options *options) MUST_USE;
void command_start(struct errand *c, struct now now); /* begin to wait: the peers are called */
void command_fini(struct errand *c);

bool command_is_wanted(const struct errand *c);
/* Once per turn: starts the program when the tunnel is up, gives up when it does not come. When to look again. */
uint64_t command_look(struct errand *c, struct now now);
bool command_is_over(const struct errand *c);
int command_status(const struct errand *c);

/* Pass a signal on; what asks for the end before the program runs is its end. False where there is no command, so that
 * the signal is for us. */
bool command_signal(struct errand *c, int signum);

#endif
