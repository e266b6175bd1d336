/* SPDX-License-Identifier: MIT */
/* A stub resolver without sockets (RFC 1034 5.3.1, RFC 1035, RFC 5452, RFC 7766): names go in,
 * messages to carry come out, answers come back, results are called. Whoever owns it carries the
 * messages through the tunnel and nowhere else.
 *
 *   resolver_lookup -> resolver_next_output ... resolver_receive / resolver_fail -> done()
 *
 * done() runs from resolver_tick only (a lookup that the cache answers has its deadline at once),
 * so no call returns into its caller. done() may look up and cancel, but not free the resolver. */
#ifndef WGPROXY_DNS_RESOLVER_H
#define WGPROXY_DNS_RESOLVER_H

#include "base/addr.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX 253 /* characters of a name in text without the final dot (RFC 1035 2.3.4) */
#define DNS_ADDRESSES_MAX 32 /* addresses given for one name; more are left out */

struct resolver;
struct resolver_query;

struct resolver_config {
    const struct addr *servers; /* inside the tunnel, tried in this order; copied */
    size_t n_servers;           /* at least 1; of more than 32 the first 32 are used */
    const char *const *search;  /* search domains, copied */
    size_t n_search;
    bool want_v4, want_v6; /* families that the tunnel has: only these are asked for */
    struct rng rng;
    const struct log *log;
};

/* 0, ERR_NOMEM, ERR_INVALID (no server, no family, a search domain that is no name) */
int resolver_new(struct resolver **out, const struct resolver_config *config) MUST_USE;
void resolver_free(struct resolver *r); /* running lookups end without done() */

/* 0: `addrs` holds n >= 1 addresses, both families in turns in the order to try them (RFC 8305 4),
 * valid during the call. Else n is 0: ERR_NO_NAME (NXDOMAIN, or a name that no server is asked for:
 * localhost, .onion, .invalid), ERR_NO_DATA, ERR_DNS_FAILED (SERVFAIL, REFUSED, nonsense),
 * ERR_DNS_SILENT (nobody answered, or nobody is there), ERR_UNREACHABLE or ERR_NO_ROUTE (no server
 * could be reached), ERR_NOMEM or ERR_LIMIT (nothing could be sent). The query is gone by then. */
typedef void resolver_done_fn(void *ctx, int err, const struct addr *addrs, size_t n,
                              struct now now);

/* Look `name` up: A and AAAA together, through the search domains where the name has no dot (and
 * after the name itself where it has one), CNAMEs followed. A final dot means this very name. 0,
 * ERR_BAD_NAME (empty, too long, an empty label or one over 63, a space, a backslash, not ASCII),
 * ERR_NOMEM, ERR_LIMIT (4096 at once). Equal names that are under way share one exchange. */
int resolver_lookup(struct resolver *r, const char *name, resolver_done_fn *done, void *ctx,
                    struct resolver_query **out, struct now now) MUST_USE;
void resolver_cancel(struct resolver_query *q); /* done() will not be called */

/* One message to carry, or the end of one. */
enum resolver_carry { RESOLVER_UDP, RESOLVER_TCP, RESOLVER_FORGET };
struct resolver_output {
    enum resolver_carry kind;
    uint32_t exchange;      /* names the message; each is carried from a local port of its own */
    struct endpoint server; /* port 53 */
    const uint8_t *message; /* valid until the next call; without TCP's two length bytes */
    size_t len;
    /* RESOLVER_FORGET: the exchange is over; close what carried it. Comes once for each that was
     * given out, also after resolver_fail(); until then the number is not used again. */
};
bool resolver_next_output(struct resolver *r, struct resolver_output *out);

/* A message came back for the exchange (without TCP's length bytes), from the very server it was
 * sent to. Anything that is not the answer is ignored and the exchange goes on waiting. */
void resolver_receive(struct resolver *r, uint32_t exchange, const uint8_t *message, size_t len,
                      struct now now);
/* It could not be carried: ERR_REFUSED, ERR_UNREACHABLE, ERR_NO_ROUTE, ERR_RESET... The next server
 * is tried at once. Like resolver_receive, harmless for an exchange that is over. */
void resolver_fail(struct resolver *r, uint32_t exchange, int err, struct now now);

/* NEVER when nothing is under way: what the cache holds expires unseen. */
uint64_t resolver_next_deadline(const struct resolver *r);
void resolver_tick(struct resolver *r, struct now now);

#endif
