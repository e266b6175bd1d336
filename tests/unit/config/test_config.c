/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/config/heard.h"
#include "unit/test.h"

/* A file with everything in it. */
/* clang-format off */
static const char full[] =
    "\xef\xbb\xbf# a provider's file\r\n"
    "[Interface]\r\n"
    "PrivateKey = " PRIVATE_KEY "\r\n"
    "Address = 10.0.0.2/24, fd00::2/64\r\n"
    "Address = 10.0.1.2 # another\r\n"
    "DNS = 10.0.0.1, corp.lan, fd00::1\r\n"
    "DNS = example.org\r\n"
    "MTU = 1380\r\n"
    "ListenPort = 51821\r\n"
    "UdpOffload = no\r\n"
    "Table = off\r\n"
    "\r\n"
    "[Peer]\r\n"
    "PublicKey = " PUBLIC_KEY "\r\n"
    "PresharedKey = " PRESHARED_KEY "\r\n"
    "AllowedIPs = 0.0.0.0/0\r\n"
    "AllowedIPs = ::/0, 10.9.0.0/16\r\n"
    "Endpoint = vpn.example:51820\r\n"
    "PersistentKeepalive = 25\r\n"
    "[peer]\r\n"
    "publickey=" OTHER_KEY "\r\n"
    "allowedips=192.0.2.7\r\n"
    "endpoint=[2001:db8::1]:443\r\n"
    "[Socks5]\r\n"
    "BindAddress = 127.0.0.1:25344\r\n"
    "[Socks5]\r\n"
    "BindAddress = 192.0.2.9:0\r\n"
    "AllowLan = yes\r\n";
/* clang-format on */

static struct config *parse_full(struct heard *h)
{
    struct config *c;
    assert_int_equal(heard_parse(h, &c, full, sizeof full - 1), 0);
    return c;
}

static void assert_prefix(const struct prefix *p, const char *expected)
{
    char text[PREFIX_TEXT];
    assert_string_equal(prefix_format(p, text), expected);
}

static void assert_key(const uint8_t key[KEY_LEN], const char *expected)
{
    char text[KEY_TEXT];
    key_to_base64(text, key);
    assert_string_equal(text, expected);
}

static void the_interface_arrives(void **state)
{
    (void)state;
    struct heard h;
    char text[ADDR_TEXT];
    struct config *c = parse_full(&h);
    assert_string_equal(h.text, "W f:11: Table: of no use to wgproxy, skipped\n");
    assert_string_equal(c->path, "f");
    assert_key(c->private_key, PRIVATE_KEY);
    assert_int_equal(c->n_addresses, 3);
    assert_prefix(&c->addresses[0], "10.0.0.2/24");
    assert_prefix(&c->addresses[1], "fd00::2/64");
    assert_prefix(&c->addresses[2], "10.0.1.2/32");
    assert_int_equal(c->n_dns, 2);
    assert_string_equal(addr_format(&c->dns[0], text), "10.0.0.1");
    assert_string_equal(addr_format(&c->dns[1], text), "fd00::1");
    assert_int_equal(c->n_search, 2);
    assert_string_equal(c->search[0], "corp.lan");
    assert_string_equal(c->search[1], "example.org");
    assert_int_equal(c->mtu, 1380);
    assert_int_equal(c->listen_port, 51821);
    assert_true(c->no_udp_offload);
    config_free(c);
}

