/* SPDX-License-Identifier: MIT */
/* The stack's own life and its turn: packets in, handlers, flush, time. See stack.h. */
#include "stack/stack.h"

#include "base/bytes.h"
#include "base/err.h"
#include "stack/black_hole.h"
#include "stack/conn.h"
#include "stack/input.h"
#include "stack/link.h"
#include "stack/memory.h"
#include "stack/pings.h"
#include "stack/slice.h"
#include "stack/sockets.h"

#include <assert.h>
#include <stdlib.h>

enum { MTU_MIN_V4 = 576, MTU_MIN_V6 = 1280 };
enum { CHUNKS_IDLE_MAX = 512 };

static unsigned n_stacks;

static int check_config(const struct stack_config *c)
{
    bool v6 = false;
    for (size_t i = 0; i < c->n_addresses; i++) {
        const struct addr *a = &c->addresses[i].addr;
        if ((a->family != FAMILY_V4 && a->family != FAMILY_V6) || addr_is_unspecified(a) ||
            addr_is_multicast(a)) {
            return ERR_INVALID;
        }
        v6 = v6 || a->family == FAMILY_V6;
    }
    return c->n_addresses == 0 || c->mtu < (v6 ? MTU_MIN_V6 : MTU_MIN_V4) ? ERR_INVALID : 0;
}

static int copy_addresses(struct stack *s)
{
    s->addresses = calloc(s->config.n_addresses, sizeof *s->addresses);
    if (!s->addresses) {
        return ERR_NOMEM;
    }
    s->n_addresses = s->config.n_addresses;
    for (size_t i = s->n_addresses; i-- > 0;) { /* backwards: the first of each family stays */
        s->addresses[i] = s->config.addresses[i].addr;
        *(s->addresses[i].family == FAMILY_V4 ? &s->source4 : &s->source6) = s->addresses[i];
    }
    s->config.addresses = NULL;
    return 0;
}

static void init_lists(struct stack *s)
{
    list_init(&s->outq);
    list_init(&s->conns);
    list_init(&s->listeners);
    list_init(&s->tcp_ready);
    list_init(&s->udp_ready);
    list_init(&s->tcp_dirty);
    list_init(&s->tcp_starved);
    list_init(&s->time_wait);
    list_init(&s->udp_sockets);
    list_init(&s->pings);
    list_init(&s->ping_ready);
    reass_init(&s->reass);
    chunk_pool_init(&s->chunks, CHUNKS_IDLE_MAX);
    ticks_init(s);
}

int stack_new(struct stack **out, const struct stack_config *config, struct now now)
{
    int err = check_config(config);
    if (err) {
        return err;
    }
    struct stack *s = calloc(1, sizeof *s);
    if (!s) {
        return ERR_NOMEM;
    }
    s->config = *config;
    s->segment_mtu = conn_whole_blocks(s, config->mtu);
    init_lists(s);
    uint8_t secret[SIPHASH_KEY];
    rng_fill(&s->config.rng, secret, sizeof secret);
    rng_fill(&s->config.rng, s->isn_secret, sizeof s->isn_secret);
    rng_fill(&s->config.rng, s->port_secret, sizeof s->port_secret);
    rng_fill(&s->config.rng, s->port_steps, sizeof s->port_steps);
    s->ip_id = (uint16_t)rng_u32(&s->config.rng);
    if ((err = copy_addresses(s)) || (err = flowtab_init(&s->flows, secret))) {
        free(s->addresses);
        free(s);
        return err;
    }
    instance_enter_at(s, now);
    link_up(s);
    n_stacks++;
    *out = s;
    return 0;
}

void stack_free(struct stack *s)
{
    instance_enter(s);
    s->may_output = false;
    sockets_free(s);
    pings_free(s);
    while (!list_empty(&s->listeners)) {
        stack_tcp_listener_close(list_item(s->listeners.next, struct stack_tcp_listener, link));
    }
    while (!list_empty(&s->conns)) { /* from the youngest, which lwIP finds first in its lists */
        conn_kill(list_item(s->conns.prev, struct stack_tcp, all));
    }
    link_down(s);
    flowtab_fini(&s->flows);
    chunk_pool_fini(&s->chunks);
    reass_fini(&s->reass);
    instance_leave(s);
    free(s->addresses);
    free(s);
    if (--n_stacks == 0) {
        slice_cleanup();
        memory_cleanup();
    }
}

void stack_input(struct stack *s, struct rxbuf *buf, uint8_t *ip, size_t len, struct now now)
{
    instance_enter_at(s, now);
    if (len > BLACK_HOLE_PASSES) {
        black_hole_large_arrived(s);
    }
    link_begin(s);
    input_packet(s, buf, ip, len);
    link_end(s);
}

static void run(struct stack_tcp *t, struct now now)
{
    if (t->listener) {
        conn_show_accepted(t, now);
        return;
    }
    unsigned events = t->events;
    t->events = 0;
    if (t->event) {
        t->event(t->ctx, t, events, now);
    }
}

bool stack_dispatch(struct stack *s, struct now now)
{
    instance_enter_at(s, now);
    struct list batch;
    list_take(&batch, &s->tcp_ready);
    bool any = !list_empty(&batch);
    for (struct list *l; (l = list_pop_front(&batch));) {
        run(list_item(l, struct stack_tcp, ready), now);
    }
    any = sockets_dispatch(s, now) || any;
    return pings_dispatch(s, now) || any;
}

void stack_flush(struct stack *s, struct now now)
{
    instance_enter_at(s, now);
    link_begin(s);
    conn_flush_all(s);
    link_end(s);
}

uint64_t stack_next_deadline(const struct stack *s)
{
    return deadline_min(ticks_next_deadline(s), reass_next_deadline(&s->reass));
}

void stack_tick(struct stack *s, struct now now)
{
    instance_enter_at(s, now);
    link_begin(s);
    ticks_run(s);
    reass_tick(&s->reass, s->mono);
    link_end(s);
}

bool stack_has_family(const struct stack *s, enum family family)
{
    return family != FAMILY_NONE &&
           (family == FAMILY_V4 ? s->source4 : s->source6).family == family;
}

static bool is_broadcast(const struct addr *a)
{
    return a->family == FAMILY_V4 && load_be32(a->bytes) == UINT32_MAX;
}

static bool is_ourselves(const struct stack *s, const struct addr *a)
{
    for (size_t i = 0; i < s->n_addresses; i++) {
        if (addr_equal(&s->addresses[i], a)) {
            return true;
        }
    }
    return addr_is_loopback(a); /* never on any network (RFC 1122 3.2.1.3, RFC 4291 2.5.3) */
}

int stack_check_host(const struct stack *s, const struct addr *to)
{
    if ((to->family != FAMILY_V4 && to->family != FAMILY_V6) || addr_is_unspecified(to) ||
        addr_is_multicast(to) || is_broadcast(to)) {
        return ERR_INVALID;
    }
    if (!stack_has_family(s, to->family)) {
        return ERR_NO_FAMILY;
    }
    /* the way to ourselves is not through the tunnel */
    return is_ourselves(s, to) ? ERR_NO_ROUTE : s->config.route(s->config.ctx, to);
}

uint64_t stack_drop_count(const struct stack *s, enum stack_drop why)
{
    return s->drops[why];
}

const char *stack_drop_text(enum stack_drop why)
{
#define WORDS(name, words) [name] = words,
    static const char *const text[] = {STACK_DROP_TABLE(WORDS)};
#undef WORDS
    return why < STACK_DROP_N ? text[why] : "unknown";
}
