/* SPDX-License-Identifier: MIT */
/* Files as wireproxy's users have them: taken unchanged, and where that program misread them in silence, taken as they
 * were meant. Each trap is a test with its name. */
#include "config/sources.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/config/heard.h"
#include "unit/test.h"

static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    static const struct {
        const char *name, *value;
    } all[] = {{"KEY", PRIVATE_KEY},
               {"ADDR", "10.0.0.2/32, fd00::2/128"},
               {"PASS", "p w"},
               {"EMPTY", ""},
               {"HOST", "vpn.example:51820"},
               {"DIR", "/credentials"},
               {"CONF", "wg0.conf"},
               {"TEN", "10"},
               {"MTU", "1300"},
               {"IP", "10.0.0.1"},
               {"PSK", PRESHARED_KEY},
               {"NETS", "10.0.0.0/8, fd00::/8"}};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (strcmp(name, all[i].name) == 0) {
            return all[i].value;
        }
    }
    return NULL;
}

static const char *file(void *ctx, const char *path, bool is_secret, struct text *out)
{
    (void)ctx;
    assert_int_equal(is_secret, strcmp(path, "cert.pem") != 0 && strcmp(path, "nothing") != 0);
    static const struct {
        const char *path, *text;
    } all[] = {{"key", PRIVATE_KEY "\r\nmore\n"},
               {"/credentials/key", PRIVATE_KEY},
               {"empty", "\n"},
               {"nothing", ""},
               {"cert.pem", "-----BEGIN\ncertificate\n"},
               {"/credentials/key.pem", "-----BEGIN\nkey\n"},
               {"wg0.conf", INTERFACE PEER "[Socks5]\nBindAddress = 1\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (strcmp(path, all[i].path) == 0) {
            out->len = strlen(all[i].text);
            out->capacity = out->len + 1;
            out->bytes = malloc(out->capacity);
            memcpy(out->bytes, all[i].text, out->capacity);
            return NULL;
        }
    }
    return "No such file or directory";
}

static const struct sources sources = {.variable = variable, .file = file};

static struct config *parse(const char *text, const char *messages)
{
    struct heard h = {0};
    struct config *c;
    int err = config_parse_with(&c, "f", text, strlen(text), &sources, heard_message, &h);
    assert_string_equal(h.text, messages);
    assert_int_equal(err, h.errors > 0 ? ERR_INVALID : 0);
    return c;
}

static void assert_refused(const char *text, const char *messages)
{
    assert_null(parse(text, messages));
}

static const struct config_door *only_door(const struct config *c)
{
    assert_non_null(c);
    assert_int_equal(c->n_doors, 1);
    return &c->doors[0];
}

static void every_section_of_it_is_taken(void **state)
{
    (void)state;
    struct config *c =
        parse("[interface]\nAddress = 10.200.200.2/32\nMTU = 1420\nPrivateKey = " PRIVATE_KEY
              "\nDNS = 10.200.200.1\nCheckAlive = 1.1.1.1, 3.3.3.3\nCheckAliveInterval = 3\n"
              "[PEER]\nPublicKey: " PUBLIC_KEY "\nPresharedKey = " PRESHARED_KEY
              "\nEndpoint = my.vpn.example:51820\nPersistentKeepalive = 25\n"
              "[TCPClientTunnel]\nBindAddress = 127.0.0.1:25565\nTarget = play.example:25565\n"
              "[TCPServerTunnel]\nListenPort = 3422\nTarget = localhost:25545\n"
              "[STDIOTunnel]\nTarget = ssh.example:22\n"
              "[Socks5]\nBindAddress = 127.0.0.1:25344\nUsername = u\nPassword = p\n"
              "[http]\nBindAddress = 127.0.0.1:25345\n"
              "[SNI]\nBindAddress = 127.0.0.1:4443\n"
              "[UDPProxyTunnel]\nBindAddress = 127.0.0.1:6000\nTarget = "
              "10.0.0.5:53\nInactivityTimeout = 30\n"
              "[Resolve]\nResolveStrategy = ipv4\n",
              "W f:8: [Peer] has no AllowedIPs: taken for 0.0.0.0/0, ::/0, as wireproxy does\n");
    assert_int_equal(c->n_doors, 7);
    assert_int_equal(c->n_check_alive, 2);
    assert_int_equal(c->check_alive_interval, 3);
    assert_int_equal(c->peers[0].n_allowed_ips, 2);
    assert_int_equal(c->strategy, CONFIG_IPV4);
    assert_int_equal(c->doors[0].kind, CONFIG_FORWARD);
    assert_string_equal(c->doors[0].target_host, "play.example");
    assert_int_equal(c->doors[1].kind, CONFIG_REVERSE);
    assert_int_equal(c->doors[1].port, 3422);
    assert_int_equal(c->doors[2].kind, CONFIG_STDIO);
    assert_string_equal(c->doors[3].users[0].password, "p");
    assert_int_equal(c->doors[4].protocols, CONFIG_HTTP);
    assert_int_equal(c->doors[5].port, 443);
    assert_true(c->doors[6].udp);
    assert_int_equal(c->doors[6].idle, 30);
    config_free(c);
}