static void the_peers_arrive(void **state)
{
    (void)state;
    struct heard h;
    struct config *c = parse_full(&h);
    assert_int_equal(c->n_peers, 2);
    const struct config_peer *p = &c->peers[0];
    assert_int_equal(p->line, 13);
    assert_key(p->public_key, PUBLIC_KEY);
    assert_true(p->has_preshared_key);
    assert_key(p->preshared_key, PRESHARED_KEY);
    assert_int_equal(p->n_allowed_ips, 3);
    assert_prefix(&p->allowed_ips[2], "10.9.0.0/16");
    assert_string_equal(p->endpoint_host, "vpn.example");
    assert_int_equal(p->endpoint_port, 51820);
    assert_int_equal(p->keepalive, 25);
    p = &c->peers[1];
    assert_int_equal(p->line, 20);
    assert_key(p->public_key, OTHER_KEY);
    assert_false(p->has_preshared_key);
    assert_key(p->preshared_key, ZERO_KEY);
    assert_prefix(&p->allowed_ips[0], "192.0.2.7/32");
    assert_string_equal(p->endpoint_host, "2001:db8::1");
    assert_int_equal(p->endpoint_port, 443);
    assert_int_equal(p->keepalive, 0);
    config_free(c);
}

static void the_listeners_arrive(void **state)
{
    (void)state;
    struct heard h;
    char text[ENDPOINT_TEXT];
    struct config *c = parse_full(&h);
    assert_int_equal(c->n_doors, 2);
    assert_int_equal(c->doors[0].line, 25);
    assert_string_equal(endpoint_format(&c->doors[0].bind.at, text), "127.0.0.1:25344");
    assert_false(c->doors[0].allow_lan);
    assert_string_equal(endpoint_format(&c->doors[1].bind.at, text), "192.0.2.9:0");
    assert_true(c->doors[1].allow_lan);
    config_free(c);
}

/* Each with a value of its own, so that no two can be taken for each other. */
static void what_doors_and_limits_say_arrives(void **state)
{
    (void)state;
    static const char text[] = INTERFACE PEER
        "[Proxy]\nBindAddress = 127.0.0.1:1\nProtocols = http, socks4\nUDP = no\n"
        "UdpPort = 2\nUdpAdvertise = 192.0.2.1:3\nIdleTimeout = 4\nLogDomains = yes\n"
        "Allow = a.example port=5-6 user=u\nDeny = *\n"
        "[Proxy]\nBindAddress = 127.0.0.1:7\nUDP = yes\nUdpAdvertise = 192.0.2.2\n"
        "[SNI]\nBindAddress = 127.0.0.1:8\nPort = 9\n"
        "[TCPServerTunnel]\nListenPort = 10\nTarget = localhost:11\n"
        "[Access]\nDeny = 10.0.0.0/8\n"
        "[Resolve]\nResolveStrategy = ipv6\nOutside = yes\n"
        "[Limits]\nConnectTimeout = 12\nGreetingTimeout = 13\nIdleTimeout = 14\n"
        "UdpIdleTimeout = 15\nDrainTimeout = 16\nMaxConnections = 17\nWorkers = 18\n"
        "[Status]\nBindAddress = 127.0.0.1:19\nAllowLan = yes\n";
    struct heard h;
    struct config *c;
    char at[ENDPOINT_TEXT];
    assert_int_equal(heard_parse(&h, &c, text, strlen(text)), 0);
    assert_int_equal(c->n_doors, 4);
    const struct config_door *d = &c->doors[0];
    assert_int_equal(d->protocols, CONFIG_HTTP | CONFIG_SOCKS4);
    assert_true(d->no_udp);
    assert_int_equal(d->udp_port, 2);
    assert_string_equal(endpoint_format(&d->udp_advertise, at), "192.0.2.1:3");
    assert_true(d->has_idle);
    assert_int_equal(d->idle, 4);
    assert_true(d->log_domains);
    assert_int_equal(d->n_rules, 2);
    assert_true(d->rules[0].allow && !d->rules[1].allow);
    assert_string_equal(d->rules[0].suffix, "a.example");
    assert_int_equal(d->rules[0].first_port, 5);
    assert_int_equal(d->rules[0].last_port, 6);
    assert_string_equal(d->rules[0].user, "u");
    d = &c->doors[1];
    assert_int_equal(d->protocols, CONFIG_HTTP | CONFIG_SOCKS4 | CONFIG_SOCKS5);
    assert_false(d->no_udp || d->has_idle || d->log_domains);
    assert_string_equal(endpoint_format(&d->udp_advertise, at), "192.0.2.2:0");
    assert_int_equal(c->doors[2].port, 9);
    assert_int_equal(c->doors[3].port, 10);
    assert_int_equal(c->doors[3].target_port, 11);
    assert_int_equal(c->n_rules, 1);
    assert_int_equal(c->strategy, CONFIG_IPV6);
    assert_true(c->names_outside);
    assert_int_equal(c->limits.connect_timeout, 12);
    assert_int_equal(c->limits.greeting_timeout, 13);
    assert_int_equal(c->limits.idle_timeout, 14);
    assert_int_equal(c->limits.udp_idle_timeout, 15);
    assert_int_equal(c->limits.drain_timeout, 16);
    assert_int_equal(c->limits.max_connections, 17);
    assert_int_equal(c->limits.workers, 18);
    assert_int_equal(c->status.at.port, 19);
    assert_true(c->status_allow_lan);
    config_free(c);
}

