/* SPDX-License-Identifier: MIT */
/* What a run says of its tunnels and doors once they stand: a line for each. */
#ifndef WGPROXY_CMD_ANNOUNCE_H
#define WGPROXY_CMD_ANNOUNCE_H

#include "cmd/world.h"
#include "config/config.h"

/* What was configured, in one look. */
void announce_tunnel(const struct world *w, const struct config *c, const struct tunnel *t);

/* Where a door stands, and where it leads; nothing for standard input and output. */
void announce_door(const struct log *log, const struct config_door *d, const struct place *bound);

#endif
