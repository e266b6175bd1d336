/* SPDX-License-Identifier: MIT */
/* Carries datagrams between the clients of one local port and their sockets inside the tunnel. */
#include "proxy/udp_relay_parts.h"

#include "base/err.h"
#include "proxy/udp_header.h"

#include <stdlib.h>
#include <string.h>

#define IDLE (60 * NS_PER_S)
#define ASSOCIATIONS_MAX 64
#define TARGETS_MAX 1024
#define OUTBOX_SIZE ((size_t)256 * 1024)
#define OUTBOX_MESSAGES 512
#define DATAGRAM_MAX 65507 /* over IPv4 */

static const struct addr loopback = {.family = FAMILY_V4, .bytes = {127, 0, 0, 1}};

/* ---- whose it is ---- */

static bool may_be_from(const struct udp_association *a, const struct endpoint *from)
{
    return a->client.addr.family == FAMILY_NONE ? addr_is_loopback(&from->addr)
                                                : addr_equal(&a->client.addr, &from->addr);
}

/* What a password or a Unix socket's permissions opened stays with its port: others may have the same address. What a client
 * named before a password may have been changed by a NAT, so the first that is heard counts there. */
static bool is_settled(const struct udp_association *a)
{
    return a->owner.family == FAMILY_NONE ? a->client.port != 0 : a->heard && a->user != NULL;
}

/* The one with this very port; else the oldest of this address that has none; else, if the address has one only, that one:
 * its client has opened a new socket. */
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
        if (is_settled(a)) {
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
        udp_send_to_name(a, &to, rx->data + header, rx->len - header, now);
    } else {
        to.name[0] = '\0';
        udp_send_inside(a, &to, rx->data + header, rx->len - header);
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
    struct endpoint at = r->advertised;
    bool is_given = at.addr.family != FAMILY_NONE && !addr_is_unspecified(&at.addr);
    if (!is_given && !answers_from(r, client, &at.addr)) {
        at.addr = local->addr.family != FAMILY_NONE ? local->addr : loopback;
    }
    return at;
}

/* Where the client's datagrams come from, as far as it is known. A Unix socket's: from 127.0.0.1, or what it names of the
 * same loopback. */
static struct endpoint expected(const struct endpoint *client, const struct endpoint *hint)
{
    bool is_local = client->addr.family == FAMILY_NONE;
    struct endpoint from = {.addr = is_local ? loopback : client->addr};
    if (is_local && hint->addr.family == FAMILY_V4 && addr_is_loopback(&hint->addr)) {
        from.addr = hint->addr;
    }
    /* What a client names is its own port only if its own address stands before it, or none. */
    if (addr_equal(&hint->addr, &from.addr) || addr_is_unspecified(&hint->addr)) {
        from.port = hint->port;
    }
    return from;
}

int udp_association_open(struct udp_relay *r, const struct endpoint *client,
                         const struct endpoint *local, const struct endpoint *hint,
                         const char *user, struct udp_association **out, struct endpoint *bound,
                         struct now now)
{
    if (r->port == NULL || count_of(r, client) >= r->config.max_associations) {
        return ERR_LIMIT;
    }
    bool is_local = client->addr.family == FAMILY_NONE;
    struct endpoint from = expected(client, hint);
    if (is_local && from.port == 0 && !r->config.trusts_first_port) {
        return ERR_PERM;
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
    if (!is_local || from.port != 0) {
        a->client = from; /* else whoever is heard first */
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
        udp_target_free(list_item(a->targets.next, struct udp_target, link));
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

void udp_relay_tick(struct udp_relay *r, struct now now)
{
    if (r->next_sweep > now.mono) {
        return;
    }
    list_foreach(l, &r->associations) {
        udp_targets_sweep(list_item(l, struct udp_association, link), now);
    }
    r->next_sweep = r->n_targets > 0 ? now.mono + r->config.idle : NEVER;
}

struct udp_relay_counters udp_relay_counters(const struct udp_relay *r)
{
    return r->counters;
}