static void an_unset_variable_turned_the_password_off(void **state)
{
    (void)state;
    assert_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = u\nPassword = $UNSET\n",
                   "E f:8: [Socks5] has a Username without a Password behind it\n"
                   "E f:11: Password: the environment has no variable UNSET\n");
    assert_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = $UNSET\nPassword = p\n",
                   "E f:10: Username: \"$UNSET\": the environment has no variable UNSET\n"
                   "E f:11: Password: has no Username before it\n");
    assert_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = u\nPassword = $EMPTY\n",
                   "E f:8: [Socks5] has a Username without a Password behind it\n"
                   "E f:11: Password: has no value\n");
}

static void variables_worked_for_some_keys_only(void **state)
{
    (void)state;
    struct config *c =
        parse("[Interface]\nPrivateKey = $KEY\nAddress = ${ADDR}\n[Peer]\nPublicKey = " PUBLIC_KEY
              "\nAllowedIPs = ::/0\nEndpoint = $HOST\n[Socks5]\nBindAddress = 1\n"
              "Username = $$u\nPassword = $PASS\n",
              "");
    assert_int_equal(c->n_addresses, 2);
    assert_string_equal(c->peers[0].endpoint_host, "vpn.example");
    assert_string_equal(only_door(c)->users[0].name, "$u");
    assert_string_equal(only_door(c)->users[0].password, "p w");
    config_free(c);
}

static void a_hash_inside_a_password_cut_it(void **state)
{
    (void)state;
    struct config *c = parse(
        INTERFACE PEER "[Socks5]\nBindAddress = 1 # here\nUsername = u\nPassword = ab#c;d ; said\n",
        "W f:11: Password: the # is a part of it, although wireproxy ends the value there\n");
    assert_string_equal(only_door(c)->users[0].password, "ab#c;d");
    config_free(c);
}

static void quotes_around_a_value_are_not_part_of_it(void **state)
{
    (void)state;
    struct config *c = parse(
        INTERFACE PEER "[Socks5]\nBindAddress = \"127.0.0.1:1\"\nUsername = 'u'\nPassword = \"\"\n"
                       "[Socks5]\nBindAddress = 2\nUsername = u\nPassword = \" p \"\n",
        "E f:8: [Socks5] has a Username without a Password behind it\nE f:11: Password: has no "
        "value\n");
    assert_null(c);
    c = parse(INTERFACE PEER "[Socks5]\nBindAddress = 2\nUsername = u\nPassword = \" p \"\n", "");
    assert_string_equal(only_door(c)->users[0].password, " p ");
    config_free(c);
}

static void backticks_protected_what_a_hash_would_have_cut(void **state)
{
    (void)state;
    struct config *c = parse(
        INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = `a#b`\nPassword = \"\"\"c;d\"\"\"\n",
        "");
    assert_string_equal(only_door(c)->users[0].name, "a#b");
    assert_string_equal(only_door(c)->users[0].password, "c;d");
    config_free(c);
    assert_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = u\nPassword = `a #b`\n",
                   "E f:8: [Socks5] has a Username without a Password behind it\n"
                   "E f:11: Password: begins with a quotation mark that is not closed (a # or ; "
                   "behind a blank begins a "
                   "comment)\n");
}

static void a_backslash_at_the_end_joined_the_next_line(void **state)
{
    (void)state;
    assert_refused(
        INTERFACE PEER "[Socks5]\nBindAddress = 127.0.0.1:\\\n1080\n",
        "E f:9: BindAddress: \"127.0.0.1:\\\": ends in a backslash: a value stands in one line\n"
        "E f:10: must be \"Key = value\" or \"[Section]\"\n");
}

static void a_value_could_name_another_key(void **state)
{
    (void)state;
    assert_refused(INTERFACE PEER "[Socks5]\nBindAddress = %(host)s:1\n",
                   "E f:9: BindAddress: \"%(host)s:1\": names another key in %(...)s: not "
                   "supported, write the value "
                   "itself\n");
}

