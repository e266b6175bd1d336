/* SPDX-License-Identifier: MIT */
/* Where an association's datagrams go. Only names need memory: an address is sent to as it stands. */
#include "proxy/udp_relay_parts.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#define FRESH \
    (30 * NS_PER_S) /* then a name is asked for again: the resolver's cache knows its TTL */

void udp_send_inside(struct udp_association *a, const struct target *to, const uint8_t *data,
                     size_t len)
{
    struct udp_relay_counters *count = &a->relay->counters;
    struct endpoint at = {.addr = to->addr, .port = to->port};
    if (access_ask(a->relay->config.access, a->user, to) != ACCESS_ALLOWED) {
        count->dropped_denied++;
        return;
    }
    int err = stack_udp_send(a->inside, &at, data, len);
    if (err == 0) {
        count->up++;
    } else if (err == ERR_LIMIT || err == ERR_NOMEM) {
        count->dropped_limit++;
    } else {
        count->dropped_denied++;
    }
}

static void drop_queue(struct udp_target *t)
{
    for (struct udp_queued *q; (q = udp_queue_take(&t->queued)) != NULL; free(q)) {
        t->owner->relay->counters.dropped_denied++;
    }
}

void udp_target_free(struct udp_target *t)
{
    if (t->lookup != NULL) {
        dial_lookup_cancel(t->lookup);
    }
    drop_queue(t);
    list_remove(&t->link);
    t->owner->n_targets--;
    t->owner->relay->n_targets--;
    free(t);
}

static void send_to_name(struct udp_target *t, uint16_t port, const uint8_t *data, size_t len)
{
    struct target to = {.addr = t->addr, .port = port};
    memcpy(to.name, t->name, strlen(t->name) + 1);
    udp_send_inside(t->owner, &to, data, len);
}

static bool may_reach(const struct udp_target *t, const struct addr *addr)
{
    const struct udp_relay_config *c = &t->owner->relay->config;
    struct target to = {.addr = *addr, .port = t->port};
    memcpy(to.name, t->name, strlen(t->name) + 1);
    return stack_check_host(c->stack, addr) == 0 &&
           access_ask(c->access, t->owner->user, &to) == ACCESS_ALLOWED;
}

/* The first address that may be reached. */
static void found(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    (void)now;
    struct udp_target *t = ctx;
    size_t i = 0;
    t->lookup = NULL;
    while (err == 0 && i < n && !may_reach(t, &addrs[i])) {
        i++;
    }
    t->addr = err == 0 && i < n ? addrs[i] : (struct addr){0};
    if (t->addr.family == FAMILY_NONE) {
        drop_queue(t);
        return;
    }
    for (struct udp_queued *q; (q = udp_queue_take(&t->queued)) != NULL; free(q)) {
        send_to_name(t, q->port, q->data, q->len);
    }
}

static struct udp_target *find_target(struct udp_association *a, const char *name)
{
    list_foreach(l, &a->targets) {
        struct udp_target *t = list_item(l, struct udp_target, link);
        if (strcmp(t->name, name) == 0) {
            return t;
        }
    }
    return NULL;
}

static struct udp_target *add_target(struct udp_association *a, const char *name, struct now now)
{
    struct udp_relay *r = a->relay;
    size_t size = strlen(name) + 1;
    struct udp_target *t =
        a->n_targets < r->config.max_targets ? calloc(1, sizeof *t + size) : NULL;
    if (t != NULL) {
        t->owner = a;
        memcpy(t->name, name, size);
        udp_queue_init(&t->queued, &r->queued_bytes);
        list_push_back(&a->targets, &t->link);
        a->n_targets++;
        if (r->n_targets++ == 0) {
            r->next_sweep = now.mono + r->config.idle;
        }
    }
    return t;
}

/* An address that is known is used while it is asked for anew. */
void udp_send_to_name(struct udp_association *a, const struct target *to, const uint8_t *data,
                      size_t len, struct now now)
{
    struct udp_relay *r = a->relay;
    if (access_ask(r->config.access, a->user, to) == ACCESS_DENIED) {
        r->counters.dropped_denied++;
        return;
    }
    struct udp_target *t = find_target(a, to->name);
    bool is_new = t == NULL;
    if (is_new && (t = add_target(a, to->name, now)) == NULL) {
        r->counters.dropped_limit++;
        return;
    }
    t->used = now.mono;
    t->port = to->port;
    int err = 0;
    if (t->lookup == NULL && (is_new || now.mono - t->asked >= FRESH)) {
        t->asked = now.mono;
        err = dial_lookup(r->config.dialer, t->name, found, t, &t->lookup, now);
    }
    if (t->addr.family != FAMILY_NONE) {
        send_to_name(t, to->port, data, len);
    } else if (err == 0 && t->lookup != NULL) {
        r->counters.dropped_limit += !udp_queue_put(&t->queued, to->port, data, len);
    } else {
        r->counters.dropped_denied++;
    }
}

void udp_targets_sweep(struct udp_association *a, struct now now)
{
    list_foreach_safe(l, &a->targets)
    {
        struct udp_target *t = list_item(l, struct udp_target, link);
        if (t->lookup == NULL && now.mono - t->used >= a->relay->config.idle) {
            udp_target_free(t);
        }
    }
}
