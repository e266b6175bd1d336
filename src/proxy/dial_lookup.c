/* SPDX-License-Identifier: MIT */
/* Names into addresses: by the resolver inside the tunnel, or, where there is none and it is allowed, by the machine.
 * Never by the one because the other failed. */
#include "proxy/dialer.h"

#include "base/err.h"
#include "dns/name.h"

#include <stdlib.h>
#include <string.h>

struct dial_lookup {
    struct list link; /* in the dialer's lookups or known */
    struct dialer *dialer;
    resolver_done_fn *done;
    void *ctx;
    struct resolver_query *query; /* the one of these that is under way */
    struct local_lookup *outside;
    struct addr literal; /* known */
};

bool dialer_literal(struct addr *out, const char *name)
{
    size_t len = strlen(name);
    if (name[0] != '[' || name[len - 1] != ']') {
        return addr_parse(out, name);
    }
    char inner[ADDR_TEXT];
    if (len - 2 >= sizeof inner) {
        return false;
    }
    memcpy(inner, name + 1, len - 2);
    inner[len - 2] = '\0';
    return strchr(inner, ':') != NULL && addr_parse(out, inner);
}

static void forget(struct dial_lookup *l)
{
    list_remove(&l->link);
    free(l);
}

void dial_lookup_cancel(struct dial_lookup *l)
{
    if (l->query != NULL) {
        resolver_cancel(l->query);
    }
    if (l->outside != NULL) {
        l->dialer->config.outside->ops->resolve_cancel(l->outside);
    }
    forget(l);
}

/* Those of one family first, else in their order. */
static void sort_by_family(struct addr *addrs, size_t n, int first)
{
    struct addr rest[DNS_ADDRESSES_MAX];
    size_t n_first = 0, n_rest = 0;
    for (size_t i = 0; i < n; i++) {
        if (first == FAMILY_NONE || addrs[i].family == first) {
            addrs[n_first++] = addrs[i];
        } else {
            rest[n_rest++] = addrs[i];
        }
    }
    memcpy(addrs + n_first, rest, n_rest * sizeof *rest);
}

/* The last word. `addrs` has room for all that may be sorted. */
static void finish(struct dial_lookup *l, int err, struct addr *addrs, size_t n, struct now now)
{
    resolver_done_fn *done = l->done;
    void *ctx = l->ctx;
    sort_by_family(addrs, n, l->dialer->config.prefer);
    forget(l);
    done(ctx, err, addrs, n, now);
}

static void found_inside(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct addr own[DNS_ADDRESSES_MAX];
    n = n < DNS_ADDRESSES_MAX ? n : DNS_ADDRESSES_MAX;
    for (size_t i = 0; i < n; i++) {
        own[i] = addrs[i];
    }
    finish(ctx, err, own, n, now);
}

/* The machine knows nothing of the tunnel: what it calls itself is not inside, and it names families that the tunnel
 * does not have. */
static void found_outside(void *ctx, int err, const struct endpoint *found, size_t n,
                          struct now now)
{
    struct dial_lookup *l = ctx;
    struct addr own[DNS_ADDRESSES_MAX];
    size_t n_own = 0;
    for (size_t i = 0; err == 0 && i < n && n_own < DNS_ADDRESSES_MAX; i++) {
        const struct addr *a = &found[i].addr;
        if (!addr_is_loopback(a) && stack_has_family(l->dialer->config.stack, a->family)) {
            own[n_own++] = *a;
        }
    }
    if (err == 0 && n_own == 0) {
        err = ERR_NO_DATA;
    }
    finish(l, err, own, n_own, now);
}

/* 0, or why neither a server nor the machine is asked for it: the same for both, whichever there is. */
static int check_name(const char *name)
{
    char canonical[NAME_SIZE];
    bool absolute;
    int err = name_canonical(canonical, name, &absolute);
    return err == 0 && name_stays_here(canonical) ? ERR_NO_NAME : err;
}

static int begin(struct dial_lookup *l, const char *name, struct now now)
{
    struct dialer *d = l->dialer;
    const struct local *outside = d->config.outside;
    if (dialer_literal(&l->literal, name)) {
        list_push_back(&d->known, &l->link);
        return 0;
    }
    int err = check_name(name);
    if (err != 0) {
        return err;
    }
    if (d->config.resolver == NULL && outside == NULL) {
        return ERR_NO_DNS;
    }
    list_push_back(&d->lookups, &l->link);
    return d->config.resolver != NULL
               ? resolver_lookup(d->config.resolver, name, found_inside, l, &l->query, now)
               : outside->ops->resolve(outside->world, name, 0, found_outside, l, &l->outside, now);
}

int dial_lookup(struct dialer *d, const char *name, resolver_done_fn *done, void *ctx,
                struct dial_lookup **out, struct now now)
{
    struct dial_lookup *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return ERR_NOMEM;
    }
    l->dialer = d;
    l->done = done;
    l->ctx = ctx;
    list_init(&l->link);
    int err = begin(l, name, now);
    if (err != 0) {
        forget(l);
        return err;
    }
    *out = l;
    return 0;
}

void dialer_tell_known(struct dialer *d, struct now now)
{
    while (!list_empty(&d->known)) {
        struct dial_lookup *l = list_item(d->known.next, struct dial_lookup, link);
        struct addr own[DNS_ADDRESSES_MAX] = {l->literal};
        finish(l, 0, own, 1, now);
    }
}

void dialer_forget_lookups(struct dialer *d)
{
    while (!list_empty(&d->known)) {
        dial_lookup_cancel(list_item(d->known.next, struct dial_lookup, link));
    }
    while (!list_empty(&d->lookups)) {
        dial_lookup_cancel(list_item(d->lookups.next, struct dial_lookup, link));
    }
}
