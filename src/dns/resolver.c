/* SPDX-License-Identifier: MIT */
/* Lookups, questions and the cache brought together.
 *
 * A lookup walks through the candidates of its name. For each it wants two questions answered, one
 * per family; equal ones are shared (pending.h). A question's end settles the halves that wait for
 * it and feeds the cache; a lookup whose halves are settled moves on to the next candidate or
 * becomes ready, and tick delivers. */
#include "dns/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "dns/cache.h"
#include "dns/lookup.h"
#include "dns/name.h"
#include "dns/pending.h"
#include "dns/question.h"

#define LOOKUPS_MAX 4096
#define CACHE_MAX 1024
#define RESOLUTION_DELAY (50 * NS_PER_MS) /* RFC 8305 8 */

struct resolver {
    struct upstream up;
    struct pending pending;
    struct name_search search;
    struct cache cache;
    bool want[N_HALVES];
    struct list lookups;
    unsigned n_lookups;
    struct list delayed; /* by deadline */
    struct list ready;   /* first come, first served */
};

static const enum family families[N_HALVES] = {[HALF_V6] = FAMILY_V6, [HALF_V4] = FAMILY_V4};

static int upstream_init(struct upstream *up, const struct resolver_config *config)
{
    if (config->n_servers > SERVERS_MAX) {
        log_warn(config->log, "dns: only the first %d servers are used", SERVERS_MAX);
    }
    up->n = (unsigned)(config->n_servers < SERVERS_MAX ? config->n_servers : SERVERS_MAX);
    for (unsigned i = 0; i < up->n; i++) {
        if (config->servers[i].family == FAMILY_NONE) {
            return ERR_INVALID;
        }
        up->servers[i].addr = config->servers[i];
    }
    up->rng = config->rng;
    up->log = config->log;
    exchanges_init(&up->exchanges);
    return 0;
}

static void init_tables(struct resolver *r)
{
    pending_init(&r->pending, &r->up);
    cache_init(&r->cache, CACHE_MAX);
    list_init(&r->lookups);
    list_init(&r->delayed);
    list_init(&r->ready);
}

int resolver_new(struct resolver **out, const struct resolver_config *config)
{
    if (config->n_servers == 0 || !(config->want_v4 || config->want_v6)) {
        return ERR_INVALID;
    }
    struct resolver *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return ERR_NOMEM;
    }
    int err = upstream_init(&r->up, config);
    if (err == 0) {
        err = name_search_init(&r->search, config->search, config->n_search);
    }
    if (err != 0) {
        free(r);
        return err == ERR_BAD_NAME ? ERR_INVALID : err;
    }
    init_tables(r);
    r->want[HALF_V4] = config->want_v4;
    r->want[HALF_V6] = config->want_v6;
    *out = r;
    return 0;
}

static void lookup_free(struct resolver_query *l, bool for_the_cache)
{
    for (size_t i = 0; i < N_HALVES; i++) {
        pending_leave(&l->resolver->pending, &l->halves[i].want, for_the_cache);
    }
    list_remove(&l->in_all);
    list_remove(&l->in_state);
    l->resolver->n_lookups--;
    free(l);
}

void resolver_free(struct resolver *r)
{
    while (!list_empty(&r->lookups)) {
        lookup_free(list_item(r->lookups.next, struct resolver_query, in_all), false);
    }
    pending_fini(&r->pending);
    exchanges_fini(&r->up.exchanges);
    cache_fini(&r->cache);
    name_search_fini(&r->search);
    free(r);
}

static void make_ready(struct resolver_query *l)
{
    list_remove(&l->in_state);
    list_push_back(&l->resolver->ready, &l->in_state);
}

static void delay(struct resolver_query *l, struct now now)
{
    l->deadline = now.mono + RESOLUTION_DELAY;
    list_push_back(&l->resolver->delayed, &l->in_state);
}

/* Settle the half from the cache, or have it wait for a question. */
static void half_start(struct half *half, const char *name, struct now now)
{
    struct resolver *r = half->lookup->resolver;
    half->settled = false;
    half->n = 0;
    if (!half->wanted) {
        half_settle(half, ERR_NO_DATA, NULL, 0);
        return;
    }
    const struct cache_entry *known = cache_lookup(&r->cache, name, half->family, now);
    if (known != NULL) {
        half_settle(half, known->err, known->addrs, known->n);
        return;
    }
    int err = pending_join(&r->pending, &half->want, name, half->family, now);
    if (err != 0) {
        half_settle(half, err, NULL, 0);
    }
}

/* Begin with the next candidate. False: there is none, l->err is final. */
static bool next_candidate(struct resolver_query *l, struct now now)
{
    char name[NAME_SIZE];
    if (!name_search_next(&l->resolver->search, l->name, l->absolute, &l->candidate, name)) {
        return false;
    }
    for (size_t i = 0; i < N_HALVES; i++) {
        half_start(&l->halves[i], name, now);
    }
    return true;
}

/* Two halves without addresses: is it worth going on? Only a definite no leads to the next
 * candidate: when it is not known whether a name exists, no other may answer in its place. */
static bool may_go_on(struct resolver_query *l)
{
    int verdict = lookup_verdict(l);
    if (verdict != ERR_NO_NAME || l->err != ERR_NO_DATA) {
        l->err = verdict;
    }
    return verdict == ERR_NO_NAME || verdict == ERR_NO_DATA;
}

