/* SPDX-License-Identifier: MIT */
/* Forwards of datagrams. A flow is a sender and its socket on the other side: inside for those of this machine, outside
 * for those of the tunnel. The target is looked up when a flow begins, and its address serves the flows that are there. */
#include "proxy/udp_forward.h"

#include "base/err.h"
#include "base/list.h"
#include "stack/stack_udp.h"

#include <stdlib.h>
#include <string.h>

#define IDLE (60 * NS_PER_S)
#define FLOWS_MAX 1024
#define BUCKETS 256
#define FRESH (60 * NS_PER_S) /* then the target's name is asked for again */
#define OUTBOX_SIZE ((size_t)128 * 1024)
#define OUTBOX_MESSAGES 256
#define QUEUED_MAX 64 /* datagrams that wait for the target's address */

struct flow {
    struct list link;   /* the one that was idle for the longest first */
    struct list bucket; /* of its sender */
    struct udp_forward *forward;
    struct endpoint sender;
    uint64_t used;
    struct stack_udp *inside; /* to the tunnel */
    struct dgram *outside;    /* from the tunnel */
};

struct queued {
    struct list link;
    struct endpoint sender;
    size_t len;
    uint8_t data[];
};

struct udp_forward {
    struct udp_forward_config config;
    struct dgram *port;       /* to the tunnel: on this machine */
    struct stack_udp *inside; /* from the tunnel: our port there; NULL otherwise */
    struct outbox outbox;
    struct list flows;
    struct list buckets[BUCKETS];
    unsigned n_flows;

    struct endpoint target; /* family NONE until it is known */
    uint64_t asked;
    struct dial_lookup *lookup;
    struct local_lookup *local_lookup;
    struct list queued;
    unsigned n_queued;
};

static bool is_reverse(const struct udp_forward *f)
{
    return f->inside != NULL;
}

/* ---- flows ---- */

static struct list *bucket_of(struct udp_forward *f, const struct endpoint *sender)
{
    uint32_t h = sender->port;
    for (size_t i = 0; i < sizeof sender->addr.bytes; i++) {
        h = h * 31 + sender->addr.bytes[i];
    }
    return &f->buckets[(h ^ h >> 8) % BUCKETS];
}

static void flow_free(struct flow *flow)
{
    if (flow->inside != NULL) {
        stack_udp_close(flow->inside);
    }
    if (flow->outside != NULL) {
        flow->outside->ops->close(flow->outside);
    }
    list_remove(&flow->link);
    list_remove(&flow->bucket);
    flow->forward->n_flows--;
    free(flow);
}

static void touch(struct flow *flow, struct now now)
{
    flow->used = now.mono;
    list_remove(&flow->link);
    list_push_back(&flow->forward->flows, &flow->link);
}

static void came_back_inside(void *ctx, struct stack_udp *u, const struct endpoint *from,
                             const uint8_t *data, size_t len, struct now now);
static void came_back_outside(void *ctx, struct dgram_rx *batch, size_t n, struct now now);

/* The target refuses or is away, for now. */
static void undelivered(void *ctx, const struct endpoint *to, int err, struct now now)
{
    (void)ctx;
    (void)to;
    (void)err;
    (void)now;
}

static const struct stack_udp_handler inside_flow = {.received = came_back_inside};
static const struct dgram_handler outside_flow = {.received = came_back_outside,
                                                  .undelivered = undelivered};

/* A socket of the target's family; which address it has is the machine's choice. */
static int open_outside(struct flow *flow)
{
    const struct local *local = flow->forward->config.local;
    struct endpoint any = {.addr = {.family = flow->forward->target.addr.family}}, bound;
    return local->ops->udp_bind(local->world, &any, &outside_flow, flow, &bound, &flow->outside);
}

static struct flow *flow_new(struct udp_forward *f, const struct endpoint *sender)
{
    if (f->n_flows >= f->config.max_flows) {
        flow_free(list_item(f->flows.next, struct flow, link));
    }
    struct flow *flow = calloc(1, sizeof *flow);
    if (flow == NULL) {
        return NULL;
    }
    flow->forward = f;
    flow->sender = *sender;
    list_push_back(&f->flows, &flow->link);
    list_push_back(bucket_of(f, sender), &flow->bucket);
    f->n_flows++;
    int err = is_reverse(f) ? open_outside(flow)
                            : stack_udp_open(f->config.stack, 0, &inside_flow, flow, &flow->inside);
    if (err != 0) {
        log_debug(f->config.log, "a UDP forward has no socket for one more sender: %s",
                  err_text(err));
        flow_free(flow);
        return NULL;
    }
    return flow;
}

static struct flow *flow_of(struct udp_forward *f, const struct endpoint *sender)
{
    list_foreach(l, bucket_of(f, sender)) {
        struct flow *flow = list_item(l, struct flow, bucket);
        if (endpoint_equal(&flow->sender, sender)) {
            return flow;
        }
    }
    return flow_new(f, sender);
}

