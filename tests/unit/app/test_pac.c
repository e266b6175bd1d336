/* SPDX-License-Identifier: MIT */
#include "app/pac.h"

#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

static struct prefix net(const char *text)
{
    struct prefix p;
    assert_true(prefix_parse(&p, text));
    return p;
}

static struct endpoint at(const char *text)
{
    struct endpoint e;
    assert_true(endpoint_parse(&e, text));
    return e;
}

static char *written(struct prefix *nets, size_t n, char *domain)
{
    struct config_peer peer = {.allowed_ips = nets, .n_allowed_ips = n};
    struct config c = {.peers = &peer, .n_peers = 1, .search = &domain, .n_search = domain != NULL};
    struct pac_proxies proxies = {.http = at("192.0.2.1:1")};
    struct pac_tunnel tunnel = {&c, &proxies};
    struct words w = {0};
    pac_write(&w, &tunnel, 1, "box");
    assert_false(w.failed);
    assert_int_equal(strlen(w.text), w.len);
    return w.text;
}

static void only_what_belongs_in_the_tunnel_goes_there(void **state)
{
    (void)state;
    struct prefix nets[] = {net("10.1.0.0/16"), net("192.0.2.7/32"), net("fd00::/8")};
    char domain[] = "corp.example";
    char *text = written(nets, 3, domain);
    assert_non_null(strstr(text, "var tunnels = [\"PROXY 192.0.2.1:1\"];"));
    assert_non_null(strstr(text, "dnsDomainIs(host, \".corp.example\")) return tunnels[0];"));
    assert_non_null(
        strstr(text, "isInNet(host, \"10.1.0.0\", \"255.255.0.0\")) return tunnels[0];"));
    assert_non_null(
        strstr(text, "isInNet(host, \"192.0.2.7\", \"255.255.255.255\")) return tunnels[0];"));
    assert_non_null(
        strstr(text, "if (v6 && isIn(v6, [64768,0,0,0,0,0,0,0], 8)) return tunnels[0];"));
    assert_string_equal(text + strlen(text) - strlen("  return \"DIRECT\";\n}\n"),
                        "  return \"DIRECT\";\n}\n");
    free(text);
}

static void a_tunnel_for_everything_takes_everything(void **state)
{
    (void)state;
    struct prefix nets[] = {net("0.0.0.0/0")};
    char *text = written(nets, 1, NULL);
    assert_null(strstr(text, "isInNet"));
    assert_string_equal(text + strlen(text) - strlen("  return tunnels[0];\n}\n"),
                        "  return tunnels[0];\n}\n");
    free(text);
}

/* Does a name that no domain covers go into the tunnel, and an address that no network covers? */
static void wide_networks_take_names_and_not_addresses_beside_them(void **state)
{
    (void)state;
    static const struct {
        const char *nets[5];
        bool names, addresses;
    } rows[] = {
        {{"0.0.0.0/0", "10.0.0.0/8"}, true, true},
        {{"128.0.0.0/1", "0.0.0.0/1"}, true, true},
        {{"0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"}, true, false},
        {{"0.0.0.0/1", "255.255.255.255/32"}, true, false},
        {{"0.0.0.0/1", "64.0.0.0/2", "0.0.0.0/1", "1.2.3.4/32"}, false, false}, /* twice is once */
        {{"::/0"}, false, false},
        {{"10.0.0.0/8", "::/0"}, false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct prefix nets[5];
        size_t n = 0;
        for (; n < 5 && rows[i].nets[n] != NULL; n++) {
            nets[n] = net(rows[i].nets[n]);
        }
        char *text = written(nets, n, NULL);
        const char *last =
            rows[i].names ? "\n  return tunnels[0];\n}\n" : "\n  return \"DIRECT\";\n}\n";
        assert_string_equal(text + strlen(text) - strlen(last), last);
        assert_int_equal(strstr(text, "if (v4) return \"DIRECT\";") == NULL && rows[i].names,
                         rows[i].addresses);
        free(text);
    }
}

static void a_domain_is_spelt_as_hosts_are(void **state)
{
    (void)state;
    struct prefix nets[] = {net("10.1.0.0/16")};
    char domain[] = "Corp.EXAMPLE.";
    char *text = written(nets, 1, domain);
    assert_non_null(
        strstr(text, "host == \"corp.example\" || dnsDomainIs(host, \".corp.example\")"));
    free(text);
}

static struct config_peer peer_for(struct prefix *net)
{
    return (struct config_peer){.allowed_ips = net, .n_allowed_ips = 1};
}

static void each_tunnel_has_its_own_proxies(void **state)
{
    (void)state;
    struct prefix all = net("0.0.0.0/0"), some = net("10.1.0.0/16"), more = net("10.2.0.0/16");
    struct config_peer peers[] = {peer_for(&all), peer_for(&some), peer_for(&more)};
    struct config c[] = {{.peers = &peers[0], .n_peers = 1},
                         {.peers = &peers[1], .n_peers = 1},
                         {.peers = &peers[2], .n_peers = 1}};
    struct pac_proxies proxies[] = {
        {.socks = at("127.0.0.1:1")}, {.http = at("127.0.0.1:2")}, {.http.port = 0}};
    struct pac_tunnel tunnels[] = {
        {&c[0], &proxies[0]}, {&c[1], &proxies[1]}, {&c[2], &proxies[2]}};
    struct words w = {0};
    pac_write(&w, tunnels, 3, "box");
    assert_non_null(
        strstr(w.text, "var tunnels = [\"SOCKS5 127.0.0.1:1\", \"PROXY 127.0.0.1:2\"];"));
    assert_non_null(
        strstr(w.text, "isInNet(host, \"10.1.0.0\", \"255.255.0.0\")) return tunnels[1];"));
    assert_null(strstr(w.text, "10.2.0.0"));
    assert_non_null(strstr(w.text, "  return tunnels[0];\n}\n"));
    free(w.text);
}

static void a_proxy_on_every_address_is_called_as_the_browser_called_us(void **state)
{
    (void)state;
    struct prefix some = net("10.1.0.0/16");
    struct config_peer peer = peer_for(&some);
    struct config c = {.peers = &peer, .n_peers = 1};
    struct pac_proxies proxies = {.socks = at("0.0.0.0:1"), .http = at("[::]:2")};
    struct pac_tunnel tunnel = {&c, &proxies};
    struct words w = {0};
    pac_write(&w, &tunnel, 1, "box");
    assert_non_null(strstr(w.text, "[\"SOCKS5 box:1; PROXY box:2\"]"));
    w.len = 0;
    pac_write(&w, &tunnel, 1, "fd00::1");
    assert_non_null(strstr(w.text, "[\"SOCKS5 [fd00::1]:1; PROXY [fd00::1]:2\"]"));
    free(w.text);
}

static void nothing_but_a_host_is_taken_from_host(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"box", "box"},
        {"box:9080", "box"},
        {"192.0.2.1:80", "192.0.2.1"},
        {"[fd00::1]:80", "fd00::1"},
        {"", "127.0.0.1"},
        {"a\"; alert(1)", "127.0.0.1"},
        {"a\\", "127.0.0.1"},
        {"[fd00::1", "127.0.0.1"},
        {"a\"b:1", "127.0.0.1"},
    };
    char out[PAC_HOST_SIZE], text[2 * PAC_HOST_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        pac_host(out, rows[i].in, strlen(rows[i].in));
        assert_string_equal(out, rows[i].out);
    }
    memset(text, 'a', sizeof text);
    pac_host(out, text, sizeof text);
    assert_string_equal(out, "127.0.0.1");
}

