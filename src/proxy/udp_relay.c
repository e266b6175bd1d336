/* SPDX-License-Identifier: MIT */
/* Carries datagrams between the clients of one local port and their sockets inside the tunnel. Only
 * names need memory beside the association itself: an address is sent to as it stands. */
#include "proxy/udp_relay.h"

#include "base/err.h"
#include "base/list.h"
#include "proxy/udp_header.h"
#include "proxy/udp_queue.h"
#include "stack/stack_udp.h"

#include <stdlib.h>
#include <string.h>

#define IDLE (60 * NS_PER_S)
#define ASSOCIATIONS_MAX 64
#define TARGETS_MAX 1024
#define FRESH \
    (30 * NS_PER_S) /* then a name is asked for again: the resolver's cache knows its TTL */
#define OUTBOX_SIZE ((size_t)256 * 1024)
#define OUTBOX_MESSAGES 512
#define DATAGRAM_MAX 65507 /* over IPv4 */

struct udp_relay {
    struct udp_relay_config config;
    struct dgram *port;
    struct endpoint advertised;
    const struct local *anywhere; /* NULL: the port stands on one address */
    struct outbox outbox;
    struct list associations; /* the oldest first */
    unsigned n_targets;
    size_t queued_bytes; /* of all targets */
    uint64_t next_sweep; /* of targets; NEVER without any */
    struct udp_relay_counters counters;
};

/* A name that datagrams were sent to. */
struct udp_target {
    struct list link;
    struct udp_association *owner;
    struct dial_lookup *lookup; /* while it runs */
    struct addr addr;           /* family NONE until it was found */
    uint16_t port;              /* that was sent to last */
    uint64_t asked, used;
    struct udp_queue queued;
    char name[];
};

struct udp_association {
    struct list link;
    struct udp_relay *relay;
    struct stack_udp *inside;
    uint64_t used;
    struct addr owner;      /* whose connection it is; family NONE: that of a Unix socket */
    struct endpoint client; /* family NONE: any program of this machine; port 0: not known yet */
    bool heard;             /* from where `client` says */
    char *user;             /* NULL: nobody */
    struct list targets;
    unsigned n_targets;
};

/* ---- to the tunnel ---- */

