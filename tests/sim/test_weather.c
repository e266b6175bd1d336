/* SPDX-License-Identifier: MIT */
/* Whole transfers through seeded weather: every byte arrives once and in order, and the same seed tells the same story.
 * SIM_SEED=n runs that one seed, with the record when SIM_TALK is set. */
#include <stdlib.h>

#include "sim_pair.h"
#include "unit/test.h"

#define S NS_PER_S
#define MS NS_PER_MS

static const struct sim_pair_options plain = SIM_PAIR_PLAIN;

static struct sim_weather weather_of(struct sim *s)
{
    return (struct sim_weather){
        .loss = sim_chance(s) / 10,      /* up to 10 % */
        .duplicate = sim_chance(s) / 20, /* up to 5 % */
        .delay = (uint64_t)sim_chance(s) * MS / 12,
        .jitter = (uint64_t)sim_chance(s) * MS / 50,
    };
}

/* Two connections, one after the other in the same tunnel; returns the record's fingerprint. */
static uint64_t live_through(uint64_t seed)
{
    struct sim_pair p;
    sim_pair_init(&p, seed, &plain);
    p.sim->hosts[CLIENT].out = weather_of(p.sim);
    p.sim->hosts[FAR].out = weather_of(p.sim);
    unsigned done = 0;
    for (unsigned tries = 0; done < 2 && tries < 6; tries++) {
        struct sim_client *c = sim_pair_ask(&p, tries % 2 ? FAR_V6 : FAR_V4, ECHO_PORT);
        unsigned reply = sim_pair_reply(&p, c, sim_time(p.sim) + 20 * S);
        if (reply ==
            0) { /* a dial may time out in a storm, truthfully; a connection may not lose a byte */
            if (!sim_pair_echo(&p, c, 60000, sim_time(p.sim) + 600 * S)) {
                fail_msg("seed %llu: the bytes did not come back", (unsigned long long)seed);
            }
            done++;
        } else if (reply != 6) {
            fail_msg("seed %llu: SOCKS reply %u", (unsigned long long)seed, reply);
        }
        sim_client_free(c);
    }
    assert_int_equal(done, 2);
    uint64_t fingerprint = sim_fingerprint(p.sim);
    sim_pair_fini(&p);
    return fingerprint;
}

static void bytes_survive_the_weather(void **state)
{
    (void)state;
    const char *one = getenv("SIM_SEED");
    if (one != NULL) {
        live_through(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= 60; seed++) {
        live_through(seed);
    }
}

static void the_same_seed_tells_the_same_story(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 105; seed++) {
        uint64_t once = live_through(seed);
        assert_true(live_through(seed) == once);
        assert_true(live_through(seed + 1000) != once);
    }
}

static void a_slow_reader_slows_only_itself(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 77, &plain);
    struct sim_client *slow = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    struct sim_client *quick = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, slow, 1 * S), 0);
    assert_int_equal(sim_pair_reply(&p, quick, 1 * S), 0);
    sim_client_set_window(slow, 1000);
    size_t much = 40u << 20;
    uint8_t *data = calloc(1, much);
    sim_client_send(slow, data, much);
    sim_run_to(p.sim, 20 * S);
    assert_int_equal(sim_client_received(slow), 1000);
    assert_true(sim_client_unsent(slow) >
                much / 4);                   /* the door stopped reading: nothing is hoarded */
    assert_int_equal(p.sim->pool.n_live, 0); /* and no receive buffer is held for it */
    assert_true(sim_pair_echo(&p, quick, 200000, sim_time(p.sim) + 10 * S));
    sim_client_set_window(slow, SIZE_MAX);
    assert_true(
        sim_pair_wait(&p, slow, much, sim_time(p.sim) + 300 * S)); /* it takes, and all comes */
    free(data);
    sim_client_free(slow);
    sim_client_free(quick);
    sim_pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_survive_the_weather),
        cmocka_unit_test(the_same_seed_tells_the_same_story),
        cmocka_unit_test(a_slow_reader_slows_only_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
