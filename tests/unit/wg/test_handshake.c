/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/handshake.h"
#include "world.h"

#include <string.h>

/* One end: its keys, its table, and what it knows of the other. */
struct end {
    struct noise_identity id;
    struct noise_remote other;
    struct index_table table;
    struct handshake hs;
    struct keypairs keypairs;
    struct keypair *session;
};

struct bench {
    uint64_t seed;
    struct rng rng;
    struct now now;
    struct end init, resp;
    struct msg_initiation initiation;
    struct msg_response response;
    struct handshake_incoming in;
};

static void draw_identity(struct bench *b, struct noise_identity *id)
{
    rng_fill(&b->rng, id->private_key, 32);
    suite_clamp(id->private_key);
    assert_true(suite_dh_public(id->public_key, id->private_key));
}

static void end_init(struct end *e, const struct end *other, const uint8_t psk[32])
{
    assert_true(noise_remote_init(&e->other, &e->id, other->id.public_key, psk));
    index_table_init(&e->table);
    assert_int_equal(index_table_reserve(&e->table, INDEX_PER_PEER), 0);
    handshake_init(&e->hs, NULL);
    keypairs_init(&e->keypairs, NULL);
    e->session = keypairs_blank(&e->keypairs);
}

static void bench_init(struct bench *b)
{
    uint8_t psk[32];
    memset(b, 0, sizeof *b);
    b->seed = 1;
    b->rng = seeded_rng(&b->seed);
    b->now = (struct now){.mono = 9 * SEC, .wall = UINT64_C(1700000000) * SEC + 123456789};
    draw_identity(b, &b->init.id);
    draw_identity(b, &b->resp.id);
    rng_fill(&b->rng, psk, 32);
    end_init(&b->init, &b->resp, psk);
    end_init(&b->resp, &b->init, psk);
}

static void bench_fini(struct bench *b)
{
    index_table_fini(&b->init.table);
    index_table_fini(&b->resp.table);
}

static void initiate(struct bench *b)
{
    assert_true(handshake_create_initiation(&b->init.hs, &b->init.id, &b->init.other,
                                            &b->init.table, &b->rng, &b->initiation, b->now));
}

static void read_initiation(struct bench *b)
{
    assert_true(handshake_consume_initiation(&b->in, &b->resp.id, &b->initiation));
    assert_memory_equal(b->in.remote_static, b->init.id.public_key, 32);
    assert_true(handshake_authenticate_initiation(&b->in, &b->resp.other, &b->initiation));
}

static bool admit(struct bench *b)
{
    return handshake_admit_initiation(&b->resp.hs, &b->in, b->now);
}

static void respond(struct bench *b)
{
    assert_true(handshake_create_response(&b->in, &b->resp.other, &b->resp.table, &b->rng,
                                          &b->initiation, &b->response, b->resp.session, b->now));
}

static bool consume_response(struct bench *b)
{
    return handshake_consume_response(&b->init.hs, &b->init.id, &b->init.other, &b->init.table,
                                      &b->response, b->init.session, b->now);
}

static void both_ends_derive_the_same_keys_crosswise(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    initiate(&b);
    read_initiation(&b);
    assert_true(admit(&b));
    respond(&b);
    assert_int_equal(load_le32(b.initiation.type), 1);
    assert_int_equal(load_le32(b.response.type), 2);
    assert_memory_equal(b.response.receiver, b.initiation.sender, 4);
    assert_true(consume_response(&b));

    const struct keypair *i = b.init.session, *r = b.resp.session;
    assert_memory_equal(i->tx_key, r->rx_key, 32);
    assert_memory_equal(i->rx_key, r->tx_key, 32);
    assert_memory_not_equal(i->tx_key, i->rx_key, 32);
    assert_true(i->initiator);
    assert_false(r->initiator);
    assert_int_equal(i->remote_index, r->entry.index);
    assert_int_equal(r->remote_index, i->entry.index);
    assert_int_equal(i->entry.index, load_le32(b.initiation.sender));
    bench_fini(&b);
}

static void a_response_is_consumed_once(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    initiate(&b);
    read_initiation(&b);
    respond(&b);
    assert_true(consume_response(&b));
    struct keypair before = *b.init.session;
    assert_false(consume_response(&b)); /* or the counters of the session would begin again at 0 */
    assert_memory_equal(b.init.session, &before, sizeof before);
    bench_fini(&b);
}

static void a_response_to_an_initiation_that_was_replaced_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    initiate(&b);
    read_initiation(&b);
    respond(&b);
    initiate(&b); /* before the response to the first comes */
    assert_false(consume_response(&b));
    /* not even when the index is made to fit: the ephemeral key is another */
    memcpy(b.response.receiver, b.initiation.sender, 4);
    assert_false(consume_response(&b));
    assert_true(b.init.hs.entry.listed); /* and the true response is still awaited */
    read_initiation(&b);
    respond(&b);
    assert_true(consume_response(&b));
    bench_fini(&b);
}

static void a_response_without_an_open_initiation_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    initiate(&b);
    read_initiation(&b);
    respond(&b);
    handshake_clear(&b.init.hs, &b.init.table);
    assert_false(consume_response(&b));
    bench_fini(&b);
}

/* What is left of a wiped handshake is known to everybody: zeros. A response can be forged for
 * that. */