static void numbers_could_be_hexadecimal_or_octal(void **state)
{
    (void)state;
    assert_refused(INTERFACE "MTU = 0x500\nListenPort = 010\n" PEER,
                   "E f:4: MTU: \"0x500\": must be 576 to 65535\n"
                   "E f:5: ListenPort: \"010\": must be a port, 0 to 65535\n");
}

static void a_repeated_single_key_is_told(void **state)
{
    (void)state;
    struct config *c = parse(INTERFACE PEER "[Socks5]\nBindAddress = 1\nBindAddress = 2\n",
                             "W f:10: BindAddress: replaces the one in line 9\n");
    assert_int_equal(only_door(c)->bind.at.port, 2);
    config_free(c);
}

static void misspelt_and_unknown_keys_were_ignored_in_silence(void **state)
{
    (void)state;
    assert_refused(INTERFACE PEER "[Socks5]\nBindAdress = 1\nColour = red\n[Sock5]\n[Colours]\n",
                   "E f:8: [Socks5] has no BindAddress\n"
                   "E f:9: unknown key \"BindAdress\": did you mean \"BindAddress\"?\n"
                   "W f:10: unknown key, ignored\n"
                   "E f:11: unknown section \"Sock5\": did you mean [Socks5]?\n"
                   "W f:12: unknown section, skipped\n");
}

static void variables_did_not_work_for_numbers_and_endpoints(void **state)
{
    (void)state;
    struct config *c =
        parse("WGConfig = $CONF\n[UDPProxyTunnel]\nBindAddress = 1\nTarget = "
              "a:1\nInactivityTimeout = $TEN\n",
              "W wg0.conf:8: [Socks5] is skipped: it belongs in the file with WGConfig\n");
    assert_int_equal(only_door(c)->idle, 10);
    config_free(c);
    c = parse(
        "[Interface]\nPrivateKey = $KEY\nAddress = $ADDR\nMTU = $MTU\nListenPort = "
        "$TEN\nCheckAlive = $IP\n"
        "CheckAliveInterval = $TEN\n[Peer]\nPublicKey = " PUBLIC_KEY
        "\nPresharedKey = $PSK\nEndpoint = $HOST\nPersistentKeepalive = $TEN\nAllowedIPs = $NETS\n",
        "");
    assert_int_equal(c->mtu, 1300);
    assert_int_equal(c->listen_port, 10);
    assert_int_equal(c->check_alive_interval, 10);
    assert_int_equal(c->peers[0].keepalive, 10);
    assert_int_equal(c->peers[0].n_allowed_ips, 2);
    assert_true(c->peers[0].has_preshared_key);
    config_free(c);
}

static void an_inactivity_timeout_of_0_keeps_flows(void **state)
{
    (void)state;
    struct config *c = parse(
        INTERFACE PEER "[UDPProxyTunnel]\nBindAddress = 1\nTarget = a:1\nInactivityTimeout = 0\n",
        "");
    assert_true(only_door(c)->has_idle);
    assert_int_equal(only_door(c)->idle, 0);
    config_free(c);
    c = parse(INTERFACE PEER "[UDPProxyTunnel]\nBindAddress = 1\nTarget = a:1\n", "");
    assert_false(only_door(c)->has_idle);
    config_free(c);
}

static void search_domains_in_dns_were_refused(void **state)
{
    (void)state;
    struct config *c = parse(INTERFACE "DNS = 1.1.1.1, corp.lan\n" PEER, "");
    assert_int_equal(c->n_dns, 1);
    assert_string_equal(c->search[0], "corp.lan");
    config_free(c);
}

static void an_interval_without_addresses_is_an_error(void **state)
{
    (void)state;
    assert_refused(INTERFACE "CheckAliveInterval = 3\n" PEER,
                   "E f:1: CheckAliveInterval: there is no CheckAlive\n");
}

static void a_strategy_of_another_word_found_no_name(void **state)
{
    (void)state;
    assert_refused(INTERFACE PEER "[Resolve]\nResolveStrategy = ipv5\n",
                   "E f:9: ResolveStrategy: \"ipv5\": must be auto, ipv4 or ipv6\n");
}

static void names_that_do_not_fit_went_outside(void **state)
{
    (void)state;
    assert_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nTunnelDomains = x\n",
                   "E f:10: TunnelDomains: the names that do not fit would go outside the tunnel: "
                   "not supported; see Deny and "
                   "Allow\n");
}

