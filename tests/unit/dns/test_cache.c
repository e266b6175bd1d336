/* SPDX-License-Identifier: MIT */
#include "dns/cache.h"

#include <stdio.h>
#include <string.h>

#include "unit/test.h"

#include "base/err.h"
#include "unit/seeded.h"

static struct now at(uint64_t seconds)
{
    return (struct now){.mono = seconds * NS_PER_S};
}

static struct addr address(uint32_t n)
{
    struct addr a = {.family = FAMILY_V4};
    memcpy(a.bytes, &n, sizeof n);
    return a;
}

static void what_is_kept_is_found_until_its_ttl_is_over(void **state)
{
    (void)state;
    struct cache c;
    cache_init(&c, 4);
    struct addr a[2] = {address(1), address(2)};
    cache_store(&c, "www.example", FAMILY_V4, 0, a, 2, 30, at(100));
    const struct cache_entry *e = cache_lookup(&c, "www.example", FAMILY_V4, at(100));
    assert_non_null(e);
    assert_int_equal(e->err, 0);
    assert_int_equal(e->n, 2);
    assert_true(addr_equal(&e->addrs[1], &a[1]));
    struct now last = at(130);
    last.mono--;
    assert_non_null(cache_lookup(&c, "www.example", FAMILY_V4, last));
    assert_null(cache_lookup(&c, "www.example", FAMILY_V4, at(130)));
    assert_int_equal(c.n, 0);
    cache_fini(&c);
}

static void families_and_names_are_kept_apart(void **state)
{
    (void)state;
    struct cache c;
    cache_init(&c, 4);
    struct addr a = address(1);
    cache_store(&c, "www.example", FAMILY_V4, 0, &a, 1, 30, at(1));
    cache_store(&c, "www.example", FAMILY_V6, ERR_NO_DATA, NULL, 0, 30, at(1));
    assert_null(cache_lookup(&c, "www.exampl", FAMILY_V4, at(1)));
    assert_null(cache_lookup(&c, "www.example.com", FAMILY_V4, at(1)));
    assert_int_equal(cache_lookup(&c, "www.example", FAMILY_V4, at(1))->err, 0);
    assert_int_equal(cache_lookup(&c, "www.example", FAMILY_V6, at(1))->err, ERR_NO_DATA);
    cache_fini(&c);
}