/* A half was settled. */
static void lookup_proceed(struct resolver_query *l, struct now now)
{
    while (lookup_is_settled(l) && !lookup_has_addresses(l)) {
        if (!may_go_on(l) || !next_candidate(l, now)) {
            make_ready(l);
            return;
        }
    }
    if (lookup_has_addresses(l)) {
        l->err = 0;
        if (lookup_is_settled(l)) {
            make_ready(l);
        } else {
            delay(l, now);
        }
    }
}

static struct resolver_query *lookup_new(struct resolver *r, resolver_done_fn *done, void *ctx)
{
    struct resolver_query *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    *l = (struct resolver_query){.resolver = r, .done = done, .ctx = ctx, .err = ERR_NO_NAME};
    list_init(&l->in_state);
    list_push_back(&r->lookups, &l->in_all);
    r->n_lookups++;
    for (size_t i = 0; i < N_HALVES; i++) {
        l->halves[i].lookup = l;
        l->halves[i].family = families[i];
        l->halves[i].wanted = r->want[i];
        want_init(&l->halves[i].want);
    }
    return l;
}

int resolver_lookup(struct resolver *r, const char *name, resolver_done_fn *done, void *ctx,
                    struct resolver_query **out, struct now now)
{
    char canonical[NAME_SIZE];
    bool absolute;
    int err = name_canonical(canonical, name, &absolute);
    if (err != 0) {
        return err;
    }
    if (r->n_lookups == LOOKUPS_MAX) {
        return ERR_LIMIT;
    }
    struct resolver_query *l = lookup_new(r, done, ctx);
    if (l == NULL) {
        return ERR_NOMEM;
    }
    memcpy(l->name, canonical, sizeof canonical);
    l->absolute = absolute;
    if (next_candidate(l, now)) {
        lookup_proceed(l, now);
    } else {
        make_ready(l);
    }
    *out = l;
    return 0;
}

void resolver_cancel(struct resolver_query *l)
{
    lookup_free(l, false);
}

bool resolver_next_output(struct resolver *r, struct resolver_output *out)
{
    return exchanges_next_output(&r->up.exchanges, out);
}

static void remember(struct resolver *r, const struct question *q, struct now now)
{
    if (q->err == 0 || q->err == ERR_NO_NAME || q->err == ERR_NO_DATA) {
        size_t n = q->err == 0 ? q->answer.n : 0;
        cache_store(&r->cache, q->name, q->family, q->err, q->answer.addrs, n, q->answer.ttl, now);
    }
}

/* The question is answered: tell everyone who waits, and let it go. */
static void conclude(struct resolver *r, struct question *q, struct now now)
{
    pending_conclude(&r->pending, q);
    remember(r, q, now);
    for (struct want *w = pending_next_want(q); w != NULL; w = pending_next_want(q)) {
        struct half *half = container_of(w, struct half, want);
        half_settle(half, q->err, q->answer.addrs, q->err == 0 ? q->answer.n : 0);
        lookup_proceed(half->lookup, now);
    }
    question_free(q);
}

void resolver_receive(struct resolver *r, uint32_t exchange, const uint8_t *message, size_t len,
                      struct now now)
{
    struct exchange *x = exchange_lookup(&r->up.exchanges, exchange);
    struct question *q = x == NULL ? NULL : x->question; /* outlives the exchange */
    if (q != NULL && question_receive(q, message, len, now)) {
        conclude(r, q, now);
    }
}

void resolver_fail(struct resolver *r, uint32_t exchange, int err, struct now now)
{
    struct exchange *x = exchange_lookup(&r->up.exchanges, exchange);
    struct question *q = x == NULL ? NULL : x->question;
    if (q != NULL && question_fail(q, err, now)) {
        conclude(r, q, now);
    }
}

static struct resolver_query *first_in(const struct list *l)
{
    return list_empty(l) ? NULL : list_item(l->next, struct resolver_query, in_state);
}

uint64_t resolver_next_deadline(const struct resolver *r)
{
    if (!list_empty(&r->ready)) {
        return 0;
    }
    uint64_t deadline = exchanges_next_deadline(&r->up.exchanges);
    const struct resolver_query *l = first_in(&r->delayed);
    return l == NULL ? deadline : deadline_min(deadline, l->deadline);
}

static void deliver(struct resolver_query *l, struct now now)
{
    struct addr addrs[DNS_ADDRESSES_MAX];
    size_t n = l->err == 0 ? lookup_interleave(l, addrs) : 0;
    resolver_done_fn *done = l->done;
    void *ctx = l->ctx;
    int err = l->err;
    lookup_free(l, true);
    done(ctx, err, addrs, n, now);
}

void resolver_tick(struct resolver *r, struct now now)
{
    for (struct exchange *x = exchanges_overdue(&r->up.exchanges, now); x != NULL;
         x = exchanges_overdue(&r->up.exchanges, now)) {
        struct question *q = x->question;
        if (question_overdue(q, now)) {
            conclude(r, q, now);
        }
    }
    for (struct resolver_query *l = first_in(&r->delayed); l != NULL && l->deadline <= now.mono;
         l = first_in(&r->delayed)) {
        make_ready(l);
    }
    /* What done() asks for anew, and finds in the cache, is the next tick's. */
    struct list due;
    list_take(&due, &r->ready);
    while (!list_empty(&due)) {
        deliver(list_item(list_pop_front(&due), struct resolver_query, in_state), now);
    }
}
