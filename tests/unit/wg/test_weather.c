/* SPDX-License-Identifier: MIT */
/* Many seeds of bad weather: loss, duplicates, reordering, outages, restarts, roaming and clocks
 * that jump. After each datagram that leaves and each packet that arrives the promises are
 * checked, and in the end the sun shines and data must flow again. WGPROXY_WEATHER_SEEDS asks for
 * more seeds, WGPROXY_WEATHER_SEED for one. */
#include "test.h"

#include "world.h"

#include <stdlib.h>
#include <string.h>

enum { SET = 1 << 16, IDS = 1 << 14 };

struct weather {
    uint64_t state;
    struct rng rng;
    unsigned loss, duplicates; /* per cent */
    uint64_t jitter;
    uint64_t dark_until; /* outage */
    uint64_t used[SET];  /* receiver index and counter of every data message that left */
    unsigned n_used;
    uint8_t delivered[IDS]; /* how often each packet arrived */
    uint32_t next_id;
};

static uint64_t *slot(struct weather *x, uint64_t key)
{
    uint64_t hash = key;
    size_t i = splitmix(&hash) % SET;
    while (x->used[i] != 0 && x->used[i] != key) {
        i = (i + 1) % SET;
    }
    return &x->used[i];
}

/* An index is random for each session, so index and counter name a nonce under a key. */
static void no_nonce_leaves_twice(struct weather *x, const uint8_t *data)
{
    uint64_t counter = load_le64(data + 8);
    assert_true(counter < 1 << 24);
    uint64_t key = (uint64_t)load_le32(data + 4) << 24 | counter << 1 | 1;
    uint64_t *place = slot(x, key);
    assert_true(*place == 0);
    *place = key;
    assert_true(++x->n_used < SET / 2);
}

static bool blow(struct world *w, int from, uint8_t *data, size_t len)
{
    struct weather *x = w->ctx;
    (void)from;
    if (data[0] == MSG_DATA) {
        assert_true(len >= 32);
        no_nonce_leaves_twice(x, data);
    }
    w->delay =
        10 * MS +
        (x->jitter > 0 ? rng_below(&x->rng, (uint32_t)(x->jitter / 1000)) * (uint64_t)1000 : 0);
    w->copies = 1 + (rng_below(&x->rng, 100) < x->duplicates);
    return w->mono >= x->dark_until && rng_below(&x->rng, 100) >= x->loss;
}

static void send_one(struct world *w, struct weather *x, int who)
{
    (void)!world_send(w, who, x->next_id++, 28 + rng_below(&x->rng, 200));
    struct wg_peer_status s;
    wg_peer_get(w->node[who].peer, &s);
    assert_true(s.staged <= STAGED_MAX);
}

static void disturb(struct world *w, struct weather *x)
{
    int who = (int)rng_below(&x->rng, 2);
    switch (rng_below(&x->rng, 200)) {
    case 0:
        world_restart(w, who);
        break;
    case 1:
        w->node[A].at.port =
            (uint16_t)(1024 + rng_below(&x->rng, 60000)); /* A's NAT gives it another port */
        break;
    case 2:
        w->node[who].wall_offset += (uint64_t)(rng_below(&x->rng, 1000000)) * SEC;
        break;
    case 3:
        w->node[who].wall_offset -= (uint64_t)(rng_below(&x->rng, 1000000)) * SEC;
        break;
    case 4:
        x->dark_until = w->mono + rng_below(&x->rng, 300) * SEC;
        break;
    case 5:
        world_run(w, rng_below(&x->rng, 700) * SEC);
        break;
    case 6:
        w->mono += rng_below(&x->rng, 700) * SEC; /* asleep */
        break;
    default:
        break;
    }
}

static void no_packet_arrives_twice(struct world *w, int to, uint32_t id)
{
    struct weather *x = w->ctx;
    (void)to;
    assert_true(id > 0 && id < x->next_id);
    assert_int_equal(x->delivered[id]++, 0);
}

/* Neither end's clock may say less than the latest timestamp the other remembers, or a restart
 * locks it out. */
static void sunshine(struct world *w, struct weather *x)
{
    x->loss = x->duplicates = 0;
    x->jitter = 0;
    x->dark_until = 0;
    for (int who = A; who <= B; who++) {
        w->node[who].wall_offset += UINT64_C(40000000) * SEC;
    }
    for (int i = 0; i < 100;
         i++) { /* 25 s with traffic both ways: dead-peer time, a retry and some */
        send_one(w, x, A);
        send_one(w, x, B);
        world_run(w, 250 * MS);
    }
    for (int who = A; who <= B; who++) {
        uint32_t id = x->next_id;
        send_one(w, x, who);
        world_run(w, 250 * MS);
        assert_int_equal(w->node[!who].got_id, id);
    }
}

static uint64_t current; /* the seed that runs; 0: none */
static const char *program;

static void one_seed(uint64_t seed)
{
    struct weather *x = calloc(1, sizeof *x);
    assert_non_null(x);
    struct world *w = world_new(seed);
    x->state = seed ^ 0x5eed;
    x->rng = seeded_rng(&x->state);
    x->loss = rng_below(&x->rng, 31);
    x->duplicates = rng_below(&x->rng, 51);
    x->jitter = rng_below(&x->rng, 200) * MS;
    x->next_id = 1;
    w->filter = blow;
    w->delivered = no_packet_arrives_twice;
    w->ctx = x;
    w->keepalive[A] = rng_below(&x->rng, 2) ? 25 : 0;
    w->endpointless[B] = rng_below(&x->rng, 2);
    world_start(w);
    for (int i = 0; i < 600; i++) {
        if (rng_below(&x->rng, 3) > 0) {
            send_one(w, x, (int)rng_below(&x->rng, 2));
        }
        disturb(w, x);
        world_run(w, rng_below(&x->rng, 1000) * MS);
    }
    sunshine(w, x);
    world_free(w);
    free(x);
}

static void whatever_the_weather_the_promises_hold_and_the_tunnel_comes_back(void **state)
{
    (void)state;
    const char *one = getenv("WGPROXY_WEATHER_SEED");
    const char *many = getenv("WGPROXY_WEATHER_SEEDS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t last = one != NULL ? first : many != NULL ? strtoull(many, NULL, 10) : 150;
    for (uint64_t seed = first; seed <= last; seed++) {
        current = seed;
        one_seed(seed);
    }
    current = 0;
}

static int say_how_to_replay(void **state)
{
    (void)state;
    if (current != 0) {
        print_message("to replay: WGPROXY_WEATHER_SEED=%llu %s\n", (unsigned long long)current,
                      program);
    }
    return 0;
}

int main(int argc, char **argv)
{
    program = argc > 0 ? argv[0] : "this test";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(whatever_the_weather_the_promises_hold_and_the_tunnel_comes_back,
                                  say_how_to_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
