/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <string.h>

#include "unit/test.h"

static const struct {
    const char *in;
    const char *out; /* NULL: refused */
} addresses[] = {
    {"1.2.3.4", "1.2.3.4"},
    {"255.255.255.255", "255.255.255.255"},
    {"::1", "::1"},
    {"FD00::A", "fd00::a"},
    {"::ffff:10.0.0.1", "10.0.0.1"},
    {"1.2.3", NULL},
    {"1.2.3.256", NULL},
    {"01.2.3.4", NULL},
    {" 1.2.3.4", NULL},
    {"1.2.3.4 ", NULL},
    {"1.2.3.4/32", NULL},
    {"fe80::1%eth0", NULL},
    {"", NULL},
    {"localhost", NULL},
};

static void address_text_is_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        struct addr a;
        char text[ADDR_TEXT];
        bool ok = addr_parse(&a, addresses[i].in);
        assert_int_equal(ok, addresses[i].out != NULL);
        if (ok) {
            assert_string_equal(addr_format(&a, text), addresses[i].out);
        }
    }
}

static const struct {
    const char *in;
    const char *out;
} prefixes[] = {
    {"10.0.0.0/8", "10.0.0.0/8"},
    {"10.0.0.1", "10.0.0.1/32"},
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"::/0", "::/0"},
    {"fd00::1/128", "fd00::1/128"},
    {"fd00::1", "fd00::1/128"},
    {"10.0.0.0/33", NULL},
    {"fd00::/129", NULL},
    {"10.0.0.0/", NULL},
    {"10.0.0.0/-1", NULL},
    {"10.0.0.0/+8", NULL},
    {"10.0.0.0/ 8", NULL},
    {"10.0.0.0/8/8", NULL},
    {"10.0.0.0/4294967304", NULL},
    {"/8", NULL},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/8", NULL},
};

static void prefix_text_is_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        struct prefix p;
        char text[PREFIX_TEXT];
        bool ok = prefix_parse(&p, prefixes[i].in);
        assert_int_equal(ok, prefixes[i].out != NULL);
        if (ok) {
            assert_string_equal(prefix_format(&p, text), prefixes[i].out);
        }
    }
}

/* The slow model: compare bit by bit. */
static bool contains_by_bits(const struct prefix *p, const struct addr *a)
{
    if (p->addr.family != a->family) {
        return false;
    }
    for (unsigned i = 0; i < p->len; i++) {
        if (((p->addr.bytes[i / 8] ^ a->bytes[i / 8]) >> (7 - i % 8)) & 1) {
            return false;
        }
    }
    return true;
}

static void prefix_contains_what_its_bits_say(void **state)
{
    (void)state;
    struct addr base;
    assert_true(addr_parse(&base, "fd12:3456:789a:bcde:f012:3456:789a:bcde"));
    for (unsigned len = 0; len <= 128; len++) {
        struct prefix p = {.addr = base, .len = (uint8_t)len};
        for (unsigned flip = 0; flip < 128; flip++) {
            struct addr a = base;
            a.bytes[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
            assert_int_equal(prefix_contains(&p, &a), contains_by_bits(&p, &a));
        }
        assert_true(prefix_contains(&p, &base));
    }
    struct prefix all_v4;
    assert_true(prefix_parse(&all_v4, "0.0.0.0/0"));
    assert_false(prefix_contains(&all_v4, &base));
}

static const struct {
    const char *in;
    const char *host; /* NULL: refused */
    unsigned port;
} hostports[] = {
    {"example.org:51820", "example.org", 51820},
    {"1.2.3.4:0", "1.2.3.4", 0},
    {"[::1]:65535", "::1", 65535},
    {"::1:80", NULL, 0},
    {"[::1]", NULL, 0},
    {"[::1:80", NULL, 0},
    {"[]:80", NULL, 0},
    {":80", NULL, 0},
    {"host", NULL, 0},
    {"host:", NULL, 0},
    {"host:65536", NULL, 0},
    {"host:4294972296", NULL, 0}, /* 5000 + 2^32 */
    {"host:+80", NULL, 0},
    {"host:80 ", NULL, 0},
    {"a-name-that-is-longer-than-the-room:80", NULL, 0},
};

static void host_and_port_are_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hostports); i++) {
        char host[20];
        uint16_t port;
        bool ok = hostport_split(hostports[i].in, host, sizeof host, &port);
        assert_int_equal(ok, hostports[i].host != NULL);
        if (ok) {
            assert_string_equal(host, hostports[i].host);
            assert_int_equal(port, hostports[i].port);
        }
    }
}

static void endpoint_text_survives_the_round_trip(void **state)
{
    (void)state;
    static const char *const good[] = {"1.2.3.4:80", "[fd00::1]:51820", "0.0.0.0:0"};
    static const char *const bad[] = {"name:80", "[1.2.3.4]:80", "1.2.3.4", "", "[fd00::1%1]:80"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct endpoint e;
        char text[ENDPOINT_TEXT];
        assert_true(endpoint_parse(&e, good[i]));
        assert_string_equal(endpoint_format(&e, text), good[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct endpoint e;
        assert_false(endpoint_parse(&e, bad[i]));
    }
}

static void longest_texts_fit(void **state)
{
    (void)state;
    char addr[ADDR_TEXT], ep[ENDPOINT_TEXT], pre[PREFIX_TEXT];
    uint8_t ones[16];
    memset(ones, 0xee, sizeof ones);
    struct endpoint e = {
        .addr = addr_from_bytes(FAMILY_V6, ones), .port = 65535, .scope = UINT32_MAX};
    struct prefix p = {.addr = e.addr, .len = 128};
    assert_int_equal(strlen(addr_format(&e.addr, addr)), 39);
    assert_string_equal(endpoint_format(&e, ep),
                        "[eeee:eeee:eeee:eeee:eeee:eeee:eeee:eeee%4294967295]:65535");
    assert_string_equal(prefix_format(&p, pre), "eeee:eeee:eeee:eeee:eeee:eeee:eeee:eeee/128");
}

static void kinds_of_address_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback, multicast, unspecified;
    } rows[] = {
        {"127.0.0.1", true, false, false},
        {"127.255.0.9", true, false, false},
        {"::1", true, false, false},
        {"224.0.0.1", false, true, false},
        {"239.255.255.255", false, true, false},
        {"240.0.0.1", false, false, false},
        {"ff02::1", false, true, false},
        {"0.0.0.0", false, false, true},
        {"::", false, false, true},
        {"10.0.0.1", false, false, false},
        {"fd00::1", false, false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct addr a;
        assert_true(addr_parse(&a, rows[i].text));
        assert_int_equal(addr_is_loopback(&a), rows[i].loopback);
        assert_int_equal(addr_is_multicast(&a), rows[i].multicast);
        assert_int_equal(addr_is_unspecified(&a), rows[i].unspecified);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_text_is_read_and_written),
        cmocka_unit_test(prefix_text_is_read_and_written),
        cmocka_unit_test(prefix_contains_what_its_bits_say),
        cmocka_unit_test(host_and_port_are_split),
        cmocka_unit_test(endpoint_text_survives_the_round_trip),
        cmocka_unit_test(longest_texts_fit),
        cmocka_unit_test(kinds_of_address_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