static void tls_to_the_proxy_is_taken_whole(void **state)
{
    (void)state;
    static const char *const sections[] = {"http", "Socks5", "Proxy"};
    char text[1024];
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        snprintf(text, sizeof text,
                 INTERFACE PEER
                 "[%s]\nBindAddress = 1\nKeyFile = $DIR/key.pem\nCertFile = cert.pem\n",
                 sections[i]);
        struct config *c = parse(text, "");
        const struct config_door *d = only_door(c);
        assert_string_equal(d->tls_certificate, "-----BEGIN\ncertificate\n");
        assert_string_equal(d->tls_key, "-----BEGIN\nkey\n");
        assert_int_equal(d->tls_line, 11);
        config_free(c);
    }
    struct config *c = parse(INTERFACE PEER "[http]\nBindAddress = 1\n", "");
    assert_null(only_door(c)->tls_certificate);
    assert_null(c->doors[0].tls_key);
    config_free(c);
}

static void tls_to_the_proxy_is_never_half_there(void **state)
{
    (void)state;
    assert_refused(
        INTERFACE PEER
        "[http]\nBindAddress = 1\nCertFile = cert.pem\n[Socks5]\nBindAddress = 2\nKeyFile = key\n",
        "E f:10: CertFile: there is no KeyFile beside it\n"
        "E f:13: KeyFile: there is no CertFile beside it\n");
    assert_refused(INTERFACE PEER "[http]\nBindAddress = 1\nCertFile = cert.pem\nKeyFile = gone\n",
                   "E f:11: KeyFile: \"gone\": No such file or directory\n");
    assert_refused(INTERFACE PEER
                   "[http]\nBindAddress = 1\nCertFile = nothing\nKeyFile = $DIR/key.pem\n",
                   "E f:10: CertFile: the file has nothing in it\n");
    assert_refused(INTERFACE PEER "[http]\nBindAddress = 1\nCertFile =\nKeyFile = $DIR/key.pem\n",
                   "E f:10: CertFile: has no value\n");
    assert_refused(INTERFACE PEER "[SNI]\nBindAddress = 1\nCertFile = cert.pem\n",
                   "E f:10: \"CertFile\" belongs in [Proxy], not in [SNI]\n");
}

static void of_repeated_keys_only_the_first_counted(void **state)
{
    (void)state;
    struct config *c =
        parse("[Interface]\nPrivateKey = " PRIVATE_KEY "\nAddress = 10.0.0.2\nAddress = fd00::2\n"
              "[Peer]\nPublicKey = " PUBLIC_KEY
              "\nAllowedIPs = 0.0.0.0/0\nAllowedIPs = ::/0\nEndpoint = a:1\n",
              "");
    assert_int_equal(c->n_addresses, 2);
    assert_int_equal(c->peers[0].n_allowed_ips, 2);
    config_free(c);
}

static void a_section_without_bind_address_crashed_it(void **state)
{
    (void)state;
    assert_refused(INTERFACE PEER "[Socks5]\n[http]\n[SNI]\n",
                   "E f:8: [Socks5] has no BindAddress\n"
                   "E f:9: [http] has no BindAddress\n"
                   "E f:10: [SNI] has no BindAddress\n");
}

static void a_broken_private_key_was_printed(void **state)
{
    (void)state;
    assert_refused("[Interface]\nPrivateKey = oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQ\nAddress "
                   "= 10.0.0.2\n" PEER,
                   "E f:2: PrivateKey: not a key: must be 44 characters of base64 (found 42)\n");
}

static void resolve_without_a_strategy_found_no_name(void **state)
{
    (void)state;
    struct config *c = parse(INTERFACE PEER "[Resolve]\n", "");
    assert_int_equal(c->strategy, CONFIG_AUTO);
    assert_false(c->names_outside);
    config_free(c);
}

static void keepalive_off_and_bare_addresses_were_errors(void **state)
{
    (void)state;
    struct config *c =
        parse(INTERFACE "[Peer]\nPublicKey = " PUBLIC_KEY
                        "\nPersistentKeepalive = off\nAllowedIPs = 10.0.0.7\nEndpoint = a:1\n",
              "");
    assert_int_equal(c->peers[0].allowed_ips[0].len, 32);
    config_free(c);
}

static void wg_config_names_the_file_of_the_tunnel(void **state)
{
    (void)state;
    struct config *c =
        parse("WGConfig = wg0.conf\n[Socks5]\nBindAddress = 127.0.0.1:1\n",
              "W wg0.conf:8: [Socks5] is skipped: it belongs in the file with WGConfig\n");
    assert_int_equal(c->n_peers, 1);
    only_door(c);
    config_free(c);
    assert_refused("WGConfig = none.conf\n",
                   "E f:1: WGConfig: \"none.conf\": No such file or directory\n");
    assert_refused("WGConfig = $NOTHING\n[Socks5]\nBindAddress = 1\n",
                   "E f:1: WGConfig: \"$NOTHING\": the environment has no variable NOTHING\n");
}

