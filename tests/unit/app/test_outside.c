/* SPDX-License-Identifier: MIT */
#include "app/outside.h"

#include <stdlib.h>

#include "base/err.h"
#include "unit/seeded.h"
#include "unit/test.h"

/* A world that counts its ports and what leaves by them. */
struct world {
    unsigned opened, closed, sent_by_last, fragmenting, plain;
    bool counts;
    int refuse;
};

struct port {
    struct dgram dgram;
    struct world *world;
    uint16_t number;
};

static void port_send(struct dgram *d, const struct outbox *ob)
{
    container_of(d, struct port, dgram)->world->sent_by_last += ob->n;
}

static uint16_t port_number(const struct dgram *d)
{
    return container_of(d, struct port, dgram)->number;
}

static void port_close(struct dgram *d)
{
    struct port *p = container_of(d, struct port, dgram);
    p->world->closed++;
    free(p);
}

static void port_allow_fragments(struct dgram *d)
{
    container_of(d, struct port, dgram)->world->fragmenting++;
}

static void port_no_offload(struct dgram *d)
{
    container_of(d, struct port, dgram)->world->plain++;
}

static struct dgram_counters port_counters(const struct dgram *d)
{
    (void)d;
    return (struct dgram_counters){1, 2, 3, 4, 5, 6, 7, true, false};
}

static const struct dgram_ops port_ops = {.send = port_send,
                                          .local_port = port_number,
                                          .allow_fragments = port_allow_fragments,
                                          .close = port_close};

static const struct dgram_ops counting_ops = {.send = port_send,
                                              .local_port = port_number,
                                              .allow_fragments = port_allow_fragments,
                                              .no_offload = port_no_offload,
                                              .counters = port_counters,
                                              .close = port_close};

static int udp_open(void *world, uint16_t port, const struct dgram_handler *handler, void *ctx,
                    struct dgram **out)
{
    struct world *w = world;
    if (w->refuse != 0) {
        return w->refuse;
    }
    struct port *p = calloc(1, sizeof *p);
    p->dgram = (struct dgram){
        .ops = w->counts ? &counting_ops : &port_ops, .handler = handler, .ctx = ctx};
    p->world = w;
    p->number = port != 0 ? port : (uint16_t)(50000 + w->opened);
    w->opened++;
    w->sent_by_last = 0;
    *out = &p->dgram;
    return 0;
}

struct scene {
    struct world world;
    struct env_ops ops;
    struct env env;
    uint64_t seed;
    struct wg *wg;
    struct outside outside;
    struct now now;
};

static void set_up_counting(struct scene *s, uint16_t listen_port, bool counts, bool plain)
{
    *s = (struct scene){
        .seed = 1, .world.counts = counts, .now = {.mono = 50 * NS_PER_S, .wall = 50 * NS_PER_S}};
    s->ops = (struct env_ops){.udp_open = udp_open};
    s->env = (struct env){.ops = &s->ops, .world = &s->world, .rng = seeded_rng(&s->seed)};
    struct wg_config wc = {.private_key = {8, [31] = 0x40}, .mtu = 1420, .rng = s->env.rng};
    struct wg_peer_config pc = {.public_key = {9}, .keepalive = 25};
    struct wg_peer *peer;
    assert_true(endpoint_parse(&pc.endpoint, "192.0.2.7:51820"));
    assert_int_equal(wg_new(&s->wg, &wc), 0);
    assert_int_equal(wg_peer_add(s->wg, &pc, &peer), 0);
    assert_int_equal(outside_init(&s->outside, &s->env, 1420), 0);
    assert_int_equal(outside_open(&s->outside, listen_port, plain, NULL, NULL), 0);
    wg_start(s->wg, &s->outside.outbox, s->now);
    outside_send(&s->outside, s->wg);
}

static void set_up(struct scene *s, uint16_t listen_port)
{
    set_up_counting(s, listen_port, false, false);
}

static void tear_down(struct scene *s)
{
    wg_free(s->wg);
    outside_fini(&s->outside);
    assert_int_equal(s->world.opened, s->world.closed);
}

