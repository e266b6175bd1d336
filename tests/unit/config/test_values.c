/* SPDX-License-Identifier: MIT */
#include "config/values.h"

#include <stdio.h>
#include <string.h>

#include "unit/config/heard.h"
#include "unit/test.h"

/* A parser under test, told only whether it takes a text and why not. */
typedef const char *judge_fn(const char *text);

struct row {
    const char *text;
    const char *why; /* NULL: taken */
};

static void assert_judged(judge_fn *judge, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *why = judge(rows[i].text);
        if ((why == NULL) != (rows[i].why == NULL)) {
            print_error("row %zu: \"%s\": %s\n", i, rows[i].text, why != NULL ? why : "taken");
        }
        assert_int_equal(why == NULL, rows[i].why == NULL);
        if (why != NULL) {
            assert_string_equal(why, rows[i].why);
        }
    }
}

static const char *judge_key(const char *text)
{
    static char why[WHY_SIZE];
    uint8_t key[KEY_LEN];
    return value_key(key, text, why);
}

static const char *judge_preshared_key(const char *text)
{
    static char why[WHY_SIZE];
    uint8_t key[KEY_LEN];
    return value_preshared_key(key, text, why);
}

#define FOUND(n) "not a key: must be 44 characters of base64 (found " n ")"
#define NOT_BASE64 "not a key: 44 characters, but not the base64 of 32 bytes"

static const struct row keys[] = {
    {PRIVATE_KEY, NULL},
    {"oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQM", FOUND("43")},
    {PRIVATE_KEY "=", FOUND("45")},
    {"x", FOUND("1")},
    {"oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQM ", NOT_BASE64},
    {"oK56DE9Ue9zK76rAc8pBl6opph-1v36lm7cXXsQKrQM=", NOT_BASE64},
    {"oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQN=", NOT_BASE64},
};

static void a_key_is_44_characters_of_base64(void **state)
{
    (void)state;
    assert_judged(judge_key, keys, ARRAY_SIZE(keys));
    assert_judged(judge_preshared_key, keys, ARRAY_SIZE(keys));
}

static void only_a_preshared_key_may_be_zero(void **state)
{
    (void)state;
    assert_string_equal(judge_key(ZERO_KEY), "not a key: it is all zero");
    assert_null(judge_preshared_key(ZERO_KEY));
}

static void a_refused_key_leaves_zeros(void **state)
{
    (void)state;
    static const uint8_t zero[KEY_LEN];
    uint8_t key[KEY_LEN];
    char why[WHY_SIZE];
    memset(key, 0xaa, sizeof key);
    assert_non_null(value_key(key, "oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQN=", why));
    assert_memory_equal(key, zero, KEY_LEN);
}

static const char *judge_prefix(const char *text)
{
    struct prefix p;
    return value_prefix(&p, text);
}

#define NO_PREFIX "must be an IP address or a network such as 10.0.0.0/8"

static const struct row prefixes[] = {
    {"10.0.0.0/8", NULL},
    {"0.0.0.0/0", NULL},
    {"10.0.0.0/32", NULL},
    {"::/0", NULL},
    {"2001:db8::/128", NULL},
    {"10.0.0.0/33", "prefix length must be 0 to 32"},
    {"10.0.0.0/-1", "prefix length must be 0 to 32"},
    {"10.0.0.0/", "prefix length must be 0 to 32"},
    {"10.0.0.0/0x8", "prefix length must be 0 to 32"},
    {"10.0.0.0/4294967304", "prefix length must be 0 to 32"},
    {"10.0.0.0/255.0.0.0", "prefix length must be 0 to 32"},
    {"2001:db8::/129", "prefix length must be 0 to 128"},
    {"+10.0.0.0/8", "the file states the whole list: write it without + or -"},
    {"-10.0.0.0/8", "the file states the whole list: write it without + or -"},
    {"::ffff:10.0.0.0/104", "is IPv4 in the clothes of IPv6: write it as IPv4"},
    {"10.0.0", NO_PREFIX},
    {"/8", NO_PREFIX},
    {"host.example/32", NO_PREFIX},
    {"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8", NO_PREFIX},
};

