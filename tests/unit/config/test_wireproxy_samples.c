/* SPDX-License-Identifier: MIT */
/* The samples of wireproxy's documentation, by what they show, in words of ours: each is taken without a word. */
#include <stdio.h>
#include <string.h>

#include "unit/config/heard.h"
#include "unit/test.h"

static struct config *parse(const char *text)
{
    struct heard h = {0};
    struct config *c;
    assert_int_equal(heard_parse(&h, &c, text, strlen(text)), 0);
    assert_string_equal(h.text, "");
    assert_non_null(c);
    return c;
}

static void assert_sample(const char *sections, size_t n_doors)
{
    char text[2048];
    snprintf(
        text, sizeof text,
        "[Interface]\nAddress = 10.64.0.2/32, fd64::2/128\nMTU = 1420\nPrivateKey = " PRIVATE_KEY
        "\nDNS = 10.64.0.1\n[Peer]\nPublicKey = " PUBLIC_KEY
        "\nEndpoint = vpn.example:51820\nPersistentKeepalive = 25\nAllowedIPs = 0.0.0.0/0, "
        "::/0\n%s",
        sections);
    struct config *c = parse(text);
    assert_int_equal(c->n_doors, n_doors);
    config_free(c);
}

static void sample_of_socks5_and_http_side_by_side(void **state)
{
    (void)state;
    assert_sample(
        "# one for browsers\n[Socks5]\nBindAddress = 127.0.0.1:25344\n\n"
        "[http]\nBindAddress = 127.0.0.1:25345\n# who may\n#Username = u\n#Password = p\n",
        2);
}

static void sample_of_tunnels_in_both_directions(void **state)
{
    (void)state;
    assert_sample(
        "[TCPClientTunnel]\nBindAddress = 127.0.0.1:5000\nTarget = service.internal:5000\n"
        "[TCPServerTunnel]\nListenPort = 3000\nTarget = localhost:3001\n"
        "[UDPProxyTunnel]\nBindAddress = 127.0.0.1:5353\nTarget = 10.64.0.1:53\nInactivityTimeout "
        "= 10\n",
        3);
}

static void sample_of_standard_input_for_ssh(void **state)
{
    (void)state;
    assert_sample("[STDIOTunnel]\nTarget = ssh.internal:22\n", 1);
}

static void sample_of_tls_by_name(void **state)
{
    (void)state;
    assert_sample("[SNI]\nBindAddress = 127.0.0.1:443\n[Resolve]\nResolveStrategy = ipv6\n", 1);
}

static void sample_of_several_peers_without_endpoints(void **state)
{
    (void)state;
    struct config *c =
        parse("[Interface]\nPrivateKey = " PRIVATE_KEY "\nAddress = 10.5.0.2\nListenPort = 51820\n"
              "[Peer]\nPublicKey = " PUBLIC_KEY "\nAllowedIPs = 10.5.0.3/32\n"
              "[Peer]\nPublicKey = " OTHER_KEY "\nAllowedIPs = 10.5.0.4/32\n"
              "[TCPServerTunnel]\nListenPort = 22\nTarget = localhost:22\n");
    assert_int_equal(c->n_peers, 2);
    config_free(c);
}

static void sample_of_watched_addresses(void **state)
{
    (void)state;
    struct config *c = parse(
        "[Interface]\nPrivateKey = " PRIVATE_KEY "\nAddress = 10.5.0.2\nCheckAlive = 1.1.1.1, "
        "3.3.3.3\nCheckAliveInterval = 3\n" PEER "[Socks5]\nBindAddress = 127.0.0.1:25344\n");
    assert_int_equal(c->n_check_alive, 2);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_of_socks5_and_http_side_by_side),
        cmocka_unit_test(sample_of_tunnels_in_both_directions),
        cmocka_unit_test(sample_of_standard_input_for_ssh),
        cmocka_unit_test(sample_of_tls_by_name),
        cmocka_unit_test(sample_of_several_peers_without_endpoints),
        cmocka_unit_test(sample_of_watched_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
