/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/err.h"
#include "routes.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table never looks into a peer: any distinct pointers serve. */
enum { PEERS = 40 };
static char peers[PEERS];

static struct wg_peer *peer(unsigned i)
{
    return (struct wg_peer *)(void *)&peers[i];
}

static void insert(struct allowedips *a, const char *prefix, unsigned who)
{
    struct prefix p = prefix_of(prefix);
    assert_int_equal(allowedips_insert(a, &p, peer(who), NULL), 0);
}

static int owner(const struct allowedips *a, const char *text)
{
    struct addr addr = addr_of(text);
    struct wg_peer *found = allowedips_lookup(a, &addr);
    return found == NULL ? -1 : (int)((char *)(void *)found - peers);
}

static void the_longest_prefix_wins(void **state)
{
    (void)state;
    static const struct {
        const char *prefix;
        unsigned who;
    } table[] = {
        {"192.168.4.0/24", 0},
        {"192.168.4.4/32", 1},
        {"192.168.0.0/16", 2},
        {"192.95.5.64/27", 3},
        {"192.95.5.65/27", 2},
        {"0.0.0.0/0", 4},
        {"64.15.112.0/20", 5},
        {"64.15.123.211/25", 6},
        {"10.0.0.0/25", 0},
        {"10.0.0.128/25", 1},
        {"10.1.0.0/30", 0},
        {"10.1.0.4/30", 1},
        {"10.1.0.8/29", 2},
        {"10.1.0.16/29", 3},
        {"2607:5300:60:6b00::c05f:543/128", 3},
        {"2607:5300:60:6b00::/64", 2},
        {"::/0", 4},
        {"2607::/32", 6},
        {"2404:6800:4004:800::/64", 5},
        {"fd00:1234::/127", 7},
        {"fd00:1234::2/128", 8},
    };
    static const struct {
        const char *addr;
        int owner;
    } questions[] = {
        {"192.168.4.20", 0},
        {"192.168.4.0", 0},
        {"192.168.4.4", 1},
        {"192.168.200.182", 2},
        {"192.95.5.68", 2},
        {"192.95.5.96", 4},
        {"64.15.116.26", 5},
        {"64.15.127.3", 5},
        {"64.15.123.128", 6},
        {"64.15.123.127", 5},
        {"10.0.0.52", 0},
        {"10.0.0.220", 1},
        {"10.1.0.2", 0},
        {"10.1.0.6", 1},
        {"10.1.0.10", 2},
        {"10.1.0.20", 3},
        {"10.1.0.24", 4},
        {"255.255.255.255", 4},
        {"2607:5300:60:6b00::c05f:543", 3},
        {"2607:5300:60:6b00::c02e:1ee", 2},
        {"2607:5300:60:6b01::", 4},
        {"2607::1", 6},
        {"2608::", 4},
        {"2404:6800:4004:806::1006", 4},
        {"2404:6800:4004:800::1234", 5},
        {"fd00:1234::1", 7},
        {"fd00:1234::2", 8},
        {"fd00:1234::3", 4},
    };
    struct allowedips a;
    allowedips_init(&a);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        insert(&a, table[i].prefix, table[i].who);
    }
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        if (owner(&a, questions[i].addr) != questions[i].owner) {
            fail_msg("%s belongs to %d, not to %d", questions[i].addr, questions[i].owner,
                     owner(&a, questions[i].addr));
        }
    }
    allowedips_fini(&a);
}

static void an_empty_table_owns_nothing(void **state)
{
    (void)state;
    struct allowedips a;
    allowedips_init(&a);
    assert_int_equal(owner(&a, "0.0.0.0"), -1);
    assert_int_equal(owner(&a, "::"), -1);
    allowedips_fini(&a);
}

static void the_families_do_not_mix(void **state)
{
    (void)state;
    struct allowedips a;
    allowedips_init(&a);
    insert(&a, "0.0.0.0/0", 1);
    assert_int_equal(owner(&a, "::1"), -1);
    insert(&a, "::/0", 2);
    assert_int_equal(owner(&a, "0.0.0.1"), 1);
    assert_int_equal(owner(&a, "::1"), 2);
    allowedips_fini(&a);
}

static void a_prefix_has_one_owner_the_later_one(void **state)
{
    (void)state;
    struct allowedips a;
    struct prefix p = prefix_of("10.0.0.0/8");
    struct wg_peer *had;
    allowedips_init(&a);
    assert_int_equal(allowedips_insert(&a, &p, peer(1), &had), 0);
    assert_null(had);
    assert_int_equal(allowedips_insert(&a, &p, peer(2), &had), 0);
    assert_ptr_equal(had, peer(1));
    assert_int_equal(owner(&a, "10.1.1.1"), 2);
    allowedips_remove_peer(&a, peer(1));
    assert_int_equal(owner(&a, "10.1.1.1"), 2);
    allowedips_remove_peer(&a, peer(2));
    assert_int_equal(owner(&a, "10.1.1.1"), -1);
    assert_null(a.root_v4);
    allowedips_fini(&a);
}