static void ttls_are_clamped(void **state)
{
    (void)state;
    static const struct {
        int err;
        uint32_t ttl, kept;
    } cases[] = {
        {0, 86399, 86399},        {0, 86400, 86400},
        {0, 86401, 86400},        {0, INT32_MAX, 86400},
        {ERR_NO_NAME, 59, 59},    {ERR_NO_NAME, 61, 60},
        {ERR_NO_DATA, 86400, 60}, {0, 1, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cache c;
        struct addr a = address(1);
        cache_init(&c, 4);
        cache_store(&c, "x", FAMILY_V4, cases[i].err, &a, cases[i].err == 0, cases[i].ttl, at(7));
        assert_non_null(cache_lookup(&c, "x", FAMILY_V4, at(7 + cases[i].kept - 1)));
        assert_null(cache_lookup(&c, "x", FAMILY_V4, at(7 + cases[i].kept)));
        cache_fini(&c);
    }
}

static void a_ttl_of_zero_takes_away_what_was_known(void **state)
{
    (void)state;
    struct cache c;
    struct addr a = address(1);
    cache_init(&c, 4);
    cache_store(&c, "x", FAMILY_V4, 0, &a, 1, 30, at(1));
    cache_store(&c, "x", FAMILY_V4, 0, &a, 1, 0, at(2));
    assert_null(cache_lookup(&c, "x", FAMILY_V4, at(2)));
    cache_fini(&c);
}

static void the_one_not_used_for_longest_makes_room(void **state)
{
    (void)state;
    struct cache c;
    struct addr a = address(1);
    cache_init(&c, 3);
    cache_store(&c, "a", FAMILY_V4, 0, &a, 1, 30, at(1));
    cache_store(&c, "b", FAMILY_V4, 0, &a, 1, 30, at(1));
    cache_store(&c, "c", FAMILY_V4, 0, &a, 1, 30, at(1));
    assert_non_null(cache_lookup(&c, "a", FAMILY_V4, at(2)));
    cache_store(&c, "d", FAMILY_V4, 0, &a, 1, 30, at(2));
    assert_int_equal(c.n, 3);
    assert_null(cache_lookup(&c, "b", FAMILY_V4, at(2)));
    assert_non_null(cache_lookup(&c, "a", FAMILY_V4, at(2)));
    assert_non_null(cache_lookup(&c, "c", FAMILY_V4, at(2)));
    assert_non_null(cache_lookup(&c, "d", FAMILY_V4, at(2)));
    cache_fini(&c);
}

/* The slow and obvious cache: an array in order of use. */
#define MODEL_MAX 16

struct model_entry {
    unsigned name;
    enum family family;
    uint64_t expires;
    uint32_t value;
};

struct model {
    struct model_entry entries[MODEL_MAX];
    size_t n;
};

static void model_remove(struct model *m, size_t i)
{
    memmove(&m->entries[i], &m->entries[i + 1], (m->n - i - 1) * sizeof m->entries[0]);
    m->n--;
}

static size_t model_find(const struct model *m, unsigned name, enum family family)
{
    size_t i = 0;
    while (i < m->n && (m->entries[i].name != name || m->entries[i].family != family)) {
        i++;
    }
    return i;
}

static bool model_lookup(struct model *m, unsigned name, enum family family, uint32_t *value,
                         struct now now)
{
    size_t i = model_find(m, name, family);
    if (i == m->n) {
        return false;
    }
    struct model_entry e = m->entries[i];
    model_remove(m, i);
    if (e.expires <= now.mono) {
        return false;
    }
    m->entries[m->n++] = e;
    *value = e.value;
    return true;
}

static void model_store(struct model *m, unsigned name, enum family family, uint32_t value,
                        uint32_t ttl, struct now now)
{
    size_t i = model_find(m, name, family);
    if (i < m->n) {
        model_remove(m, i);
    }
    if (ttl == 0) {
        return;
    }
    if (m->n == MODEL_MAX) {
        model_remove(m, 0);
    }
    m->entries[m->n++] = (struct model_entry){
        .name = name, .family = family, .value = value, .expires = now.mono + ttl * NS_PER_S};
}

static void the_cache_agrees_with_a_slow_model(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct rng rng = seeded_rng(&seed);
    struct cache c;
    struct model m = {.n = 0};
    struct now now = at(50);
    unsigned hits = 0, misses = 0;
    cache_init(&c, MODEL_MAX);
    for (unsigned i = 0; i < 100000; i++) {
        char name[16];
        unsigned which = rng_below(&rng, 24);
        enum family family = rng_below(&rng, 4) == 0 ? FAMILY_V6 : FAMILY_V4;
        snprintf(name, sizeof name, "n%u.example", which);
        now.mono += rng_below(&rng, 2) * NS_PER_S;
        if (rng_below(&rng, 3) == 0) {
            struct addr a = address(i);
            uint32_t ttl = rng_below(&rng, 40);
            cache_store(&c, name, family, 0, &a, 1, ttl, now);
            model_store(&m, which, family, i, ttl, now);
        } else {
            uint32_t value;
            bool known = model_lookup(&m, which, family, &value, now);
            const struct cache_entry *e = cache_lookup(&c, name, family, now);
            assert_int_equal(e != NULL, known);
            if (known) {
                struct addr a = address(value);
                assert_true(addr_equal(&e->addrs[0], &a));
            }
            hits += known;
            misses += !known;
        }
        assert_int_equal(c.n, m.n);
        assert_true(c.n <= MODEL_MAX);
    }
    assert_true(hits > 5000 && misses > 5000);
    cache_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_found_until_its_ttl_is_over),
        cmocka_unit_test(families_and_names_are_kept_apart),
        cmocka_unit_test(ttls_are_clamped),
        cmocka_unit_test(a_ttl_of_zero_takes_away_what_was_known),
        cmocka_unit_test(the_one_not_used_for_longest_makes_room),
        cmocka_unit_test(the_cache_agrees_with_a_slow_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
