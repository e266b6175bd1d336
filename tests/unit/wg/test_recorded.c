/* SPDX-License-Identifier: MIT */
/* A recorded conversation with wireguard-go, gone through again: what two copies of this code
 * would agree on even if it were wrong (labels, prologue, macs, field order) must be what another
 * implementation says. */
#include "test.h"

#include "vectors.h"
#include "wg/cookie.h"
#include "wg/handshake.h"
#include "world.h"

#include <string.h>

struct recorded {
    struct noise_identity init, resp;
    uint8_t psk[32], ephemeral[32];
    struct msg_initiation initiation, their_initiation;
    struct msg_response response;
    struct msg_cookie cookie_reply;
    uint8_t request[84], reply[84], data_out[256], data_in[256];
    size_t data_out_len, data_in_len;
};

static struct recorded r;

static void read_recorded(void *ctx, const struct vector *v)
{
    (void)ctx;
    vector_hex(v, "init_static", r.init.private_key, 32);
    vector_hex(v, "resp_static", r.resp.private_key, 32);
    vector_hex(v, "psk", r.psk, 32);
    vector_hex(v, "init_ephemeral", r.ephemeral, 32);
    assert_int_equal(vector_hex(v, "initiation", (uint8_t *)&r.initiation, 148), 148);
    assert_int_equal(vector_hex(v, "response", (uint8_t *)&r.response, 92), 92);
    assert_int_equal(vector_hex(v, "their_initiation", (uint8_t *)&r.their_initiation, 148), 148);
    assert_int_equal(vector_hex(v, "cookie_reply", (uint8_t *)&r.cookie_reply, 64), 64);
    assert_int_equal(vector_hex(v, "request", r.request, 84), 84);
    assert_int_equal(vector_hex(v, "reply", r.reply, 84), 84);
    r.data_out_len = vector_hex(v, "data_out", r.data_out, sizeof r.data_out);
    r.data_in_len = vector_hex(v, "data_in", r.data_in, sizeof r.data_in);
    assert_true(suite_dh_public(r.init.public_key, r.init.private_key));
    assert_true(suite_dh_public(r.resp.public_key, r.resp.private_key));
}

/* Chance that was recorded: the ephemeral key, then the index. */
static void recorded_chance(void *ctx, void *out, size_t len)
{
    (void)ctx;
    if (len == 32) {
        memcpy(out, r.ephemeral, 32);
    } else {
        uint32_t index = load_le32(r.initiation.sender);
        assert_int_equal(len, 4);
        memcpy(out, &index, 4);
    }
}

/* Our own timestamp of then, as the one who was asked reads it. */
static struct now time_of_recording(void)
{
    struct handshake_incoming in;
    struct noise_remote us;
    assert_true(noise_remote_init(&us, &r.resp, r.init.public_key, r.psk));
    assert_true(handshake_consume_initiation(&in, &r.resp, &r.initiation));
    assert_memory_equal(in.remote_static, r.init.public_key, 32);
    assert_true(handshake_authenticate_initiation(&in, &us, &r.initiation));
    uint64_t seconds = load_be64(in.timestamp) - UINT64_C(0x400000000000000a);
    return (struct now){.mono = SEC, .wall = seconds * SEC + load_be32(in.timestamp + 8)};
}

struct replay_of_it {
    struct index_table table;
    struct handshake hs;
    struct keypairs keypairs;
    struct keypair *session;
    struct noise_remote them;
    struct cookie_maker maker;
    struct msg_initiation made;
    struct now now;
};

static void initiate_again(struct replay_of_it *x)
{
    struct rng rng = {recorded_chance, NULL};
    memset(x, 0, sizeof *x);
    x->now = time_of_recording();
    index_table_init(&x->table);
    assert_int_equal(index_table_reserve(&x->table, INDEX_PER_PEER), 0);
    handshake_init(&x->hs, NULL);
    keypairs_init(&x->keypairs, NULL);
    x->session = keypairs_blank(&x->keypairs);
    cookie_maker_init(&x->maker, r.resp.public_key);
    assert_true(noise_remote_init(&x->them, &r.init, r.resp.public_key, r.psk));
    assert_true(
        handshake_create_initiation(&x->hs, &r.init, &x->them, &x->table, &rng, &x->made, x->now));
    cookie_add_macs(&x->maker, &x->made, sizeof x->made, x->now);
}

static void our_initiation_is_made_again_byte_for_byte(void **state)
{
    (void)state;
    struct replay_of_it x;
    initiate_again(&x);
    assert_memory_equal(&x.made, &r.initiation, 148);
    index_table_fini(&x.table);
}

static void its_response_is_believed_and_the_session_carries_the_same_bytes(void **state)
{
    (void)state;
    struct replay_of_it x;
    struct cookie_checker checker;
    uint8_t buffer[256] = {0}, nonce[SUITE_NONCE];
    initiate_again(&x);
    cookie_checker_init(&checker, r.init.public_key);
    assert_true(cookie_mac1_is_valid(&checker, (uint8_t *)&r.response, 92));
    assert_true(handshake_consume_response(&x.hs, &r.init, &x.them, &x.table, &r.response,
                                           x.session, x.now));
    assert_int_equal(x.session->remote_index, load_le32(r.data_out + 4));
    assert_int_equal(x.session->entry.index, load_le32(r.data_in + 4));

    memcpy(buffer, r.request, 84); /* and 12 bytes of padding */
    suite_nonce(nonce, load_le64(r.data_out + 8));
    suite_seal(buffer, x.session->tx_key, nonce, buffer, 96, NULL, 0);
    assert_int_equal(r.data_out_len, 16 + 96 + 16);
    assert_memory_equal(buffer, r.data_out + 16, 96 + 16);

    suite_nonce(nonce, load_le64(r.data_in + 8));
    assert_true(
        suite_open(buffer, x.session->rx_key, nonce, r.data_in + 16, r.data_in_len - 16, NULL, 0));
    assert_memory_equal(buffer, r.reply, 84);
    index_table_fini(&x.table);
}

static void its_initiation_is_believed(void **state)
{
    (void)state;
    struct handshake_incoming in;
    struct cookie_checker checker;
    struct noise_remote them;
    cookie_checker_init(&checker, r.init.public_key);
    assert_true(cookie_mac1_is_valid(&checker, (uint8_t *)&r.their_initiation, 148));
    assert_true(noise_remote_init(&them, &r.init, r.resp.public_key, r.psk));
    assert_true(handshake_consume_initiation(&in, &r.init, &r.their_initiation));
    assert_memory_equal(in.remote_static, r.resp.public_key, 32);
    assert_true(handshake_authenticate_initiation(&in, &them, &r.their_initiation));
}

static void its_cookie_is_taken(void **state)
{
    (void)state;
    struct replay_of_it x;
    initiate_again(&x);
    assert_true(cookie_consume_reply(&x.maker, &r.cookie_reply, x.now));
    index_table_fini(&x.table);
}

static int set_up(void **state)
{
    (void)state;
    if (!suite_init()) {
        return -1;
    }
    vectors_of_tree("wireguard_go.txt", read_recorded, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(our_initiation_is_made_again_byte_for_byte),
        unit(its_response_is_believed_and_the_session_carries_the_same_bytes),
        unit(its_initiation_is_believed),
        unit(its_cookie_is_taken),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