static void a_prefix_is_an_address_and_a_length(void **state)
{
    (void)state;
    assert_judged(judge_prefix, prefixes, ARRAY_SIZE(prefixes));
}

static void a_bare_address_is_a_prefix_of_full_length(void **state)
{
    (void)state;
    struct prefix p;
    assert_null(value_prefix(&p, "10.0.0.1"));
    assert_int_equal(p.len, 32);
    assert_null(value_prefix(&p, "fd00::1"));
    assert_int_equal(p.len, 128);
}

static const char *judge_address(const char *text)
{
    struct prefix p;
    return value_address(&p, text);
}

#define NO_HOST "cannot be the address of a host in the tunnel"

static const struct row addresses[] = {
    {"10.0.0.2/24", NULL},
    {"fd00::2", NULL},
    {"fe80::2/64", NULL},
    {"0.0.0.0/0", NO_HOST},
    {"::", NO_HOST},
    {"224.0.0.1", NO_HOST},
    {"ff02::1", NO_HOST},
    {"255.255.255.255", NO_HOST},
    {"127.0.0.1/8", NO_HOST},
    {"::1", NO_HOST},
    {"10.0.0.2/33", "prefix length must be 0 to 32"},
};

static void an_address_belongs_to_one_host(void **state)
{
    (void)state;
    assert_judged(judge_address, addresses, ARRAY_SIZE(addresses));
}

static const char *judge_mtu(const char *text)
{
    uint16_t v;
    return value_mtu(&v, text);
}

#define NO_MTU "must be 576 to 65535"

static const struct row mtus[] = {
    {"576", NULL},     {"1420", NULL},    {"65535", NULL},   {"575", NO_MTU},
    {"65536", NO_MTU}, {"0", NO_MTU},     {"-1420", NO_MTU}, {"+1420", NO_MTU},
    {"0x58c", NO_MTU}, {"1420 ", NO_MTU}, {"auto", NO_MTU},  {"99999999999999999999", NO_MTU},
};

static void the_mtu_is_in_its_range(void **state)
{
    (void)state;
    assert_judged(judge_mtu, mtus, ARRAY_SIZE(mtus));
}

static const char *judge_keepalive(const char *text)
{
    uint16_t v;
    return value_keepalive(&v, text);
}

#define NO_KEEPALIVE "must be 0 to 65535 seconds, or off"

static const struct row keepalives[] = {
    {"25", NULL},         {"0", NULL},           {"65535", NULL},
    {"off", NULL},        {"OFF", NULL},         {"65536", NO_KEEPALIVE},
    {"-1", NO_KEEPALIVE}, {"25s", NO_KEEPALIVE}, {"on", NO_KEEPALIVE},
};

static void keepalive_is_seconds_or_off(void **state)
{
    (void)state;
    uint16_t v = 7;
    assert_judged(judge_keepalive, keepalives, ARRAY_SIZE(keepalives));
    assert_null(value_keepalive(&v, "off"));
    assert_int_equal(v, 0);
}

static const char *judge_yes_no(const char *text)
{
    bool v;
    return value_yes_no(&v, text);
}

static const struct row yes_nos[] = {
    {"yes", NULL},
    {"No", NULL},
    {"TRUE", NULL},
    {"false", NULL},
    {"on", NULL},
    {"off", NULL},
    {"1", NULL},
    {"0", NULL},
    {"y", "must be yes or no"},
    {"2", "must be yes or no"},
};

static void yes_and_no_have_several_words(void **state)
{
    (void)state;
    bool v = false;
    assert_judged(judge_yes_no, yes_nos, ARRAY_SIZE(yes_nos));
    assert_null(value_yes_no(&v, "Yes"));
    assert_true(v);
    assert_null(value_yes_no(&v, "No"));
    assert_false(v);
}