static void bits_beyond_the_length_do_not_count(void **state)
{
    (void)state;
    struct allowedips a;
    allowedips_init(&a);
    insert(&a, "10.99.99.99/8", 1);
    insert(&a, "10.1.2.3/8", 2);
    assert_int_equal(owner(&a, "10.200.0.1"), 2);
    allowedips_fini(&a);
}

static void a_length_that_is_none_is_refused(void **state)
{
    (void)state;
    struct allowedips a;
    allowedips_init(&a);
    struct prefix bad[] = {prefix_of("1.2.3.4/32"), prefix_of("::1/128"), {.len = 0}};
    bad[0].len = 33;
    bad[1].len = 129;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(allowedips_insert(&a, &bad[i], peer(0), NULL), ERR_INVALID);
    }
    assert_null(a.root_v4);
    assert_null(a.root_v6);
    allowedips_fini(&a);
}

static void prefixes_of_every_length_nest(void **state)
{
    (void)state;
    struct allowedips a;
    allowedips_init(&a);
    for (unsigned len = 0; len <= 128; len++) {
        struct prefix p = {.addr = addr_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                           .len = (uint8_t)len};
        assert_int_equal(allowedips_insert(&a, &p, peer(len % PEERS), NULL), 0);
    }
    for (unsigned len = 0; len < 128; len++) {
        struct addr x = addr_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        x.bytes[len / 8] ^= (uint8_t)(0x80 >> len % 8); /* shares exactly `len` bits */
        assert_ptr_equal(allowedips_lookup(&a, &x), peer(len % PEERS));
    }
    allowedips_fini(&a);
}

/* ---- the slow model: a list of prefixes, all looked at ---- */

static struct addr random_addr(const struct rng *rng, const struct routes *m)
{
    struct addr a = {.family = rng_below(rng, 2) ? FAMILY_V4 : FAMILY_V6};
    if (m->n > 0 && rng_below(rng, 10) > 0) {
        a = m->prefix[rng_below(rng, m->n)].addr; /* a mutation of one that is there */
        unsigned bit = rng_below(rng, (uint32_t)addr_len(&a) * 8);
        a.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    } else {
        rng_fill(rng, a.bytes, addr_len(&a));
    }
    return a;
}

static void compare(const struct allowedips *a, const struct routes *m, const struct rng *rng,
                    unsigned questions)
{
    for (unsigned i = 0; i < questions; i++) {
        struct addr x = random_addr(rng, m);
        assert_ptr_equal(allowedips_lookup(a, &x), routes_lookup(m, &x));
    }
}

static void random_tables_answer_as_a_list_of_all_prefixes_would(void **state)
{
    (void)state;
    struct routes *m = malloc(sizeof *m);
    assert_non_null(m);
    const char *wanted = getenv("WGPROXY_ALLOWEDIPS_LOOKUPS"); /* 10 million take about a minute */
    unsigned questions = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) / 12300 : 40;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        uint64_t rng_state = seed;
        struct rng rng = seeded_rng(&rng_state);
        struct allowedips a;
        allowedips_init(&a);
        m->n = 0;
        while (m->n < ROUTES_MAX) {
            struct prefix p = {.addr = random_addr(&rng, m)};
            p.len = (uint8_t)rng_below(&rng, (uint32_t)addr_len(&p.addr) * 8 + 1);
            struct wg_peer *who = peer(rng_below(&rng, PEERS));
            routes_insert(m, &p, who);
            assert_int_equal(allowedips_insert(&a, &p, who, NULL), 0);
            compare(&a, m, &rng, questions);
        }
        for (unsigned i = 0; i < PEERS; i++) {
            routes_remove_peer(m, peer(i));
            allowedips_remove_peer(&a, peer(i));
            compare(&a, m, &rng, questions);
        }
        assert_null(a.root_v4);
        assert_null(a.root_v6);
        allowedips_fini(&a);
    }
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(the_longest_prefix_wins),
        unit(an_empty_table_owns_nothing),
        unit(the_families_do_not_mix),
        unit(a_prefix_has_one_owner_the_later_one),
        unit(bits_beyond_the_length_do_not_count),
        unit(a_length_that_is_none_is_refused),
        unit(prefixes_of_every_length_nest),
        unit(random_tables_answer_as_a_list_of_all_prefixes_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
