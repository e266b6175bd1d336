/* SPDX-License-Identifier: MIT */
/* The page /metrics: what tunnels and peers have done, and what was dropped and why. Public keys and addresses are named,
 * nothing secret. */
#ifndef WGPROXY_APP_METRICS_H
#define WGPROXY_APP_METRICS_H

#include "app/alive.h"
#include "app/env.h"
#include "app/words.h"

/* In the words of WireGuard's cross-platform interface, "get", with some of our own between. */
void metrics_write(struct words *out, const struct env *env, struct alive *const *tunnels,
                   size_t n);

/* In Prometheus's text format 0.0.4: each metric once, with a sample for each tunnel or peer. */
void metrics_write_exposition(struct words *out, const struct env *env,
                              struct alive *const *tunnels, size_t n, struct now now);

#endif