/* The peer stays silent. */
static void live(struct scene *s, unsigned seconds)
{
    uint64_t end = s->now.mono + seconds * NS_PER_S;
    while (wg_next_deadline(s->wg) <= end) {
        s->now.mono = s->now.wall = wg_next_deadline(s->wg);
        outside_room_for_event(&s->outside, s->wg);
        wg_tick(s->wg, &s->outside.outbox, s->now);
        outside_renew(&s->outside, s->wg);
        outside_send(&s->outside, s->wg);
    }
    s->now.mono = s->now.wall = end;
}

static void after_three_tries_in_vain_the_third_leaves_by_another_port(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, 0);
    live(&s, 9);
    assert_int_equal(s.world.opened, 1);
    assert_int_equal(s.world.sent_by_last, 2);
    live(&s, 3);
    assert_int_equal(s.world.opened, 2);
    assert_int_equal(s.world.closed, 1);
    assert_int_equal(s.world.sent_by_last, 1);
    live(&s, 60); /* and so on, not each time */
    assert_in_range(s.world.opened, 5, 7);
    tear_down(&s);
}

static void a_new_port_may_cut_what_the_old_one_might(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, 0);
    outside_allow_fragments(&s.outside);
    live(&s, 12);
    assert_int_equal(s.world.opened, 2);
    assert_int_equal(s.world.fragmenting, 2);
    tear_down(&s);
}

static void what_is_asked_of_one_port_is_asked_of_the_next(void **state)
{
    (void)state;
    for (unsigned plain = 0; plain < 2; plain++) {
        struct scene s;
        set_up_counting(&s, 0, true, plain == 1);
        assert_int_equal(s.world.plain, plain);
        live(&s, 12);
        assert_int_equal(s.world.opened, 2);
        assert_int_equal(s.world.plain, 2 * plain);
        tear_down(&s);
    }
    struct scene lacking; /* a world without the operation */
    set_up_counting(&lacking, 0, false, true);
    tear_down(&lacking);
}

static void ports_are_counted_together(void **state)
{
    (void)state;
    struct scene s;
    set_up_counting(&s, 0, true, false);
    live(&s, 12);
    assert_int_equal(s.world.opened, 2);
    struct dgram_counters c = outside_counters(&s.outside),
                          twice = {2, 4, 6, 8, 10, 12, 14, true, false};
    assert_memory_equal(&c.received, &twice.received, 7 * sizeof c.received);
    assert_true(c.gso);
    assert_false(c.gro);
    tear_down(&s);

    set_up(&s, 0); /* a world that counts nothing */
    c = outside_counters(&s.outside);
    assert_int_equal(c.sent, 0);
    tear_down(&s);
}

static void a_configured_port_is_kept(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, 51820);
    live(&s, 100);
    assert_int_equal(s.world.opened, 1);
    tear_down(&s);
}

static void the_old_port_stays_when_there_is_no_other(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, 0);
    s.world.refuse = ERR_LIMIT;
    live(&s, 30);
    assert_int_equal(s.world.closed, 0);
    assert_in_range(s.world.sent_by_last, 5, 7);
    tear_down(&s);
}

static void a_full_outbox_leaves_before_the_next_packet(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, 0);
    struct endpoint to = {.port = 1};
    unsigned before = s.world.sent_by_last, n = 0;
    do {
        outside_room_for_packet(&s.outside, s.wg, 1420);
        outbox_commit(&s.outside.outbox, 1452, &to, 0);
        n++;
    } while (s.world.sent_by_last == before);
    assert_int_equal(s.world.sent_by_last - before, n - 1);
    assert_int_equal(s.outside.outbox.n, 1);
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_three_tries_in_vain_the_third_leaves_by_another_port),
        cmocka_unit_test(a_new_port_may_cut_what_the_old_one_might),
        cmocka_unit_test(what_is_asked_of_one_port_is_asked_of_the_next),
        cmocka_unit_test(ports_are_counted_together),
        cmocka_unit_test(a_configured_port_is_kept),
        cmocka_unit_test(the_old_port_stays_when_there_is_no_other),
        cmocka_unit_test(a_full_outbox_leaves_before_the_next_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
