/* SPDX-License-Identifier: MIT */
/* In place of udp_relay.c where a build has none: nobody can associate. */
#include "proxy/udp_relay.h"

#include "base/err.h"

int udp_association_open(struct udp_relay *r, const struct endpoint *client, const struct endpoint *local,
                         const struct endpoint *hint, const char *user, struct udp_association **out,
                         struct endpoint *bound, struct now now)
{
    (void)r, (void)client, (void)local, (void)hint, (void)user, (void)out, (void)bound, (void)now;
    return ERR_LIMIT;
}

void udp_association_close(struct udp_association *a)
{
    (void)a;
}
