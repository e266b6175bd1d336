/* SPDX-License-Identifier: MIT */
/* The program without its process: tunnels and the doors into them, one turn function, one end. The real program runs it
 * on io's loop, the simulator in virtual time. */
#ifndef WGPROXY_APP_APP_H
#define WGPROXY_APP_APP_H

#include "app/doors.h"
#include "app/env.h"
#include "app/status.h"
#include "app/tunnel.h"
#include "base/macros.h"
#include "config/config.h"

struct app;

/* 0, ERR_NOMEM; `env` is borrowed for life */
int app_new(struct app **out, const struct env *env) MUST_USE;

/* Closes the doors, aborts what runs, and lets the tunnels send their last packets. NULL is harmless. */
void app_free(struct app *app, struct now now);

/* A tunnel from a configuration (read only during the call). With a `name` (copied) its lines in the log begin with it; with a
 * tunnel to go `through`, which was added before, its datagrams and the names of its peers go through that one instead of
 * the machine's network. Either may be NULL. Errors as tunnel_new. */
int app_add_tunnel(struct app *app, const struct config *config, const char *name,
                   struct tunnel *through, struct tunnel **out, struct now now) MUST_USE;

/* A door between this machine and the tunnel. *bound tells where it stands; *out, where wanted, is borrowed. Errors as
 * door_new; the log says which. */
int app_add_door(struct app *app, struct tunnel *tunnel, const struct config *c,
                 const struct config_door *d, struct place *bound, struct door **out) MUST_USE;

/* A proxy for every protocol and for everybody at `at`, as app_add_door. */
int app_add_socks(struct app *app, struct tunnel *tunnel, const struct endpoint *at,
                  struct endpoint *bound) MUST_USE;

/* What tells of the tunnels that are added to it, where it is let listen (see status.h); it ends with the application. Once. */
int app_add_status(struct app *app, struct status **out) MUST_USE;

void app_start(struct app *app, struct now now); /* once, after everything was added */

/* The machine woke, or its network is another: peers are to learn where we are now. */
void app_machine_changed(struct app *app, struct now now);

/* Nobody comes in any more, and who has not asked for anything yet is sent away; true while flows still run, or the last
 * bytes of some that have ended are on their way. */
bool app_drain(struct app *app);

/* Is something on its way into a tunnel still, of flows that have ended here? */
bool app_is_delivering(const struct app *app);

/* Work of one loop turn; returns when it must run again at the latest (NEVER: only when something arrives). */
uint64_t app_turn(struct app *app, struct now now);

#endif
