/* SPDX-License-Identifier: MIT */
/* From a destination to a connected stream: the only place that knows both names and streams. A
 * name's addresses are tried as RFC 8305 says (next one after 250 ms or when one fails), a literal
 * address alone. */
#ifndef WGPROXY_PROXY_DIAL_H
#define WGPROXY_PROXY_DIAL_H

#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "dns/resolver.h"
#include "proxy/access.h"
#include "proxy/local.h"
#include "proxy/target.h"
#include "stack/stack_tcp.h"

struct dialer;
struct dial;

struct dialer_config {
    struct stack *stack;
    struct resolver *resolver; /* NULL: the tunnel has no DNS, names fail with ERR_NO_DNS */
    uint64_t timeout;          /* ns for the whole dial, names included; 15 s by default (0) */
    /* While this says true the tunnel's peer does not answer, and a dial has 10 s beyond its timeout: a tunnel whose
     * far side lost its memory heals after 15 s. What runs out then ends with ERR_PEER_SILENT. May be NULL. */
    bool (*peer_is_silent)(void *ctx);
    void *ctx;
    /* names are looked up by the machine where there is no resolver; NULL: refused */
    const struct local *outside;
    int prefer;            /* enum family: its addresses first; FAMILY_NONE: as they come */
    const struct log *log; /* borrowed; may be NULL */
};

int dialer_new(struct dialer **out, const struct dialer_config *config) MUST_USE; /* 0, ERR_NOMEM */
void dialer_free(struct dialer *d); /* running dials end without done() */

/* err 0: `t` is connected and belongs to the callee, which sets its handler; bytes may have come
 * already. Else why not, truthful for the reply: the error of the attempt that got furthest
 * (refused before unreachable before timed out before no route). The dial is gone: its owner
 * forgets it. */
typedef void dial_done_fn(void *ctx, int err, struct stack_tcp *t, struct now now);

/* 0, ERR_NO_DNS, ERR_BAD_NAME, ERR_NO_ROUTE, ERR_NO_FAMILY, ERR_INVALID (port 0, an address that is
 * no host's), ERR_NOMEM, ERR_LIMIT at once; else done() later, never from inside this call. A name
 * that is an IP literal in text, with or without brackets, is taken as one. `to` and `user` are only read
 * during the call, `access` must outlive the dial. What the rules deny is ERR_DENIED. */
int dial_start(struct dialer *d, const struct target *to, const struct access *access,
               const char *user, dial_done_fn *done, void *ctx, struct dial **out,
               struct now now) MUST_USE;
void dial_cancel(struct dial *dial); /* done() will not be called */

/* Only the addresses of a name, in the order to try them, for who sends datagrams. done() as resolver_done_fn, later,
 * never from inside the call. Errors as dial_start. */
struct dial_lookup;
int dial_lookup(struct dialer *d, const char *name, resolver_done_fn *done, void *ctx,
                struct dial_lookup **out, struct now now) MUST_USE;
void dial_lookup_cancel(struct dial_lookup *l);

/* When dialer_tick must run; NEVER while nothing is being dialled. */
uint64_t dialer_next_deadline(const struct dialer *d);
void dialer_tick(struct dialer *d, struct now now);

#endif