static void only_doors_that_browsers_can_use_are_told(void **state)
{
    (void)state;
    struct pac_proxies p = {.http.port = 0};
    struct config_user user = {0};
    struct place first = {.kind = PLACE_IP, .at = at("127.0.0.1:1")},
                 second = {.kind = PLACE_IP, .at = at("127.0.0.1:2")};
    struct place unix_socket = {.kind = PLACE_UNIX};
    struct config_door socks = {.kind = CONFIG_PROXY, .protocols = CONFIG_SOCKS5};
    struct config_door socks4 = {.kind = CONFIG_PROXY, .protocols = CONFIG_SOCKS4};
    struct config_door locked = {.kind = CONFIG_PROXY,
                                 .protocols = CONFIG_SOCKS5 | CONFIG_HTTP,
                                 .users = &user,
                                 .n_users = 1};
    struct config_door sni = {.kind = CONFIG_SNI};
    pac_proxies_add(&p, &socks4, &first);
    pac_proxies_add(&p, &sni, &first);
    pac_proxies_add(&p, &socks, &unix_socket);
    assert_false(pac_proxies_exist(&p));
    pac_proxies_add(&p, &locked, &first);
    assert_int_equal(p.http.port, 1);
    assert_int_equal(p.socks.port, 0);
    pac_proxies_add(&p, &socks, &second);
    pac_proxies_add(&p, &socks, &first);
    assert_int_equal(p.socks.port, 2);
}

static void an_http_proxy_by_tls_is_told_as_such_and_socks_by_tls_is_not(void **state)
{
    (void)state;
    char pem[] = "-----BEGIN";
    struct prefix some = net("10.1.0.0/16");
    struct config_peer peer = peer_for(&some);
    struct config c = {.peers = &peer, .n_peers = 1};
    struct pac_proxies p = {.http.port = 0};
    struct place place = {.kind = PLACE_IP, .at = at("127.0.0.1:1")};
    struct config_door socks = {
        .kind = CONFIG_PROXY, .protocols = CONFIG_SOCKS5, .tls_certificate = pem};
    struct config_door all = {
        .kind = CONFIG_PROXY, .protocols = CONFIG_SOCKS5 | CONFIG_HTTP, .tls_certificate = pem};
    struct pac_tunnel tunnel = {&c, &p};
    struct words w = {0};
    pac_proxies_add(&p, &socks, &place);
    assert_false(pac_proxies_exist(&p));
    pac_proxies_add(&p, &all, &place);
    pac_write(&w, &tunnel, 1, "box");
    assert_non_null(strstr(w.text, "var tunnels = [\"HTTPS 127.0.0.1:1\"];"));
    free(w.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_belongs_in_the_tunnel_goes_there),
        cmocka_unit_test(a_tunnel_for_everything_takes_everything),
        cmocka_unit_test(wide_networks_take_names_and_not_addresses_beside_them),
        cmocka_unit_test(a_domain_is_spelt_as_hosts_are),
        cmocka_unit_test(each_tunnel_has_its_own_proxies),
        cmocka_unit_test(a_proxy_on_every_address_is_called_as_the_browser_called_us),
        cmocka_unit_test(nothing_but_a_host_is_taken_from_host),
        cmocka_unit_test(only_doors_that_browsers_can_use_are_told),
        cmocka_unit_test(an_http_proxy_by_tls_is_told_as_such_and_socks_by_tls_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