/* ---- towards the target ---- */

static void send_one(struct dgram *port, struct outbox *ob, const struct endpoint *to,
                     const void *data, size_t len)
{
    if (len > ob->size) {
        return;
    }
    if (!outbox_has_room(ob, len)) {
        port->ops->send(port, ob);
        outbox_clear(ob);
    }
    memcpy(outbox_tail(ob), data, len);
    outbox_commit(ob, len, to, 0);
}

static void send_now(struct udp_forward *f, const struct endpoint *sender, const uint8_t *data,
                     size_t len, struct now now)
{
    struct flow *flow = flow_of(f, sender);
    if (flow == NULL) {
        return;
    }
    touch(flow, now);
    if (flow->inside != NULL) {
        int err = stack_udp_send(flow->inside, &f->target, data, len);
        if (err != 0) {
            log_debug(f->config.log, "a UDP forward cannot send: %s", err_text(err));
        }
        return;
    }
    /* Each flow has a socket of its own, so nothing can be gathered over several. */
    send_one(flow->outside, &f->outbox, &f->target, data, len);
    flow->outside->ops->send(flow->outside, &f->outbox);
    outbox_clear(&f->outbox);
}

/* ---- the target's address ---- */

static void drop_queue(struct udp_forward *f)
{
    for (struct list *l; (l = list_pop_front(&f->queued)) != NULL;) {
        free(list_item(l, struct queued, link));
    }
    f->n_queued = 0;
}

static void not_found(struct udp_forward *f, int err)
{
    if (f->target.addr.family == FAMILY_NONE) {
        log_warn(f->config.log, "the target of a UDP forward cannot be reached: %s", err_text(err));
    }
    drop_queue(f);
}

static void found(struct udp_forward *f, const struct addr *addr, struct now now)
{
    f->target = (struct endpoint){.addr = *addr, .port = f->config.target.port};
    for (struct list *l; (l = list_pop_front(&f->queued)) != NULL;) {
        struct queued *q = list_item(l, struct queued, link);
        send_now(f, &q->sender, q->data, q->len, now);
        free(q);
    }
    f->n_queued = 0;
}

/* 0, or why not. */
static int may_reach(const struct udp_forward_config *config, const struct addr *addr)
{
    struct target to = config->target;
    to.addr = *addr;
    return access_ask(config->access, NULL, &to) != ACCESS_ALLOWED
               ? ERR_DENIED
               : stack_check_host(config->stack, addr);
}

/* The first address that may be reached. */
static void found_inside(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct udp_forward *f = ctx;
    f->lookup = NULL;
    for (size_t i = 0; i < n; i++) {
        err = may_reach(&f->config, &addrs[i]);
        if (err == 0) {
            found(f, &addrs[i], now);
            return;
        }
    }
    not_found(f, err);
}

static void found_outside(void *ctx, int err, const struct endpoint *at, size_t n, struct now now)
{
    (void)n;
    struct udp_forward *f = ctx;
    f->local_lookup = NULL;
    if (err == 0) {
        found(f, &at[0].addr, now);
    } else {
        not_found(f, err);
    }
}

static bool is_asking(const struct udp_forward *f)
{
    return f->lookup != NULL || f->local_lookup != NULL;
}

static void look_up(struct udp_forward *f, struct now now)
{
    const struct target *to = &f->config.target;
    int err;
    f->asked = now.mono;
    if (is_reverse(f)) {
        const struct local *local = f->config.local;
        err = local->ops->resolve(local->world, to->name, to->port, found_outside, f,
                                  &f->local_lookup, now);
    } else {
        err = dial_lookup(f->config.dialer, to->name, found_inside, f, &f->lookup, now);
    }
    if (err != 0) {
        f->lookup = NULL;
        f->local_lookup = NULL;
        not_found(f, err);
    }
}

static void enqueue(struct udp_forward *f, const struct endpoint *sender, const uint8_t *data,
                    size_t len)
{
    struct queued *q = f->n_queued < QUEUED_MAX ? malloc(sizeof *q + len) : NULL;
    if (q != NULL) {
        *q = (struct queued){.sender = *sender, .len = len};
        memcpy(q->data, data, len);
        list_push_back(&f->queued, &q->link);
        f->n_queued++;
    }
}

static void forward_one(struct udp_forward *f, const struct endpoint *sender, const uint8_t *data,
                        size_t len, struct now now)
{
    bool known = f->target.addr.family != FAMILY_NONE;
    bool is_name = f->config.target.addr.family == FAMILY_NONE;
    bool stale = !known || now.mono - f->asked >= FRESH;
    if (known) {
        send_now(f, sender, data, len, now);
    } else {
        enqueue(f, sender, data, len);
    }
    if (is_name && stale && !is_asking(f)) {
        look_up(f, now);
    }
}