static void what_is_not_given_is_zero(void **state)
{
    (void)state;
    struct heard h;
    struct config *c;
    assert_int_equal(heard_parse(&h, &c, INTERFACE PEER, strlen(INTERFACE PEER)), 0);
    assert_int_equal(c->mtu, 0);
    assert_int_equal(c->listen_port, 0);
    assert_false(c->no_udp_offload);
    assert_int_equal(c->n_dns, 0);
    assert_int_equal(c->n_search, 0);
    assert_int_equal(c->n_doors, 0);
    assert_int_equal(c->peers[0].keepalive, 0);
    config_free(c);
}

static void the_last_of_repeated_single_keys_counts(void **state)
{
    (void)state;
    struct heard h;
    struct config *c;
    static const char text[] =
        INTERFACE "MTU = 1300\nMTU = 1400\n" PEER "Endpoint = b.example:2\n"
                  "PresharedKey = " PRESHARED_KEY "\nPresharedKey = " ZERO_KEY "\n";
    assert_int_equal(heard_parse(&h, &c, text, sizeof text - 1), 0);
    assert_int_equal(h.warnings, 3);
    assert_int_equal(c->mtu, 1400);
    assert_string_equal(c->peers[0].endpoint_host, "b.example");
    assert_int_equal(c->peers[0].endpoint_port, 2);
    assert_false(c->peers[0].has_preshared_key);
    config_free(c);
}

static void thousands_of_prefixes_fit_on_one_line(void **state)
{
    (void)state;
    enum { N = 20000 };
    static char text[N * 20 + 1024];
    struct heard h;
    struct config *c;
    size_t n = (size_t)sprintf(text, "%s%sAllowedIPs = ", INTERFACE, PEER);
    for (unsigned i = 0; i < N; i++) {
        n += (size_t)sprintf(text + n, "10.%u.%u.0/24, ", i >> 8, i & 255);
    }
    n += (size_t)sprintf(text + n, "192.0.2.0/24\n");
    assert_int_equal(heard_parse(&h, &c, text, n), 0);
    assert_string_equal(h.text, "");
    assert_int_equal(c->peers[0].n_allowed_ips, N + 2);
    assert_prefix(&c->peers[0].allowed_ips[N + 1], "192.0.2.0/24");
    config_free(c);
}

/* Comparing each of them with each other took six minutes; the test's time limit is two. */
static void a_file_of_nothing_but_sections_is_judged_in_time(void **state)
{
    (void)state;
    enum { N = 140000, LEN = 7 };
    static char text[N * LEN + 1];
    struct heard h;
    struct config *c;
    for (size_t i = 0; i < N; i++) {
        memcpy(text + i * LEN, "[Peer]\n", LEN);
    }
    assert_int_equal(heard_parse(&h, &c, text, N * LEN), ERR_INVALID);
}

static void every_prefix_of_a_file_is_survived(void **state)
{
    (void)state;
    struct heard h;
    struct config *c;
    for (size_t len = 0; len < sizeof full - 1; len++) {
        heard_parse(&h, &c, full, len);
        config_free(c);
    }
}

