/* SPDX-License-Identifier: MIT */
/* A puppet for proxy/udp_relay.h, put in its place when linking. */
#include "fake_udp_relay.h"

#include "unit/test.h"

#include <stdio.h>

int udp_association_open(struct udp_relay *r, const struct endpoint *client,
                         const struct endpoint *local, const struct endpoint *hint,
                         const char *user, struct udp_association **out, struct endpoint *bound,
                         struct now now)
{
    r->used = now.mono;
    if (r->refusal != 0) {
        return r->refusal;
    }
    r->n_opened++;
    r->n_open++;
    r->client = *client;
    r->local = *local;
    r->hint = *hint;
    snprintf(r->user, sizeof r->user, "%s", user != NULL ? user : "");
    *bound = r->bound;
    *out = (struct udp_association *)(void *)r;
    return 0;
}

uint64_t udp_association_used(const struct udp_association *a)
{
    return ((const struct udp_relay *)(const void *)a)->used;
}

void udp_association_close(struct udp_association *a)
{
    struct udp_relay *r = (struct udp_relay *)(void *)a;
    assert_true(r->n_open > 0);
    r->n_open--;
}
