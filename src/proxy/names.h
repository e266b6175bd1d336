/* SPDX-License-Identifier: MIT */
/* Carries the resolver's messages through the tunnel, and nowhere else: each UDP exchange from a
 * socket of its own with an unpredictable port (RFC 5452 section 9.2), each TCP exchange over a
 * connection of its own (RFC 7766). Answers are taken from the very server that was asked. */
#ifndef WGPROXY_PROXY_NAMES_H
#define WGPROXY_PROXY_NAMES_H

#include "base/macros.h"
#include "base/now.h"
#include "dns/resolver.h"
#include "stack/stack.h"

#include <stdbool.h>

struct names;

/* Both are borrowed and must outlive the carrier. 0, ERR_NOMEM. */
int names_new(struct names **out, struct stack *stack, struct resolver *resolver) MUST_USE;
void names_free(struct names *n);

/* Carry what the resolver wants carried. To be called each turn, after the ticks and the dispatch;
 * true when there was anything. It waits for nothing by itself: the resolver has the deadlines. */
bool names_run(struct names *n, struct now now);

#endif