static void every_file_with_one_byte_changed_is_survived(void **state)
{
    (void)state;
    static const char bytes[] = "\0\n[]#=,\xff";
    char text[sizeof full];
    struct heard h;
    struct config *c;
    memcpy(text, full, sizeof full);
    for (size_t at = 0; at < sizeof full - 1; at++) {
        for (size_t b = 0; b < sizeof bytes - 1; b++) {
            text[at] = bytes[b];
            heard_parse(&h, &c, text, sizeof full - 1);
            config_free(c);
        }
        text[at] = full[at];
    }
}

static void what_is_no_text_is_said_to_be_none(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *messages;
    } rows[] = {
        {"\xff\xfe[\0I\0", 6, "E f:1: is UTF-16: save it as UTF-8\n"},
        {"\xfe\xff\0[\0I", 6, "E f:1: is UTF-16: save it as UTF-8\n"},
        {"[Interface]\nA\0B", 15, "E f:2: holds a zero byte: this is not a text file\n"},
    };
    struct heard h;
    struct config *c;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(heard_parse(&h, &c, rows[i].bytes, rows[i].len), ERR_INVALID);
        assert_string_equal(h.text, rows[i].messages);
    }
}

static void a_text_beyond_all_measure_is_refused(void **state)
{
    (void)state;
    struct heard h;
    struct config *c;
    size_t len = 1000001;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '\n', len);
    assert_int_equal(heard_parse(&h, &c, text, len), ERR_INVALID);
    assert_string_equal(h.text, "E f: is larger than 1000000 bytes\n");
    free(text);
}

static const struct {
    const char *text;
    bool fits, given;
    unsigned workers;
} workers_rows[] = {
    {"auto", true, false, 0}, {"Auto", true, false, 0},  {"0", true, true, 0},
    {"1", true, true, 1},     {"32", true, true, 32},    {"33", false, false, 0},
    {"-1", false, false, 0},  {"many", false, false, 0}, {"1.5", false, false, 0},
    {"4 ", true, true, 4},    {"4x", false, false, 0},   {"99999999999", false, false, 0},
};

static void workers_are_a_number_or_left_to_the_program(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(workers_rows); i++) {
        static struct heard h;
        struct config *c;
        char text[512];
        int len = snprintf(text, sizeof text,
                           "[Interface]\nPrivateKey = " PRIVATE_KEY
                           "\nAddress = 10.0.0.2\n[Limits]\nWorkers = %s\n"
                           "[Peer]\nPublicKey = " PUBLIC_KEY
                           "\nAllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:1\n",
                           workers_rows[i].text);
        int err = heard_parse(&h, &c, text, (size_t)len);
        assert_int_equal(err, workers_rows[i].fits ? 0 : ERR_INVALID);
        if (err == 0) {
            assert_int_equal(c->limits.has_workers, workers_rows[i].given);
            assert_int_equal(c->limits.workers, workers_rows[i].workers);
        }
        config_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interface_arrives),
        cmocka_unit_test(the_peers_arrive),
        cmocka_unit_test(the_listeners_arrive),
        cmocka_unit_test(what_doors_and_limits_say_arrives),
        cmocka_unit_test(what_is_not_given_is_zero),
        cmocka_unit_test(workers_are_a_number_or_left_to_the_program),
        cmocka_unit_test(the_last_of_repeated_single_keys_counts),
        cmocka_unit_test(thousands_of_prefixes_fit_on_one_line),
        cmocka_unit_test(a_file_of_nothing_but_sections_is_judged_in_time),
        cmocka_unit_test(every_prefix_of_a_file_is_survived),
        cmocka_unit_test(every_file_with_one_byte_changed_is_survived),
        cmocka_unit_test(what_is_no_text_is_said_to_be_none),
        cmocka_unit_test(a_text_beyond_all_measure_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
