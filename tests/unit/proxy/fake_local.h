/* SPDX-License-Identifier: MIT */
/* The machine's resolver as a puppet for proxy/local.h: one look-up at a time, answered by the test. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_FAKE_LOCAL_H
#define WGPROXY_TESTS_UNIT_PROXY_FAKE_LOCAL_H

#include "proxy/local.h"

#include <stdbool.h>

struct fake_local {
    struct local local; /* to be given to the code under test */
    int refusal;        /* what the next look-up returns at once */
    bool running;
    char name[256];
    local_resolved_fn *done;
    void *ctx;
};

void fake_local_init(struct fake_local *f);

/* End the look-up: with addresses ("10.0.0.1 fd00::1"), or with `err`. */
void fake_local_answer(struct fake_local *f, int err, const char *addrs, struct now now);

#endif
