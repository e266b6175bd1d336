/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "vectors.h"
#include "wg/noise.h"
#include "world.h"

#include <string.h>

/* ---- the published transcript ---- */

struct message {
    uint8_t payload[64], ciphertext[256];
    size_t payload_len, ciphertext_len;
};

struct transcript {
    struct message message[6];
    unsigned n, replayed;
};

static struct noise_identity identity_of(const struct vector *v, const char *name)
{
    struct noise_identity id;
    vector_hex(v, name, id.private_key, 32);
    assert_true(suite_dh_public(id.public_key, id.private_key));
    return id;
}

static void replay_handshake(struct transcript *t, const struct vector *v, uint8_t first[32],
                             uint8_t second[32])
{
    uint8_t prologue[64], psk[32], ephemeral[32], hash[32], out[256], payload[64], sender[32];
    uint8_t first_again[32], second_again[32];
    const struct message *m = t->message;
    struct noise_identity init = identity_of(v, "init_static");
    struct noise_identity resp = identity_of(v, "resp_static");
    struct noise_remote init_knows, resp_knows;
    struct noise_state i, r;

    vector_hex(v, "init_psks", psk, 32);
    vector_hex(v, "init_remote_static", out, 32);
    assert_memory_equal(out, resp.public_key, 32);
    assert_true(noise_remote_init(&init_knows, &init, resp.public_key, psk));
    assert_true(noise_remote_init(&resp_knows, &resp, init.public_key, psk));

    size_t len = vector_hex(v, "init_prologue", prologue, sizeof prologue);
    noise_begin(&i, prologue, len, resp.public_key);
    noise_begin(&r, prologue, len, resp.public_key);

    vector_hex(v, "init_ephemeral", ephemeral, 32);
    assert_true(noise_create_initiation(&i, &init, &init_knows, ephemeral, m[0].payload,
                                        m[0].payload_len, out));
    assert_int_equal(m[0].ciphertext_len, 32 + 48 + m[0].payload_len + 16);
    assert_memory_equal(out, m[0].ciphertext, m[0].ciphertext_len);
    assert_true(noise_consume_initiation_static(&r, &resp, out, sender));
    assert_memory_equal(sender, init.public_key, 32);
    assert_true(noise_consume_initiation_payload(&r, &resp_knows, out, payload, m[0].payload_len));
    assert_memory_equal(payload, m[0].payload, m[0].payload_len);

    vector_hex(v, "resp_ephemeral", ephemeral, 32);
    assert_true(
        noise_create_response(&r, &resp_knows, ephemeral, m[1].payload, m[1].payload_len, out));
    assert_memory_equal(out, m[1].ciphertext, m[1].ciphertext_len);
    assert_true(noise_consume_response(&i, &init, &init_knows, out, payload, m[1].payload_len));
    assert_memory_equal(payload, m[1].payload, m[1].payload_len);

    vector_hex(v, "handshake_hash", hash, 32);
    assert_memory_equal(i.hash, hash, 32);
    assert_memory_equal(r.hash, hash, 32);

    noise_split(&i, first, second);
    noise_split(&r, first_again, second_again);
    assert_memory_equal(first, first_again, 32);
    assert_memory_equal(second, second_again, 32);
}

static void replay(void *ctx, const struct vector *v)
{
    struct transcript *t = ctx;
    uint8_t keys[2][32], nonce[12], out[256];
    if (vector_has(v, "ciphertext")) {
        struct message *m = &t->message[t->n++];
        m->payload_len = vector_hex(v, "payload", m->payload, sizeof m->payload);
        m->ciphertext_len = vector_hex(v, "ciphertext", m->ciphertext, sizeof m->ciphertext);
        return;
    }
    if (!vector_has(v, "protocol_name")) {
        return;
    }
    assert_int_equal(t->n, 6);
    replay_handshake(t, v, keys[0], keys[1]);
    for (unsigned k = 2; k < 6; k++) {
        const struct message *m = &t->message[k];
        suite_nonce(nonce, (k - 2) / 2);
        suite_seal(out, keys[k % 2], nonce, m->payload, m->payload_len, NULL, 0);
        assert_memory_equal(out, m->ciphertext, m->ciphertext_len);
    }
    t->replayed++;
}

static void the_published_transcript_is_replayed_byte_for_byte(void **state)
{
    (void)state;
    struct transcript t = {0};
    vectors_published("noise_ikpsk2_25519_chachapoly_blake2s.json", replay, &t);
    assert_int_equal(t.replayed, 1);
}

/* ---- refused ---- */

struct pair {
    uint64_t seed;
    struct rng rng;
    struct noise_identity init, resp;
    struct noise_remote init_knows, resp_knows;
    struct noise_state i, r;
    uint8_t ephemeral[32], msg1[32 + 48 + 12 + 16], msg2[32 + 16], payload[12];
};

static void draw_key(struct rng *rng, uint8_t key[32])
{
    rng_fill(rng, key, 32);
    suite_clamp(key);
}

static void pair_init(struct pair *p, uint64_t seed)
{
    uint8_t psk[32];
    p->seed = seed;
    p->rng = seeded_rng(&p->seed);
    draw_key(&p->rng, p->init.private_key);
    draw_key(&p->rng, p->resp.private_key);
    draw_key(&p->rng, p->ephemeral);
    rng_fill(&p->rng, psk, 32);
    assert_true(suite_dh_public(p->init.public_key, p->init.private_key));
    assert_true(suite_dh_public(p->resp.public_key, p->resp.private_key));
    assert_true(noise_remote_init(&p->init_knows, &p->init, p->resp.public_key, psk));
    assert_true(noise_remote_init(&p->resp_knows, &p->resp, p->init.public_key, psk));
    noise_begin(&p->i, "prologue", 8, p->resp.public_key);
    noise_begin(&p->r, "prologue", 8, p->resp.public_key);
    assert_true(noise_create_initiation(&p->i, &p->init, &p->init_knows, p->ephemeral,
                                        "twelve bytes", 12, p->msg1));
}