static void send_inside(struct udp_association *a, const struct target *to, const uint8_t *data,
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

static void target_free(struct udp_target *t)
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
    send_inside(t->owner, &to, data, len);
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
static void relay_to_name(struct udp_association *a, const struct target *to, const uint8_t *data,
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

/* ---- whose it is ---- */

static bool may_be_from(const struct udp_association *a, const struct endpoint *from)
{
    return a->client.addr.family == FAMILY_NONE ? addr_is_loopback(&from->addr)
                                                : addr_equal(&a->client.addr, &from->addr);
}

/* The one with this very port; else the oldest of this address that has none; else, if the address has one only, that one:
 * its client has opened a new socket. What a password opened stays with the port that was heard first: others may have the
 * same address. */
static struct udp_association *find_owner(struct udp_relay *r, const struct endpoint *from)
{
    struct udp_association *waiting = NULL, *only = NULL;
    unsigned n = 0;
    list_foreach(l, &r->associations) {
        struct udp_association *a = list_item(l, struct udp_association, link);
        if (!may_be_from(a, from)) {
            continue;
        }
        if (a->client.port == from->port && a->client.addr.family != FAMILY_NONE) {
            a->heard = true;
            return a;
        }
        if (a->heard && a->user != NULL) {
            continue;
        }
        if (waiting == NULL && a->client.port == 0) {
            waiting = a;
        }
        only = a;
        n++;
    }
    struct udp_association *a = waiting != NULL ? waiting : n == 1 ? only : NULL;
    if (a != NULL) {
        a->client = *from;
        a->heard = true;
    }
    return a;
}

static void relay_up(struct udp_relay *r, const struct dgram_rx *rx, struct now now)
{
    struct target to;
    uint8_t fragment;
    struct udp_association *a = find_owner(r, &rx->from);
    if (a == NULL) {
        r->counters.dropped_stranger++;
        return;
    }
    a->used = now.mono;
    size_t header = udp_header_parse(&to, &fragment, rx->data, rx->len);
    if (header == 0) {
        r->counters.dropped_invalid++;
    } else if (fragment != 0) {
        r->counters.dropped_fragment++;
    } else if (to.addr.family == FAMILY_NONE && !addr_parse(&to.addr, to.name)) {
        relay_to_name(a, &to, rx->data + header, rx->len - header, now);
    } else {
        to.name[0] = '\0';
        send_inside(a, &to, rx->data + header, rx->len - header);
    }
}

static void received(void *ctx, struct dgram_rx *batch, size_t n, struct now now)
{
    for (size_t i = 0; i < n; i++) {
        relay_up(ctx, &batch[i], now);
    }
}

/* A client that is gone; its TCP connection will say so. */
static void undelivered(void *ctx, const struct endpoint *to, int err, struct now now)
{
    (void)ctx, (void)to, (void)err, (void)now;
}

const struct dgram_handler udp_relay_handler = {.received = received, .undelivered = undelivered};

/* ---- from the tunnel ---- */

void udp_relay_flush(struct udp_relay *r)
{
    if (r->outbox.n > 0) {
        r->port->ops->send(r->port, &r->outbox);
        outbox_clear(&r->outbox);
    }
}

static void came_back(void *ctx, struct stack_udp *u, const struct endpoint *from,
                      const uint8_t *data, size_t len, struct now now)
{
    (void)u;
    struct udp_association *a = ctx;
    struct udp_relay *r = a->relay;
    a->used = now.mono;
    if (a->client.port == 0 || r->port == NULL) {
        r->counters.dropped_stranger++;
        return;
    }
    if (len + UDP_HEADER_MAX > DATAGRAM_MAX) {
        r->counters.dropped_limit++;
        return;
    }
    if (!outbox_has_room(&r->outbox, len + UDP_HEADER_MAX)) {
        udp_relay_flush(r);
    }
    uint8_t *at = outbox_tail(&r->outbox);
    size_t header = udp_header_write(at, from);
    memcpy(at + header, data, len);
    outbox_commit(&r->outbox, header + len, &a->client, 0);
    r->counters.down++;
}

static const struct stack_udp_handler inside_handler = {.received = came_back};

/* ---- associations ---- */

static unsigned count_of(const struct udp_relay *r, const struct endpoint *client)
{
    unsigned n = 0;
    list_foreach(l, &r->associations) {
        n += addr_equal(&list_item(l, struct udp_association, link)->owner, &client->addr);
    }
    return n;
}

/* Which of our addresses this client's datagrams will come from. */
static bool answers_from(const struct udp_relay *r, const struct endpoint *client, struct addr *out)
{
    const struct local *machine = r->anywhere;
    return machine != NULL && machine->ops->source_for != NULL &&
           client->addr.family != FAMILY_NONE &&
           machine->ops->source_for(machine->world, client, out) == 0;
}

static struct endpoint told(const struct udp_relay *r, const struct endpoint *client,
                            const struct endpoint *local)
{
    static const struct addr loopback = {.family = FAMILY_V4, .bytes = {127, 0, 0, 1}};
    struct endpoint at = r->advertised;
    bool is_given = at.addr.family != FAMILY_NONE && !addr_is_unspecified(&at.addr);
    if (!is_given && !answers_from(r, client, &at.addr)) {
        at.addr = local->addr.family != FAMILY_NONE ? local->addr : loopback;
    }
    return at;
}

int udp_association_open(struct udp_relay *r, const struct endpoint *client,
                         const struct endpoint *local, const struct endpoint *hint,
                         const char *user, struct udp_association **out, struct endpoint *bound,
                         struct now now)
{
    if (r->port == NULL || count_of(r, client) >= r->config.max_associations) {
        return ERR_LIMIT;
    }
    struct udp_association *a = calloc(1, sizeof *a);
    if (a != NULL && user != NULL) {
        a->user = strdup(user);
    }
    if (a == NULL || (user != NULL && a->user == NULL)) {
        free(a);
        return ERR_NOMEM;
    }
    a->relay = r;
    a->used = now.mono;
    a->owner = client->addr;
    list_init(&a->targets);
    a->client = (struct endpoint){.addr = client->addr};
    /* What a client names is its own port only if its own address stands before it, or none. */
    if (addr_equal(&hint->addr, &client->addr) || addr_is_unspecified(&hint->addr)) {
        a->client.port = client->addr.family != FAMILY_NONE ? hint->port : 0;
    }
    int err = stack_udp_open(r->config.stack, 0, &inside_handler, a, &a->inside);
    if (err != 0) {
        free(a->user);
        free(a);
        return err;
    }
    list_push_back(&r->associations, &a->link);
    *bound = told(r, client, local);
    *out = a;
    return 0;
}

uint64_t udp_association_used(const struct udp_association *a)
{
    return a->used;
}

void udp_association_close(struct udp_association *a)
{
    while (!list_empty(&a->targets)) {
        target_free(list_item(a->targets.next, struct udp_target, link));
    }
    stack_udp_close(a->inside);
    list_remove(&a->link);
    free(a->user);
    free(a);
}

/* ---- life ---- */

int udp_relay_new(struct udp_relay **out, const struct udp_relay_config *config)
{
    struct udp_relay *r = calloc(1, sizeof *r);
    if (r == NULL || outbox_init(&r->outbox, OUTBOX_SIZE, OUTBOX_MESSAGES) != 0) {
        free(r);
        return ERR_NOMEM;
    }
    r->config = *config;
    r->config.idle = config->idle != 0 ? config->idle : IDLE;
    r->config.max_associations =
        config->max_associations != 0 ? config->max_associations : ASSOCIATIONS_MAX;
    r->config.max_targets = config->max_targets != 0 ? config->max_targets : TARGETS_MAX;
    r->next_sweep = NEVER;
    list_init(&r->associations);
    *out = r;
    return 0;
}

void udp_relay_free(struct udp_relay *r)
{
    if (r == NULL) {
        return;
    }
    while (!list_empty(&r->associations)) {
        udp_association_close(list_item(r->associations.next, struct udp_association, link));
    }
    outbox_fini(&r->outbox);
    free(r);
}

void udp_relay_set_port(struct udp_relay *r, struct dgram *port, const struct endpoint *advertised,
                        const struct local *anywhere)
{
    r->port = port;
    r->anywhere = anywhere;
    r->advertised = *advertised;
    if (r->advertised.port == 0) {
        r->advertised.port = port->ops->local_port(port);
    }
}

uint64_t udp_relay_next_deadline(const struct udp_relay *r)
{
    return r->next_sweep;
}

static void sweep(struct udp_association *a, struct now now)
{
    list_foreach_safe(l, &a->targets)
    {
        struct udp_target *t = list_item(l, struct udp_target, link);
        if (t->lookup == NULL && now.mono - t->used >= a->relay->config.idle) {
            target_free(t);
        }
    }
}

void udp_relay_tick(struct udp_relay *r, struct now now)
{
    if (r->next_sweep > now.mono) {
        return;
    }
    list_foreach(l, &r->associations) {
        sweep(list_item(l, struct udp_association, link), now);
    }
    r->next_sweep = r->n_targets > 0 ? now.mono + r->config.idle : NEVER;
}

struct udp_relay_counters udp_relay_counters(const struct udp_relay *r)
{
    return r->counters;
}