static void servers_of_dns_are_told_from_search_domains_as_in_wg_quick(void **state)
{
    (void)state;
    assert_true(value_is_dns_server("1.1.1.1"));
    assert_true(value_is_dns_server("1.1.1")); /* and then refused */
    assert_true(value_is_dns_server("fd00::1"));
    assert_false(value_is_dns_server("corp.lan"));
    assert_false(value_is_dns_server("1password.com"));
}

static const char *judge_dns_server(const char *text)
{
    struct addr a;
    return value_dns_server(&a, text);
}

static const struct row dns_servers[] = {
    {"1.1.1.1", NULL},
    {"fd00::53", NULL},
    {"127.0.0.1", NULL}, /* it is an address; that it is of no use is said elsewhere */
    {"1.1.1", "must be an IP address or a search domain"},
    {"1.1.1.1:53", "must be an IP address or a search domain"},
    {"0.0.0.0", "cannot be the address of a DNS server"},
    {"ff02::fb", "cannot be the address of a DNS server"},
};

static void a_dns_server_is_an_address(void **state)
{
    (void)state;
    assert_judged(judge_dns_server, dns_servers, ARRAY_SIZE(dns_servers));
}

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-123456789"
#define NO_SEARCH "must be an IP address or a search domain"

static const struct row search_domains[] = {
    {"corp.lan", NULL},
    {"lan", NULL},
    {"corp.lan.", NULL},
    {"_msdcs.corp", NULL},
    {LABEL_63 ".x", NULL},
    {LABEL_63 "0.x", NO_SEARCH},
    {"", NO_SEARCH},
    {".", NO_SEARCH},
    {"..", NO_SEARCH},
    {".lan", NO_SEARCH},
    {"a..b", NO_SEARCH},
    {"corp lan", NO_SEARCH},
    {"corp!", NO_SEARCH},
    {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, NO_SEARCH}, /* 255 */
    {LABEL_63 "." LABEL_63 "." LABEL_63 "."                       /* 253 */
              "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-1234567",
     NULL},
};

static void a_search_domain_is_a_name(void **state)
{
    (void)state;
    assert_judged(value_search_domain, search_domains, ARRAY_SIZE(search_domains));
}

static const char *judge_endpoint(const char *text)
{
    char host[HOST_SIZE];
    uint16_t port;
    return value_endpoint(host, &port, text);
}

#define NO_PORT "has no port: must be host:port"
#define BAD_PORT "port must be 1 to 65535"
#define BRACKETS "must have the IPv6 address in brackets, as in [2001:db8::1]:51820"
#define NO_IPV6 "must have an IPv6 address in the brackets"
#define NO_UNICAST "no datagram can be sent to one host there"
#define NO_ENDPOINT_HOST "must name a host or an IP address"

static const struct row endpoints[] = {
    {"vpn.example:51820", NULL},
    {"192.0.2.1:1", NULL},
    {"[2001:db8::1]:65535", NULL},
    {"[fe80::1%eth0]:51820", NULL},
    {"localhost:51820", NULL},
    {"127.0.0.1:51820", NULL},
    {"vpn.example", NO_PORT},
    {"[2001:db8::1]", NO_PORT},
    {"", NO_PORT},
    {"vpn.example:", BAD_PORT},
    {"vpn.example:0", BAD_PORT},
    {"vpn.example:65536", BAD_PORT},
    {"vpn.example:http", BAD_PORT},
    {"2001:db8::1:51820", BRACKETS},
    {"fe80::1%eth0", BRACKETS},
    {"[vpn.example]:51820", NO_IPV6},
    {"[2001:db8::1%eth0]:51820", NO_IPV6}, /* no link-local address */
    {"[fe80::1%]:51820", NO_IPV6},
    {"[]:51820", "must be host:port"},
    {":51820", "must be host:port"},
    {"0.0.0.0:51820", NO_UNICAST},
    {"255.255.255.255:51820", NO_UNICAST},
    {"224.0.0.1:51820", NO_UNICAST},
    {"[::]:51820", NO_UNICAST},
    {"[ff02::1]:51820", NO_UNICAST},
    {"300.0.0.1:51820", NO_ENDPOINT_HOST},
    {"1.2.3:51820", NO_ENDPOINT_HOST},
    {"vpn example:51820", NO_ENDPOINT_HOST},
    {"https//vpn.example:51820", NO_ENDPOINT_HOST},
    {"https://vpn.example:51820", "must be host:port, with nothing before it"},
    {"udp://vpn.example", "must be host:port, with nothing before it"},
    {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".1:51820", "must be host:port"},
};

