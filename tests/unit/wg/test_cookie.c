/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/cookie.h"
#include "world.h"

#include <string.h>

enum { LEN = 148 };

struct bench {
    uint64_t seed;
    struct rng rng;
    struct now now;
    struct cookie_checker checker; /* of the one who reads */
    struct cookie_maker maker;     /* of the one who writes */
    struct endpoint from;
    uint8_t msg[LEN];
    struct msg_cookie reply;
};

static void bench_init(struct bench *b)
{
    uint8_t public_key[32];
    b->seed = 1;
    b->rng = seeded_rng(&b->seed);
    b->now = (struct now){.mono = 50 * SEC};
    b->from = endpoint_of("192.0.2.7:4000");
    rng_fill(&b->rng, public_key, 32);
    rng_fill(&b->rng, b->msg, LEN);
    cookie_checker_init(&b->checker, public_key);
    cookie_maker_init(&b->maker, public_key);
}

static bool mac2_is_valid(struct bench *b)
{
    return cookie_mac2_is_valid(&b->checker, &b->rng, b->msg, LEN, &b->from, b->now);
}

static void give_cookie(struct bench *b)
{
    cookie_add_macs(&b->maker, b->msg, LEN, b->now);
    cookie_create_reply(&b->checker, &b->rng, &b->reply, b->msg + 4, b->msg, LEN, &b->from, b->now);
}

static void mac1_covers_every_byte_before_it(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    cookie_add_macs(&b.maker, b.msg, LEN, b.now);
    assert_true(cookie_mac1_is_valid(&b.checker, b.msg, LEN));
    for (size_t bit = 0; bit < LEN * 8; bit++) {
        b.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(cookie_mac1_is_valid(&b.checker, b.msg, LEN), bit / 8 >= LEN - 16);
        b.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void without_a_cookie_mac2_is_zero_and_invalid(void **state)
{
    (void)state;
    static const uint8_t zero[16];
    struct bench b;
    bench_init(&b);
    cookie_add_macs(&b.maker, b.msg, LEN, b.now);
    assert_memory_equal(b.msg + LEN - 16, zero, 16);
    assert_false(mac2_is_valid(&b));
}

static void a_cookie_makes_the_next_message_valid(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    give_cookie(&b);
    assert_int_equal(load_le32(b.reply.type), MSG_COOKIE);
    assert_memory_equal(b.reply.receiver, b.msg + 4, 4);
    assert_true(cookie_consume_reply(&b.maker, &b.reply, b.now));
    b.msg[20] ^= 1; /* another message */
    cookie_add_macs(&b.maker, b.msg, LEN, b.now);
    assert_true(cookie_mac1_is_valid(&b.checker, b.msg, LEN));
    assert_true(mac2_is_valid(&b));
    for (size_t bit = 0; bit < LEN * 8; bit++) {
        b.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(mac2_is_valid(&b));
        b.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_cookie_is_good_for_one_address_and_one_port(void **state)
{
    (void)state;
    static const char *const others[] = {"192.0.2.7:4001", "192.0.2.8:4000", "[2001:db8::1]:4000"};
    struct bench b;
    bench_init(&b);
    give_cookie(&b);
    assert_true(cookie_consume_reply(&b.maker, &b.reply, b.now));
    cookie_add_macs(&b.maker, b.msg, LEN, b.now);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        b.from = endpoint_of(others[i]);
        assert_false(mac2_is_valid(&b));
    }
    b.from = endpoint_of("192.0.2.7:4000");
    assert_true(mac2_is_valid(&b));
}

static void a_cookie_of_ipv6_depends_on_each_byte_of_the_address(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.from = endpoint_of("[2001:db8::1]:4000");
    give_cookie(&b);
    assert_true(cookie_consume_reply(&b.maker, &b.reply, b.now));
    cookie_add_macs(&b.maker, b.msg, LEN, b.now);
    assert_true(mac2_is_valid(&b));
    for (size_t i = 0; i < 16; i++) {
        b.from.addr.bytes[i] ^= 1;
        assert_false(mac2_is_valid(&b));
        b.from.addr.bytes[i] ^= 1;
    }
}

static void the_secret_changes_after_120_s(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    give_cookie(&b);
    assert_true(cookie_consume_reply(&b.maker, &b.reply, b.now));
    cookie_add_macs(&b.maker, b.msg, LEN, b.now);
    b.now.mono += 120 * SEC - 1;
    assert_true(mac2_is_valid(&b));
    b.now.mono += 1;
    assert_false(mac2_is_valid(&b));
}

static void a_cookie_is_used_for_115_s(void **state)
{
    (void)state;
    static const uint8_t zero[16];
    struct bench b;
    bench_init(&b);
    give_cookie(&b);
    assert_true(cookie_consume_reply(&b.maker, &b.reply, b.now));
    b.now.mono += 115 * SEC - 1;
    cookie_add_macs(&b.maker, b.msg, LEN, b.now);
    assert_memory_not_equal(b.msg + LEN - 16, zero, 16);
    b.now.mono += 1;
    cookie_add_macs(&b.maker, b.msg, LEN, b.now);
    assert_memory_equal(b.msg + LEN - 16, zero, 16);
}

static void a_reply_is_believed_once_and_only_for_the_last_mac1(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    give_cookie(&b);
    struct msg_cookie first = b.reply;
    assert_true(cookie_consume_reply(&b.maker, &first, b.now));
    assert_false(cookie_consume_reply(&b.maker, &first, b.now));

    b.msg[20] ^= 1;
    cookie_add_macs(&b.maker, b.msg, LEN, b.now);
    assert_false(cookie_consume_reply(&b.maker, &first, b.now));
}

static void a_reply_before_anything_was_sent_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    struct cookie_maker fresh = b.maker;
    give_cookie(&b);
    assert_false(cookie_consume_reply(&fresh, &b.reply, b.now));
}

static void each_flipped_bit_of_a_reply_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    give_cookie(&b);
    struct cookie_maker before = b.maker;
    uint8_t *bytes = b.reply.nonce;
    for (size_t bit = 0; bit < (24 + 32) * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(cookie_consume_reply(&b.maker, &b.reply, b.now));
        assert_memory_equal(&b.maker, &before, sizeof before);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(cookie_consume_reply(&b.maker, &b.reply, b.now));
}

static int set_up(void **state)
{
    (void)state;
    return suite_init() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(mac1_covers_every_byte_before_it),
        unit(without_a_cookie_mac2_is_zero_and_invalid),
        unit(a_cookie_makes_the_next_message_valid),
        unit(a_cookie_is_good_for_one_address_and_one_port),
        unit(a_cookie_of_ipv6_depends_on_each_byte_of_the_address),
        unit(the_secret_changes_after_120_s),
        unit(a_cookie_is_used_for_115_s),
        unit(a_reply_is_believed_once_and_only_for_the_last_mac1),
        unit(a_reply_before_anything_was_sent_is_refused),
        unit(each_flipped_bit_of_a_reply_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
