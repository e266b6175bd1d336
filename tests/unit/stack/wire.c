/* SPDX-License-Identifier: MIT */
/* Two stacks back to back: see wire.h. */
#include "unit/stack/wire.h"

#include <stdio.h>

enum { BUFFER = 65536, ALIGNED = 16 };

struct flight {
    uint64_t at, number; /* packets of one moment arrive in the order in which they left */
    struct wire_end *to;
    size_t len;
    uint8_t ip[];
};

struct endpoint at(const char *addr, uint16_t port)
{
    struct endpoint e = {.port = port};
    assert_true(addr_parse(&e.addr, addr));
    return e;
}

static bool is_before(const struct flight *a, const struct flight *b)
{
    return a->at < b->at || (a->at == b->at && a->number < b->number);
}

static void heap_push(struct wire *w, struct flight *f)
{
    if (w->n_flights == w->max_flights) {
        w->max_flights = w->max_flights ? 2 * w->max_flights : 1024;
        w->flights = realloc(w->flights, w->max_flights * sizeof *w->flights);
        assert_non_null(w->flights);
    }
    size_t i = w->n_flights++;
    for (; i > 0 && is_before(f, w->flights[(i - 1) / 2]); i = (i - 1) / 2) {
        w->flights[i] = w->flights[(i - 1) / 2];
    }
    w->flights[i] = f;
}

static struct flight *heap_pop(struct wire *w)
{
    struct flight *top = w->flights[0], *f = w->flights[--w->n_flights];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->n_flights; i = child) {
        if (child + 1 < w->n_flights && is_before(w->flights[child + 1], w->flights[child])) {
            child++;
        }
        if (!is_before(w->flights[child], f)) {
            break;
        }
        w->flights[i] = w->flights[child];
    }
    w->flights[i] = f;
    return top;
}

static bool happens(struct wire *w, unsigned in_1000)
{
    return in_1000 > 0 && rng_below(&w->rng, 1000) < in_1000;
}

/* When a packet has passed the bottleneck; NEVER when it has no room. */
static uint64_t pass_bottleneck(struct wire_end *from, size_t len)
{
    struct wire *w = from->wire;
    if (w->config.rate == 0) {
        return w->now.mono;
    }
    uint64_t begins = from->free_at > w->now.mono ? from->free_at : w->now.mono;
    if ((begins - w->now.mono) * w->config.rate / NS_PER_S > w->config.queue) {
        from->overflowed++;
        return NEVER;
    }
    uint64_t waits = begins - w->now.mono;
    from->passed++;
    from->waited += waits;
    from->waited_most = waits > from->waited_most ? waits : from->waited_most;
    return from->free_at = begins + len * NS_PER_S / w->config.rate;
}

static void take_off(struct wire_end *to, const void *ip, size_t len)
{
    struct wire *w = to->wire;
    uint64_t leaves = pass_bottleneck(to->peer, len);
    if (leaves == NEVER) {
        return;
    }
    struct flight *f = aligned_alloc(16, (sizeof *f + len + 15) / 16 *
                                             16); /* test_memory_failures.c makes malloc fail */
    assert_non_null(f);
    uint64_t jitter = w->config.jitter ? seeded_next(&w->chance) % w->config.jitter : 0;
    *f = (struct flight){
        .at = leaves + w->config.delay + jitter, .number = w->n_sent++, .to = to, .len = len};
    memcpy(f->ip, ip, len);
    heap_push(w, f);
}

static void output(void *ctx, const struct iovec *slices, int n, size_t len)
{
    struct wire_end *from = ctx;
    struct wire *w = from->wire;
    static uint8_t ip[65536];
    size_t at_byte = 0;
    for (int i = 0; i < n; i++) {
        memcpy(ip + at_byte, slices[i].iov_base, slices[i].iov_len);
        at_byte += slices[i].iov_len;
    }
    assert_int_equal(at_byte, len);
    assert_true(len <= (w->config.mtu ? w->config.mtu : 1420));
    from->packets++;
    from->bytes += len;
    from->largest = len > from->largest ? len : from->largest;
    if ((from->sniff && from->sniff(from, ip, len)) || happens(w, w->config.loss)) {
        return;
    }
    take_off(from->peer, ip, len);
    if (happens(w, w->config.duplicate)) {
        take_off(from->peer, ip, len);
    }
}

static int route(void *ctx, const struct addr *dst)
{
    const struct wire_end *e = ctx;
    return e->no_route_of == FAMILY_NONE || e->no_route_of == dst->family ? e->no_route : 0;
}