static void secrets_can_stand_in_files(void **state)
{
    (void)state;
    struct config *c = parse("[Interface]\nPrivateKeyFile = $DIR/key\nAddress = 10.0.0.2\n" PEER
                             "[Socks5]\nBindAddress = 1\nUsername = u\nPasswordFile = key\n",
                             "");
    assert_string_equal(only_door(c)->users[0].password, PRIVATE_KEY);
    config_free(c);
    assert_refused("[Interface]\nPrivateKeyFile = gone\nAddress = 10.0.0.2\n" PEER,
                   "E f:2: PrivateKeyFile: \"gone\": No such file or directory\n");
    assert_refused("[Interface]\nPrivateKeyFile = empty\nAddress = 10.0.0.2\n" PEER,
                   "E f:2: PrivateKeyFile: the file has nothing in its first line\n");
}

static void a_listener_for_others_needs_a_word(void **state)
{
    (void)state;
    assert_refused(INTERFACE PEER "[SNI]\nBindAddress = :443\n",
                   "E f:9: BindAddress: \"0.0.0.0:443\": others could use the tunnel from there; "
                   "if they may, add "
                   "AllowLan = yes\n");
    struct config *c =
        parse(INTERFACE PEER "[Socks5]\nBindAddress = :1\nUsername = u\nPassword = p\n", "");
    config_free(c);
    c = parse(INTERFACE PEER
              "[TCPClientTunnel]\nBindAddress = 0.0.0.0:1\nTarget = a:1\nAllowLan = yes\n",
              "");
    config_free(c);
}

static void a_line_without_delimiter_is_an_error(void **state)
{
    (void)state;
    assert_refused(INTERFACE PEER "[Socks5]\nBindAddress 1\n",
                   "E f:8: [Socks5] has no BindAddress\n"
                   "E f:9: must be \"Key = value\" or \"[Section]\"\n");
}

static void without_dns_names_went_to_the_system_resolver(void **state)
{
    (void)state;
    struct config *c = parse(INTERFACE PEER "[Socks5]\nBindAddress = 1\n", "");
    assert_false(c->names_outside);
    config_free(c);
    c = parse(INTERFACE PEER "[Resolve]\nOutside = yes\n",
              "W f: [Resolve] Outside = yes: the names of destinations are told to this machine's "
              "resolver, outside the "
              "tunnel\n");
    assert_true(c->names_outside);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_section_of_it_is_taken),
        cmocka_unit_test(an_unset_variable_turned_the_password_off),
        cmocka_unit_test(variables_worked_for_some_keys_only),
        cmocka_unit_test(a_hash_inside_a_password_cut_it),
        cmocka_unit_test(quotes_around_a_value_are_not_part_of_it),
        cmocka_unit_test(backticks_protected_what_a_hash_would_have_cut),
        cmocka_unit_test(a_backslash_at_the_end_joined_the_next_line),
        cmocka_unit_test(a_value_could_name_another_key),
        cmocka_unit_test(numbers_could_be_hexadecimal_or_octal),
        cmocka_unit_test(a_repeated_single_key_is_told),
        cmocka_unit_test(misspelt_and_unknown_keys_were_ignored_in_silence),
        cmocka_unit_test(variables_did_not_work_for_numbers_and_endpoints),
        cmocka_unit_test(an_inactivity_timeout_of_0_keeps_flows),
        cmocka_unit_test(search_domains_in_dns_were_refused),
        cmocka_unit_test(an_interval_without_addresses_is_an_error),
        cmocka_unit_test(a_strategy_of_another_word_found_no_name),
        cmocka_unit_test(names_that_do_not_fit_went_outside),
        cmocka_unit_test(tls_to_the_proxy_is_taken_whole),
        cmocka_unit_test(tls_to_the_proxy_is_never_half_there),
        cmocka_unit_test(of_repeated_keys_only_the_first_counted),
        cmocka_unit_test(a_section_without_bind_address_crashed_it),
        cmocka_unit_test(a_broken_private_key_was_printed),
        cmocka_unit_test(resolve_without_a_strategy_found_no_name),
        cmocka_unit_test(keepalive_off_and_bare_addresses_were_errors),
        cmocka_unit_test(wg_config_names_the_file_of_the_tunnel),
        cmocka_unit_test(secrets_can_stand_in_files),
        cmocka_unit_test(a_listener_for_others_needs_a_word),
        cmocka_unit_test(a_line_without_delimiter_is_an_error),
        cmocka_unit_test(without_dns_names_went_to_the_system_resolver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
