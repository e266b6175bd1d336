/* SPDX-License-Identifier: MIT */
/* Questions under way, each shared by all who want its answer. */
#ifndef WGPROXY_DNS_PENDING_H
#define WGPROXY_DNS_PENDING_H

#include "base/list.h"
#include "base/macros.h"
#include "base/now.h"
#include "dns/question.h"

#include <stdbool.h>

#define PENDING_BUCKETS 256
#define PENDING_UNWANTED_MAX 256

struct pending {
    struct upstream *up;
    struct list table[PENDING_BUCKETS]; /* by name and family */
    unsigned n_unwanted;
};

/* Waiting for one question; embedded in whoever waits. */
struct want {
    struct list link;
    struct question *question; /* NULL: waits for none */
};

void pending_init(struct pending *p, struct upstream *up);
void pending_fini(struct pending *p); /* all end; nobody may want one any more (asserted) */

void want_init(struct want *w);

/* Wait for the addresses of `name`: for the question that is under way, or for a new one.
 * 0, ERR_NOMEM. */
int pending_join(struct pending *p, struct want *w, const char *name, enum family family,
                 struct now now) MUST_USE;

/* Wait no longer; harmless when not waiting. A question that nobody waits for any more ends, or
 * goes on `for_the_cache` while fewer than PENDING_UNWANTED_MAX do so. */
void pending_leave(struct pending *p, struct want *w, bool for_the_cache);

/* The question is answered and the caller's to free. It left the table, so that those who are told
 * may ask anew. */
void pending_conclude(struct pending *p, struct question *q);

/* Those who waited, one after the other; NULL: no more. */
struct want *pending_next_want(struct question *q);

#endif