static void an_endpoint_is_a_host_and_a_port(void **state)
{
    (void)state;
    assert_judged(judge_endpoint, endpoints, ARRAY_SIZE(endpoints));
}

static void the_host_of_an_endpoint_comes_without_brackets(void **state)
{
    (void)state;
    char host[HOST_SIZE];
    uint16_t port;
    assert_null(value_endpoint(host, &port, "[2001:db8::1]:51820"));
    assert_string_equal(host, "2001:db8::1");
    assert_int_equal(port, 51820);
    assert_null(value_endpoint(host, &port, "vpn.example:1"));
    assert_string_equal(host, "vpn.example");
}

static void a_port_may_be_zero_and_no_more_than_16_bits(void **state)
{
    (void)state;
    uint16_t port;
    assert_null(value_port(&port, "0"));
    assert_null(value_port(&port, "65535"));
    assert_string_equal(value_port(&port, "65536"), "must be a port, 0 to 65535");
    assert_string_equal(value_port(&port, "any"), "must be a port, 0 to 65535");
}

/* Nothing comes out small because it was too large. */
static void times_are_a_year_at_most_in_every_unit(void **state)
{
    (void)state;
    static const char *const longest[] = {"31622400", "31622400s", "527040m", "8784h"};
    static const char *const longer[] = {"31622401",
                                         "527041m",
                                         "8785h",
                                         "1193047h",
                                         "71582789m",
                                         "4294967297",
                                         "99999999999999999999h"};
    unsigned seconds;
    for (size_t i = 0; i < ARRAY_SIZE(longest); i++) {
        assert_null(value_seconds(&seconds, 0, longest[i]));
        assert_int_equal(seconds, 366 * 86400);
    }
    for (size_t i = 0; i < ARRAY_SIZE(longer); i++) {
        assert_non_null(value_seconds(&seconds, 0, longer[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_a_year_at_most_in_every_unit),
        cmocka_unit_test(a_key_is_44_characters_of_base64),
        cmocka_unit_test(only_a_preshared_key_may_be_zero),
        cmocka_unit_test(a_refused_key_leaves_zeros),
        cmocka_unit_test(a_prefix_is_an_address_and_a_length),
        cmocka_unit_test(a_bare_address_is_a_prefix_of_full_length),
        cmocka_unit_test(an_address_belongs_to_one_host),
        cmocka_unit_test(the_mtu_is_in_its_range),
        cmocka_unit_test(keepalive_is_seconds_or_off),
        cmocka_unit_test(yes_and_no_have_several_words),
        cmocka_unit_test(servers_of_dns_are_told_from_search_domains_as_in_wg_quick),
        cmocka_unit_test(a_dns_server_is_an_address),
        cmocka_unit_test(a_search_domain_is_a_name),
        cmocka_unit_test(an_endpoint_is_a_host_and_a_port),
        cmocka_unit_test(the_host_of_an_endpoint_comes_without_brackets),
        cmocka_unit_test(a_port_may_be_zero_and_no_more_than_16_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
