/* SPDX-License-Identifier: MIT */
/* From a destination to a connected stream: the only place that knows both names and streams. A name's addresses are
 * tried as RFC 8305 says (next one after 250 ms or when one fails), a literal address alone. */
#ifndef WGPROXY_PROXY_DIAL_H
#define WGPROXY_PROXY_DIAL_H

#include "base/addr.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "dns/resolver.h"
#include "stack/stack_tcp.h"

/* Where to: a literal address, or a name when addr.family is NONE. */
struct target {
    struct addr addr;
    char name[DNS_NAME_MAX + 3]; /* as it came, NUL-terminated; "" for a literal */
    uint16_t port;
};

struct dialer;
struct dial;

struct dialer_config {
    struct stack *stack;
    struct resolver *resolver; /* NULL: the tunnel has no DNS, names fail with ERR_NO_DNS */
    uint64_t timeout;          /* ns for the whole dial, names included; 15 s by default (0) */
    const struct log *log;
};

int dialer_new(struct dialer **out, const struct dialer_config *config) MUST_USE;
void dialer_free(struct dialer *d); /* running dials end without done() */

/* err 0: `t` is connected and belongs to the callee, which sets its handler. Else why not, truthful for the reply:
 * the error of the attempt that got furthest (refused before unreachable before timed out before no route). */
typedef void dial_done_fn(void *ctx, int err, struct stack_tcp *t, struct now now);

/* 0, ERR_NO_DNS, ERR_BAD_NAME, ERR_NO_ROUTE, ERR_NO_FAMILY, ERR_INVALID, ERR_NOMEM, ERR_LIMIT at once; else done() later, never
 * from inside this call. A name that is an IP literal in text is taken as one. */
int dial_start(struct dialer *d, const struct target *to, dial_done_fn *done, void *ctx, struct dial **out,
               struct now now) MUST_USE;
void dial_cancel(struct dial *dial);

uint64_t dialer_next_deadline(const struct dialer *d);
void dialer_tick(struct dialer *d, struct now now);

#endif