/* ---- from senders ---- */

static void received_outside(void *ctx, struct dgram_rx *batch, size_t n, struct now now)
{
    for (size_t i = 0; i < n; i++) {
        forward_one(ctx, &batch[i].from, batch[i].data, batch[i].len, now);
    }
}

const struct dgram_handler udp_forward_handler = {.received = received_outside,
                                                  .undelivered = undelivered};

static void received_inside(void *ctx, struct stack_udp *u, const struct endpoint *from,
                            const uint8_t *data, size_t len, struct now now)
{
    (void)u;
    forward_one(ctx, from, data, len, now);
}

static const struct stack_udp_handler inside_port = {.received = received_inside};

/* ---- back to them: only what the target says ---- */

static void came_back_inside(void *ctx, struct stack_udp *u, const struct endpoint *from,
                             const uint8_t *data, size_t len, struct now now)
{
    (void)u;
    struct flow *flow = ctx;
    struct udp_forward *f = flow->forward;
    if (endpoint_equal(from, &f->target) && f->port != NULL) {
        touch(flow, now);
        send_one(f->port, &f->outbox, &flow->sender, data, len);
    }
}

static void came_back_outside(void *ctx, struct dgram_rx *batch, size_t n, struct now now)
{
    struct flow *flow = ctx;
    struct udp_forward *f = flow->forward;
    for (size_t i = 0; i < n; i++) {
        if (!endpoint_equal(&batch[i].from, &f->target)) {
            continue;
        }
        touch(flow, now);
        int err = stack_udp_send(f->inside, &flow->sender, batch[i].data, batch[i].len);
        if (err != 0) {
            log_debug(f->config.log, "a UDP forward cannot answer: %s", err_text(err));
        }
    }
}

/* ---- life ---- */

int udp_forward_new(struct udp_forward **out, const struct udp_forward_config *config)
{
    if (access_ask(config->access, NULL, &config->target) == ACCESS_DENIED) {
        return ERR_DENIED;
    }
    struct udp_forward *f = calloc(1, sizeof *f);
    if (f == NULL || outbox_init(&f->outbox, OUTBOX_SIZE, OUTBOX_MESSAGES) != 0) {
        free(f);
        return ERR_NOMEM;
    }
    f->config = *config;
    f->config.idle = config->idle != 0 ? config->idle : IDLE;
    f->config.max_flows = config->max_flows != 0 ? config->max_flows : FLOWS_MAX;
    f->target = (struct endpoint){.addr = config->target.addr, .port = config->target.port};
    list_init(&f->flows);
    list_init(&f->queued);
    for (size_t i = 0; i < BUCKETS; i++) {
        list_init(&f->buckets[i]);
    }
    *out = f;
    return 0;
}

int udp_forward_new_reverse(struct udp_forward **out, const struct udp_forward_config *config,
                            uint16_t port)
{
    if (port == 0) {
        return ERR_INVALID;
    }
    int err = udp_forward_new(out, config);
    if (err != 0) {
        return err;
    }
    err = stack_udp_open(config->stack, port, &inside_port, *out, &(*out)->inside);
    if (err != 0) {
        udp_forward_free(*out);
    }
    return err;
}

void udp_forward_free(struct udp_forward *f)
{
    if (f == NULL) {
        return;
    }
    while (!list_empty(&f->flows)) {
        flow_free(list_item(f->flows.next, struct flow, link));
    }
    if (f->lookup != NULL) {
        dial_lookup_cancel(f->lookup);
    }
    if (f->local_lookup != NULL) {
        f->config.local->ops->resolve_cancel(f->local_lookup);
    }
    if (f->inside != NULL) {
        stack_udp_close(f->inside);
    }
    drop_queue(f);
    outbox_fini(&f->outbox);
    free(f);
}

void udp_forward_set_port(struct udp_forward *f, struct dgram *port)
{
    f->port = port;
}

void udp_forward_flush(struct udp_forward *f)
{
    if (f->outbox.n > 0) {
        f->port->ops->send(f->port, &f->outbox);
        outbox_clear(&f->outbox);
    }
}

uint64_t udp_forward_next_deadline(const struct udp_forward *f)
{
    if (list_empty(&f->flows) || f->config.idle == NEVER) {
        return NEVER;
    }
    return list_item(f->flows.next, struct flow, link)->used + f->config.idle;
}

void udp_forward_tick(struct udp_forward *f, struct now now)
{
    while (udp_forward_next_deadline(f) <= now.mono) {
        flow_free(list_item(f->flows.next, struct flow, link));
    }
}

unsigned udp_forward_flows(const struct udp_forward *f)
{
    return f->n_flows;
}
