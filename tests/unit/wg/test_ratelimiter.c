/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/ratelimiter.h"
#include "wg/suite.h"
#include "world.h"

struct bench {
    struct ratelimiter limiter;
    uint64_t seed;
    struct now now;
};

static void bench_init(struct bench *b)
{
    b->seed = 1;
    struct rng rng = seeded_rng(&b->seed);
    b->now = (struct now){.mono = 5 * SEC};
    ratelimiter_init(&b->limiter, &rng);
}

static bool ask(struct bench *b, const char *text)
{
    struct addr a = addr_of(text);
    return ratelimiter_allow(&b->limiter, &a, b->now);
}

/* The kernel's program: five at once, none; one after 50 ms, none; two after 100 ms, none. */
static void eleven_steps_of_the_kernels_program_hold_for_each_kind_of_source(void **state)
{
    (void)state;
    static const struct {
        uint64_t wait;
        bool allowed;
    } steps[] = {
        {0, true},       {0, true},  {0, true},        {0, true}, {0, true},  {0, false},
        {50 * MS, true}, {0, false}, {100 * MS, true}, {0, true}, {0, false},
    };
    /* neighbours of IPv4 have a bucket each; a /64 of IPv6 has one, the next /64 another */
    static const char *const sources[] = {"255.1.1.1", "255.1.1.2", "fd00:1:2:3::1",
                                          "fd00:1:2:4::1"};
    struct bench b;
    bench_init(&b);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        b.now.mono += steps[i].wait;
        for (size_t k = 0; k < ARRAY_SIZE(sources); k++) {
            assert_int_equal(ask(&b, sources[k]), steps[i].allowed);
        }
    }
    ratelimiter_fini(&b.limiter);
}

static void one_slash_64_shares_a_bucket(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    for (int i = 0; i < RATELIMITER_BURST; i++) {
        assert_true(ask(&b, i % 2 == 0 ? "fd00::1" : "fd00::ffff:1"));
    }
    assert_false(ask(&b, "fd00::2"));
    assert_true(ask(&b, "fd00:0:0:1::2"));
    ratelimiter_fini(&b.limiter);
}

static void an_ipv4_address_and_the_ipv6_network_of_the_same_number_are_two(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    for (int i = 0; i < RATELIMITER_BURST; i++) {
        assert_true(ask(&b, "0.0.0.1"));
    }
    assert_false(ask(&b, "0.0.0.1"));
    assert_true(ask(&b, "0:0:0:1::"));
    ratelimiter_fini(&b.limiter);
}

static struct addr numbered(uint32_t n)
{
    struct addr a = {.family = FAMILY_V4};
    a.bytes[0] = (uint8_t)(n >> 24);
    a.bytes[1] = (uint8_t)(n >> 16);
    a.bytes[2] = (uint8_t)(n >> 8);
    a.bytes[3] = (uint8_t)n;
    return a;
}

static void the_65537th_source_within_a_second_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    for (uint32_t n = 0; n < RATELIMITER_ENTRIES; n++) {
        struct addr a = numbered(n);
        assert_true(ratelimiter_allow(&b.limiter, &a, b.now));
    }
    struct addr late = numbered(RATELIMITER_ENTRIES);
    assert_false(ratelimiter_allow(&b.limiter, &late, b.now));
    b.now.mono += SEC - 1;
    assert_false(ratelimiter_allow(&b.limiter, &late, b.now));

    /* a second on, those who went silent make room; those who did not keep their place */
    struct addr busy = numbered(0);
    assert_true(ratelimiter_allow(&b.limiter, &busy, b.now));
    b.now.mono += 1;
    for (uint32_t n = 1; n < RATELIMITER_ENTRIES; n++) {
        struct addr a = numbered(RATELIMITER_ENTRIES + n);
        assert_true(ratelimiter_allow(&b.limiter, &a, b.now));
    }
    assert_false(ratelimiter_allow(&b.limiter, &late, b.now));
    for (int i = 1; i < RATELIMITER_BURST; i++) {
        assert_true(ratelimiter_allow(&b.limiter, &busy, b.now));
    }
    assert_false(ratelimiter_allow(&b.limiter, &busy, b.now));
    ratelimiter_fini(&b.limiter);
}

static void nothing_is_allocated_before_the_first_question(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    assert_null(b.limiter.entries);
    ratelimiter_fini(&b.limiter);
}

static int set_up(void **state)
{
    (void)state;
    return suite_init() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(eleven_steps_of_the_kernels_program_hold_for_each_kind_of_source),
        unit(one_slash_64_shares_a_bucket),
        unit(an_ipv4_address_and_the_ipv6_network_of_the_same_number_are_two),
        unit(the_65537th_source_within_a_second_is_refused),
        unit(nothing_is_allocated_before_the_first_question),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