static void end_open(struct wire *w, struct wire_end *e, struct wire_end *peer,
                     const char *const addresses[3])
{
    struct prefix ours[3];
    size_t n = 0;
    for (; n < 3 && addresses[n]; n++) {
        assert_true(prefix_parse(&ours[n], addresses[n]));
    }
    *e = (struct wire_end){.wire = w, .peer = peer};
    struct stack_config c = {
        .addresses = ours,
        .n_addresses = n,
        .mtu = w->config.mtu ? w->config.mtu : 1420,
        .segment_block = e == &w->a ? w->config.segment_block : 0,
        .output = output,
        .route = route,
        .ctx = e,
        .rng = w->rng,
    };
    assert_int_equal(stack_new(&e->stack, &c, w->now), 0);
}

void wire_open(struct wire *w, const struct wire_config *config)
{
    *w = (struct wire){.config = *config, .now = {.mono = 1000 * NS_PER_S}};
    w->chance = config->seed + 1;
    w->rng = seeded_rng(&w->chance);
    rxbuf_pool_init(&w->pool, BUFFER, 16);
    if (!w->config.a[0]) {
        w->config.a[0] = "10.0.0.1", w->config.a[1] = "fd00::1";
        w->config.b[0] = "10.0.0.2", w->config.b[1] = "fd00::2";
    }
    end_open(w, &w->a, &w->b, w->config.a);
    end_open(w, &w->b, &w->a, w->config.b);
}

static void end_close(struct wire_end *e)
{
    if (e->stack) {
        stack_free(e->stack);
    }
    rxbuf_unref(e->filling);
    e->filling = NULL;
}

void wire_close(struct wire *w)
{
    end_close(&w->a);
    end_close(&w->b);
    while (w->n_flights > 0) {
        free(heap_pop(w));
    }
    free(w->flights);
    assert_int_equal(w->pool.n_live, 0);
    rxbuf_pool_fini(&w->pool);
}

/* Packets stand one behind the other in a buffer, as a batch of them does. */
void wire_inject(struct wire_end *e, const void *ip, size_t len)
{
    struct wire *w = e->wire;
    if (!e->filling || BUFFER - e->filled < len) {
        rxbuf_unref(e->filling);
        e->filling = rxbuf_new(&w->pool);
        e->filled = 0;
        if (!e->filling) {
            return; /* the packet is lost */
        }
    }
    uint8_t *slice = e->filling->data + e->filled;
    memcpy(slice, ip, len);
    e->filled += (len + ALIGNED - 1) / ALIGNED * ALIGNED;
    e->filled = e->filled < BUFFER ? e->filled : BUFFER;
    stack_input(e->stack, e->filling, slice, len, w->now);
}

/* After its flush a stack holds no receive buffer: one reference is ours. */
static void end_turn(struct wire_end *e)
{
    struct wire *w = e->wire;
    if (!e->stack) {
        return;
    }
    if (stack_next_deadline(e->stack) <= w->now.mono) {
        stack_tick(e->stack, w->now);
        w->wakeups++;
    }
    while (stack_dispatch(e->stack, w->now)) {
    }
    stack_flush(e->stack, w->now);
    assert_true(w->memory_fails || !e->filling || e->filling->refs == 1);
}

static uint64_t next_event(const struct wire *w)
{
    uint64_t next = w->n_flights > 0 ? w->flights[0]->at : NEVER;
    if (w->a.stack) {
        next = deadline_min(next, stack_next_deadline(w->a.stack));
    }
    return w->b.stack ? deadline_min(next, stack_next_deadline(w->b.stack)) : next;
}

static void turn(struct wire *w)
{
    while (w->n_flights > 0 && w->flights[0]->at <= w->now.mono) {
        struct flight *f = heap_pop(w);
        if (f->to->stack) {
            wire_inject(f->to, f->ip, f->len);
        }
        free(f);
    }
    end_turn(&w->a);
    end_turn(&w->b);
    assert_true(w->memory_fails || w->pool.n_live <= 2);
}

bool wire_run(struct wire *w, wire_done_fn *done, void *ctx, uint64_t limit)
{
    uint64_t end = w->now.mono + limit;
    turn(w);
    while (!done(ctx)) {
        uint64_t next = next_event(w);
        if (next > end) {
            if (limit != NEVER) {
                w->now.mono = end;
            }
            return false;
        }
        w->now.mono = next > w->now.mono ? next : w->now.mono;
        turn(w);
    }
    return true;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

void wire_pass(struct wire *w, uint64_t ns)
{
    wire_run(w, never, NULL, ns);
}