static void a_response_forged_for_a_wiped_handshake_is_refused(void **state)
{
    (void)state;
    static const uint8_t zero_key[32];
    struct bench b;
    bench_init(&b);
    initiate(&b);
    uint32_t index = b.init.hs.entry.index;
    handshake_clear(&b.init.hs, &b.init.table);

    struct noise_state known = {.chain = {0}};
    struct noise_remote target = {.psk = {0}};
    uint8_t ephemeral[32];
    memcpy(target.public_key, b.init.id.public_key, 32);
    memcpy(target.psk, b.init.other.psk, 32); /* let them know even that: it may be zero */
    assert_true(suite_dh_public(known.remote_ephemeral, zero_key));
    rng_fill(&b.rng, ephemeral, 32);
    suite_clamp(ephemeral);
    store_le32(b.response.receiver, index);
    assert_true(
        noise_create_response(&known, &target, ephemeral, NULL, 0, (uint8_t *)&b.response + 12));
    assert_false(consume_response(&b));
    bench_fini(&b);
}

static void an_initiation_for_another_peer_is_not_authenticated(void **state)
{
    (void)state;
    struct bench b;
    struct noise_identity stranger;
    struct noise_remote wrong;
    static const uint8_t no_psk[32];
    bench_init(&b);
    draw_identity(&b, &stranger);
    assert_true(noise_remote_init(&wrong, &b.resp.id, stranger.public_key, no_psk));
    initiate(&b);
    assert_true(handshake_consume_initiation(&b.in, &b.resp.id, &b.initiation));
    assert_false(handshake_authenticate_initiation(&b.in, &wrong, &b.initiation));
    bench_fini(&b);
}

/* ---- timestamps ---- */

static uint64_t seconds_of(const uint8_t *t)
{
    return load_be64(t) - UINT64_C(0x400000000000000a);
}

static void a_timestamp_is_tai64n_rounded_down_to_2_to_the_24_ns(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    initiate(&b);
    read_initiation(&b);
    assert_int_equal(seconds_of(b.in.timestamp), 1700000000);
    assert_int_equal(load_be32(b.in.timestamp + 8), 123456789 & ~0xffffff);
    bench_fini(&b);
}

static void timestamps_rise_whatever_the_clock_does(void **state)
{
    (void)state;
    static const int64_t steps[] = {0,         0, 1,         1000,   -1000,
                                    999999999, 0, 86400,     -86400, -630720000,
                                    0,         0, 630720000, 0,      -1600000000};
    struct bench b;
    uint8_t last[TAI64N_LEN] = {0};
    bench_init(&b);
    for (size_t i = 0; i < ARRAY_SIZE(steps) * 100; i++) {
        if (i % 100 == 0) {
            int64_t step = steps[i / 100];
            b.now.wall +=
                (uint64_t)(step > 1000000 || step < -1000000 || step == 86400 || step == -86400
                               ? step * (int64_t)SEC
                               : step);
        }
        initiate(&b);
        read_initiation(&b);
        assert_true(memcmp(b.in.timestamp, last, TAI64N_LEN) > 0);
        assert_true(load_be32(b.in.timestamp + 8) < NS_PER_S);
        assert_int_equal(load_be32(b.in.timestamp + 8) & 0xffffff, 0);
        memcpy(last, b.in.timestamp, TAI64N_LEN);
    }
    bench_fini(&b);
}

static void a_timestamp_that_is_not_greater_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    initiate(&b);
    read_initiation(&b);
    assert_true(admit(&b));
    b.now.mono += SEC;
    assert_false(admit(&b)); /* the same again */
    b.in.timestamp[7]--;
    assert_false(admit(&b));
    b.in.timestamp[7] += 2;
    assert_true(admit(&b));
    bench_fini(&b);
}

static void an_initiation_within_20_ms_of_the_last_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    initiate(&b);
    read_initiation(&b);
    assert_true(admit(&b));
    b.in.timestamp[7]++;
    b.now.mono += 20 * MS - 1;
    assert_false(admit(&b));
    b.now.mono += 1;
    assert_true(admit(&b)); /* and the one refused too soon did not count as seen */
    bench_fini(&b);
}

static void clearing_wipes_the_ephemeral_key_and_frees_the_index(void **state)
{
    (void)state;
    static const struct noise_state zero;
    struct bench b;
    bench_init(&b);
    initiate(&b);
    uint32_t index = b.init.hs.entry.index;
    handshake_clear(&b.init.hs, &b.init.table);
    assert_memory_equal(&b.init.hs.noise, &zero, sizeof zero);
    assert_null(index_lookup(&b.init.table, index));
    bench_fini(&b);
}

static int set_up(void **state)
{
    (void)state;
    return suite_init() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(both_ends_derive_the_same_keys_crosswise),
        unit(a_response_is_consumed_once),
        unit(a_response_to_an_initiation_that_was_replaced_is_refused),
        unit(a_response_without_an_open_initiation_is_refused),
        unit(a_response_forged_for_a_wiped_handshake_is_refused),
        unit(an_initiation_for_another_peer_is_not_authenticated),
        unit(a_timestamp_is_tai64n_rounded_down_to_2_to_the_24_ns),
        unit(timestamps_rise_whatever_the_clock_does),
        unit(a_timestamp_that_is_not_greater_is_refused),
        unit(an_initiation_within_20_ms_of_the_last_is_refused),
        unit(clearing_wipes_the_ephemeral_key_and_frees_the_index),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
