/* SPDX-License-Identifier: MIT */
/* Opens what the files and the command line ask for, and says where it stands: doors, and the status port. */
#ifndef WGPROXY_CMD_WAYS_OPEN_H
#define WGPROXY_CMD_WAYS_OPEN_H

#include "app/pac.h"
#include "cmd/files.h"
#include "cmd/options.h"
#include "cmd/world.h"

/* What they lead into. The proxies of each tunnel are noted as they are opened, for the status to tell of them. */
struct ways {
    struct world *world;
    const struct files *files; /* have passed ways_in_check, with the options */
    const struct options *options;
    struct tunnel *const *tunnels; /* of each file */
    struct pac_proxies proxies[FILES_MAX];
};

/* Those of the command line, then those of the files; the usual proxy where nothing at all is said and no command brings its
 * own. Standard input is no door of this kind. Errors as app_add_door; the log says which. */
int ways_open_doors(struct ways *w) MUST_USE;

/* After the doors. Errors as status_listen and status_add; the log says which. */
int ways_open_status(struct ways *w) MUST_USE;

#endif