static bool read_initiation(struct pair *p)
{
    uint8_t sender[32];
    return noise_consume_initiation_static(&p->r, &p->resp, p->msg1, sender) &&
           noise_consume_initiation_payload(&p->r, &p->resp_knows, p->msg1, p->payload, 12);
}

static void make_response(struct pair *p)
{
    assert_true(read_initiation(p));
    draw_key(&p->rng, p->ephemeral);
    assert_true(noise_create_response(&p->r, &p->resp_knows, p->ephemeral, NULL, 0, p->msg2));
}

static void each_flipped_bit_of_the_first_message_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, 1);
    struct noise_state fresh = p.r;
    for (size_t bit = 0; bit < sizeof p.msg1 * 8; bit++) {
        p.r = fresh;
        p.msg1[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(read_initiation(&p));
        p.msg1[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    p.r = fresh;
    assert_true(read_initiation(&p));
    assert_memory_equal(p.payload, "twelve bytes", 12);
}

static void each_flipped_bit_of_the_second_is_refused_and_spoils_nothing(void **state)
{
    (void)state;
    struct pair p;
    uint8_t nothing[1];
    pair_init(&p, 2);
    make_response(&p);
    struct noise_state before = p.i;
    for (size_t bit = 0; bit < sizeof p.msg2 * 8; bit++) {
        p.msg2[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(noise_consume_response(&p.i, &p.init, &p.init_knows, p.msg2, nothing, 0));
        assert_memory_equal(&p.i, &before, sizeof before);
        p.msg2[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(noise_consume_response(&p.i, &p.init, &p.init_knows, p.msg2, nothing, 0));
    assert_memory_equal(p.i.chain, p.r.chain, 32);
}

static void another_psk_is_refused_by_the_initiator(void **state)
{
    (void)state;
    struct pair p;
    uint8_t nothing[1];
    pair_init(&p, 3);
    make_response(&p);
    p.init_knows.psk[31] ^= 1;
    assert_false(noise_consume_response(&p.i, &p.init, &p.init_knows, p.msg2, nothing, 0));
}

static void another_prologue_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, 4);
    noise_begin(&p.r, "prologuf", 8, p.resp.public_key);
    assert_false(read_initiation(&p));
}

static void a_zero_dh_result_is_refused_at_each_token(void **state)
{
    (void)state;
    struct pair p;
    static const uint8_t zero[32];
    uint8_t sender[32], nothing[1];

    /* -> e, es: the responder reads a low-order ephemeral */
    pair_init(&p, 5);
    memset(p.msg1, 0, 32);
    assert_false(noise_consume_initiation_static(&p.r, &p.resp, p.msg1, sender));

    /* -> es: the initiator knows a low-order static key */
    pair_init(&p, 6);
    memset(p.init_knows.public_key, 0, 32);
    assert_false(noise_create_initiation(&p.i, &p.init, &p.init_knows, p.ephemeral, "", 0, p.msg1));

    /* -> ss, on either side */
    pair_init(&p, 7);
    memcpy(p.resp_knows.static_static, zero, 32);
    assert_false(read_initiation(&p));
    memcpy(p.init_knows.static_static, zero, 32);
    assert_false(noise_create_initiation(&p.i, &p.init, &p.init_knows, p.ephemeral, "", 0, p.msg1));

    /* <- ee and se: the responder answers a low-order ephemeral, or a low-order static key */
    pair_init(&p, 8);
    assert_true(read_initiation(&p));
    struct noise_state read = p.r;
    memset(p.r.remote_ephemeral, 0, 32);
    assert_false(noise_create_response(&p.r, &p.resp_knows, p.ephemeral, NULL, 0, p.msg2));
    p.r = read;
    memset(p.resp_knows.public_key, 0, 32);
    assert_false(noise_create_response(&p.r, &p.resp_knows, p.ephemeral, NULL, 0, p.msg2));

    /* <- e, ee: the initiator reads a low-order ephemeral */
    pair_init(&p, 9);
    make_response(&p);
    memset(p.msg2, 0, 32);
    assert_false(noise_consume_response(&p.i, &p.init, &p.init_knows, p.msg2, nothing, 0));

    assert_false(noise_remote_init(&p.init_knows, &p.init, zero, zero));
}

static void splitting_wipes_the_state(void **state)
{
    (void)state;
    struct pair p;
    static const struct noise_state zero;
    uint8_t first[32], second[32];
    pair_init(&p, 10);
    make_response(&p);
    noise_split(&p.r, first, second);
    assert_memory_equal(&p.r, &zero, sizeof zero);
    assert_memory_not_equal(first, second, 32);
}

static int set_up(void **state)
{
    (void)state;
    return suite_init() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(the_published_transcript_is_replayed_byte_for_byte),
        unit(each_flipped_bit_of_the_first_message_is_refused),
        unit(each_flipped_bit_of_the_second_is_refused_and_spoils_nothing),
        unit(another_psk_is_refused_by_the_initiator),
        unit(another_prologue_is_refused),
        unit(a_zero_dh_result_is_refused_at_each_token),
        unit(splitting_wipes_the_state),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
