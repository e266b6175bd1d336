/* SPDX-License-Identifier: MIT */
/* Files as wireproxy's users have them: their sections and keys are taken unchanged, and where that program passed over
 * something in silence, it is said. Each trap is a test with its name. */
#include "unit/config/migrant.h"

#include <stdio.h>
#include <string.h>

#include "unit/test.h"

static void every_section_of_it_is_taken(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        "[interface]\nAddress = 10.200.200.2/32\nMTU = 1420\nPrivateKey = " PRIVATE_KEY
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

static void of_repeated_single_keys_the_first_counted_in_silence(void **state)
{
    (void)state;
    struct config *c =
        migrant_parse(INTERFACE PEER "[Socks5]\nBindAddress = 1\nBindAddress = 2\n"
                                     "[Resolve]\nResolveStrategy = ipv4\nResolveStrategy = ipv6\n",
                      "W f:10: BindAddress: is ignored, for the one in line 9 counts\n"
                      "W f:13: ResolveStrategy: is ignored, for the one in line 12 counts\n");
    assert_int_equal(migrant_door(c)->bind.at.port, 1);
    assert_int_equal(c->strategy, CONFIG_IPV4);
    config_free(c);
    c = migrant_parse(INTERFACE "MTU = 1300\nMTU = 1400\n" PEER,
                      "W f:5: MTU: replaces the one in line 4\n"); /* wg(8)'s rule */
    assert_int_equal(c->mtu, 1400);
    config_free(c);
}

static void of_repeated_resolve_sections_the_first_counted_in_silence(void **state)
{
    (void)state;
    struct config *c = migrant_parse(INTERFACE PEER "[Resolve]\nResolveStrategy = ipv4\n"
                                                    "[Resolve]\nResolveStrategy = ipv6\n",
                                     "W f:10: a second [Resolve] is ignored: the one in line 8 "
                                     "counts\n");
    assert_int_equal(c->strategy, CONFIG_IPV4);
    config_free(c);
}

static void a_label_behind_a_section_was_ignored_in_silence(void **state)
{
    (void)state;
    struct config *c = migrant_parse(INTERFACE "[Peer] office\nPublicKey = " PUBLIC_KEY
                                               "\nAllowedIPs = ::/0\nEndpoint = a:1\n",
                                     "W f:4: what follows the section's name is ignored\n");
    assert_int_equal(c->n_peers, 1);
    config_free(c);
    migrant_refused(INTERFACE PEER "[Socks5] Username = u\nBindAddress = 1\n",
                    "E f:8: nothing but a comment may follow the section's name\n");
}

static void keys_for_other_keys_were_allowed_anywhere(void **state)
{
    (void)state;
    struct config *c = migrant_parse("name = u\nPort = 1\n" INTERFACE PEER
                                     "[Socks5]\nBindAddress = 127.0.0.1:%(port)s\n"
                                     "Usernam = %(name)s\nUsername = %(usernam)s\nPassword = p\n",
                                     "");
    assert_string_equal(migrant_door(c)->users[0].name, "u");
    assert_int_equal(migrant_door(c)->bind.at.port, 1);
    config_free(c);
    c = migrant_parse("Colour = red\n" INTERFACE PEER, "W f:1: unknown key, ignored\n");
    config_free(c);
}

static void keys_for_other_keys_may_be_keys_of_ours(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        INTERFACE PEER "[SNI]\nPort = 8443\nBindAddress = 127.0.0.1:%(port)s\n",
        "W f:9: Port: other keys name it, and here it means something itself, unlike for "
        "wireproxy\n");
    assert_int_equal(migrant_door(c)->bind.at.port, 8443);
    config_free(c);
}

static void users_and_passwords_may_stand_in_any_order(void **state)
{
    (void)state;
    struct config *c = migrant_user("Password = p\nUsername = u\n", "");
    assert_string_equal(c->doors[0].users[0].name, "u");
    assert_string_equal(c->doors[0].users[0].password, "p");
    config_free(c);
    c = migrant_parse(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = a\nUsername = b\n"
                                     "Password = p\nPassword = q\n",
                      "");
    assert_int_equal(migrant_door(c)->n_users, 2);
    assert_string_equal(c->doors[0].users[0].password, "p");
    assert_string_equal(c->doors[0].users[1].password, "q");
    config_free(c);
}

static void a_user_without_password_had_an_empty_one(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = u\nPassword =\n",
                    "E f:8: [Socks5] has a Username without a Password\n"
                    "W f:11: Password: has no value, ignored\n");
}

static void a_password_without_user_let_everybody_in(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nPassword = p\n"
                                   "[Access]\nDeny = * user=u\n",
                    "E f:8: [Socks5] has a Password without a Username\n"
                    "W f:12: no door has this user: the rule never fits\n");
}

static void a_form_that_was_not_filled_in_asks_for_nothing(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        INTERFACE PEER
        "[http]\nBindAddress = 1\nUsername =\nPassword = # here\nCertFile =\nKeyFile =\n",
        "W f:10: Username: has no value, ignored\nW f:11: Password: has no value, ignored\n"
        "W f:12: CertFile: has no value, ignored\nW f:13: KeyFile: has no value, ignored\n");
    assert_int_equal(migrant_door(c)->n_users, 0);
    assert_null(migrant_door(c)->tls_certificate);
    config_free(c);
}

static void misspelt_and_unknown_keys_were_ignored_in_silence(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAdress = 1\nColour = red\n[Sock5]\n[Colours]\n",
                    "E f:8: [Socks5] has no BindAddress\n"
                    "E f:9: unknown key \"BindAdress\": did you mean \"BindAddress\"?\n"
                    "W f:10: unknown key, ignored\n"
                    "E f:11: unknown section \"Sock5\": did you mean [Socks5]?\n"
                    "W f:12: unknown section, skipped\n");
}

static const struct config_door *udp_tunnel(struct config **out, const char *lines)
{
    char text[1024];
    snprintf(text, sizeof text,
             INTERFACE PEER "[UDPProxyTunnel]\nBindAddress = 1\nTarget = 10.9.0.1:1\n%s", lines);
    *out = migrant_parse(text, "");
    return migrant_door(*out);
}

static void flows_without_an_inactivity_timeout_were_kept(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        bool has_idle;
        unsigned idle;
    } all[] = {{"", true, 0},
               {"InactivityTimeout = 0\n", true, 0},
               {"InactivityTimeout = -1\n", true, 0},
               {"InactivityTimeout = 30\n", true, 30},
               {"InactivityTimeout = 5m\n", true, 300},
               {"[Limits]\nUdpIdleTimeout = 90\n", false, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        struct config *c;
        const struct config_door *d = udp_tunnel(&c, all[i].lines);
        assert_int_equal(d->has_idle, all[i].has_idle);
        assert_int_equal(d->idle, all[i].idle);
        config_free(c);
    }
}

static void only_its_own_section_keeps_flows(void **state)
{
    (void)state;
    struct config *c =
        migrant_parse(INTERFACE PEER "[UDPServerTunnel]\nListenPort = 1\nTarget = a:1\n", "");
    assert_false(migrant_door(c)->has_idle);
    config_free(c);
    c = migrant_parse(INTERFACE PEER "[TCPClientTunnel]\nBindAddress = 1\nTarget = 10.9.0.1:1\n",
                      "");
    assert_false(migrant_door(c)->has_idle);
    config_free(c);
}

static void destinations_are_told_where_log_domains_says_so(void **state)
{
    (void)state;
    static const char *const sections[] = {"Socks5", "http", "SNI", "Proxy"};
    char text[1024];
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        snprintf(text, sizeof text, INTERFACE PEER "[%s]\nBindAddress = 1\nLogDomains = true\n",
                 sections[i]);
        struct config *c = migrant_parse(text, "");
        assert_true(migrant_door(c)->log_domains);
        config_free(c);
    }
    struct config *c = migrant_parse(INTERFACE PEER "[SNI]\nBindAddress = 1\n", "");
    assert_false(migrant_door(c)->log_domains);
    config_free(c);
}

static void search_domains_in_dns_were_refused(void **state)
{
    (void)state;
    struct config *c = migrant_parse(INTERFACE "DNS = 1.1.1.1, corp.lan\n" PEER, "");
    assert_int_equal(c->n_dns, 1);
    assert_string_equal(c->search[0], "corp.lan");
    config_free(c);
}

static void an_interval_without_addresses_is_an_error(void **state)
{
    (void)state;
    migrant_refused(INTERFACE "CheckAliveInterval = 3\n" PEER,
                    "E f:1: CheckAliveInterval: there is no CheckAlive\n");
}

static void a_strategy_of_another_word_found_no_name(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[Resolve]\nResolveStrategy = ipv5\n",
                    "E f:9: ResolveStrategy: \"ipv5\": must be auto, ipv4 or ipv6\n");
}

static void names_that_do_not_fit_went_outside(void **state)
{
    (void)state;
    migrant_refused(
        INTERFACE PEER "[Socks5]\nBindAddress = 1\nTunnelDomains = x\nTunnelDomains = y\n",
        "E f:10: TunnelDomains: the names that do not fit would be reached outside the tunnel, "
        "which "
        "wgproxy never does: take it out, and give clients /proxy.pac (see -i) or NO_PROXY\n");
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
        struct config *c = migrant_parse(text, "");
        const struct config_door *d = migrant_door(c);
        assert_string_equal(d->tls_certificate, "-----BEGIN\ncertificate\n");
        assert_string_equal(d->tls_key, "-----BEGIN\nkey\n");
        assert_int_equal(d->tls_line, 11);
        config_free(c);
    }
    struct config *c = migrant_parse(INTERFACE PEER "[http]\nBindAddress = 1\n", "");
    assert_null(migrant_door(c)->tls_certificate);
    assert_null(c->doors[0].tls_key);
    config_free(c);
}

static void tls_to_the_proxy_is_never_half_there(void **state)
{
    (void)state;
    migrant_refused(
        INTERFACE PEER
        "[http]\nBindAddress = 1\nCertFile = cert.pem\n[Socks5]\nBindAddress = 2\nKeyFile = key\n",
        "E f:10: CertFile: there is no KeyFile beside it\n"
        "E f:13: KeyFile: there is no CertFile beside it\n");
    migrant_refused(INTERFACE PEER "[http]\nBindAddress = 1\nCertFile = cert.pem\nKeyFile = gone\n",
                    "E f:11: KeyFile: \"gone\": No such file or directory\n");
    migrant_refused(INTERFACE PEER
                    "[http]\nBindAddress = 1\nCertFile = nothing\nKeyFile = $DIR/key.pem\n",
                    "E f:10: CertFile: the file has nothing in it\n");
    migrant_refused(INTERFACE PEER "[http]\nBindAddress = 1\nCertFile =\nKeyFile = $DIR/key.pem\n",
                    "W f:10: CertFile: has no value, ignored\n"
                    "E f:11: KeyFile: there is no CertFile beside it\n");
    migrant_refused(INTERFACE PEER "[SNI]\nBindAddress = 1\nCertFile = cert.pem\n",
                    "E f:10: \"CertFile\" belongs in [Proxy], not in [SNI]\n");
}

static void of_repeated_keys_only_the_first_counted(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        "[Interface]\nPrivateKey = " PRIVATE_KEY "\nAddress = 10.0.0.2\nAddress = fd00::2\n"
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
    migrant_refused(INTERFACE PEER "[Socks5]\n[http]\n[SNI]\n",
                    "E f:8: [Socks5] has no BindAddress\n"
                    "E f:9: [http] has no BindAddress\n"
                    "E f:10: [SNI] has no BindAddress\n");
}

static void a_broken_private_key_was_printed(void **state)
{
    (void)state;
    migrant_refused("[Interface]\nPrivateKey = oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQ\nAddress "
                    "= 10.0.0.2\n" PEER,
                    "E f:2: PrivateKey: not a key: must be 44 characters of base64 (found 42)\n");
}

static void resolve_without_a_strategy_found_no_name(void **state)
{
    (void)state;
    struct config *c = migrant_parse(INTERFACE PEER "[Resolve]\n", "");
    assert_int_equal(c->strategy, CONFIG_AUTO);
    assert_false(c->names_outside);
    config_free(c);
}

static void keepalive_off_and_bare_addresses_were_errors(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        INTERFACE "[Peer]\nPublicKey = " PUBLIC_KEY
                  "\nPersistentKeepalive = off\nAllowedIPs = 10.0.0.7\nEndpoint = a:1\n",
        "");
    assert_int_equal(c->peers[0].allowed_ips[0].len, 32);
    config_free(c);
}

static void wg_config_names_the_file_of_the_tunnel(void **state)
{
    (void)state;
    struct config *c =
        migrant_parse("WGConfig = wg0.conf\n[Socks5]\nBindAddress = 127.0.0.1:1\n",
                      "W wg0.conf:8: [Socks5] is skipped: it belongs in the file with WGConfig\n");
    assert_int_equal(c->n_peers, 1);
    migrant_door(c);
    config_free(c);
    migrant_refused("WGConfig = none.conf\n",
                    "E f:1: WGConfig: \"none.conf\": No such file or directory\n");
    migrant_refused("WGConfig = $NOTHING\n[Socks5]\nBindAddress = 1\n",
                    "E f:1: WGConfig: \"$NOTHING\": the environment has no variable NOTHING\n");
}

static void secrets_can_stand_in_files(void **state)
{
    (void)state;
    struct config *c =
        migrant_parse("[Interface]\nPrivateKeyFile = $DIR/key\nAddress = 10.0.0.2\n" PEER
                      "[Socks5]\nBindAddress = 1\nUsername = u\nPasswordFile = key\n",
                      "");
    assert_string_equal(migrant_door(c)->users[0].password, PRIVATE_KEY);
    config_free(c);
    migrant_refused("[Interface]\nPrivateKeyFile = gone\nAddress = 10.0.0.2\n" PEER,
                    "E f:2: PrivateKeyFile: \"gone\": No such file or directory\n");
    migrant_refused("[Interface]\nPrivateKeyFile = empty\nAddress = 10.0.0.2\n" PEER,
                    "E f:2: PrivateKeyFile: the file has nothing in its first line\n");
}

static void a_listener_for_others_needs_a_word(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[SNI]\nBindAddress = :443\n",
                    "E f:9: BindAddress: \"0.0.0.0:443\": others could use the tunnel from there; "
                    "if they may, add "
                    "AllowLan = yes, or give --allow-lan\n");
    struct config *c = migrant_parse(
        INTERFACE PEER "[Socks5]\nBindAddress = :1\nUsername = u\nPassword = p\n", "");
    config_free(c);
    c = migrant_parse(
        INTERFACE PEER
        "[TCPClientTunnel]\nBindAddress = 0.0.0.0:1\nTarget = 10.9.0.1:1\nAllowLan = yes\n",
        "");
    config_free(c);
}

static void every_address_was_of_both_families(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        INTERFACE PEER "[SNI]\nBindAddress = [::]:1\nAllowLan = yes\n",
        "W f:9: BindAddress: [::] is for IPv6 only, although wireproxy takes IPv4 there, too\n");
    config_free(c);
    c = migrant_parse(INTERFACE PEER "[Proxy]\nBindAddress = [::]:1\nAllowLan = yes\n", "");
    config_free(c);
}

static void a_line_without_delimiter_is_an_error(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAddress 1\n",
                    "E f:8: [Socks5] has no BindAddress\n"
                    "E f:9: must be \"Key = value\" or \"[Section]\"\n");
}

static void without_dns_names_went_to_the_system_resolver(void **state)
{
    (void)state;
    struct config *c = migrant_parse(INTERFACE PEER "[Socks5]\nBindAddress = 1\n", "");
    assert_false(c->names_outside);
    config_free(c);
    c = migrant_parse(
        INTERFACE PEER "[Resolve]\nOutside = yes\n",
        "W f: [Resolve] Outside = yes: the names of destinations are told to this machine's "
        "resolver, outside the "
        "tunnel\n");
    assert_true(c->names_outside);
    config_free(c);
}

static void without_dns_the_name_of_a_target_went_to_the_system_resolver(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        INTERFACE PEER "[TCPClientTunnel]\nBindAddress = 1\nTarget = db.corp:1\n[STDIOTunnel]\n"
                       "Target = ssh.corp:22\n[TCPServerTunnel]\nListenPort = 1\nTarget = "
                       "localhost:1\n",
        "W f:10: Target: \"db.corp\" is a name, and there is no DNS to ask for it in the tunnel\n"
        "W f:12: Target: \"ssh.corp\" is a name, and there is no DNS to ask for it in the "
        "tunnel\n");
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_section_of_it_is_taken),
        cmocka_unit_test(of_repeated_single_keys_the_first_counted_in_silence),
        cmocka_unit_test(of_repeated_resolve_sections_the_first_counted_in_silence),
        cmocka_unit_test(a_label_behind_a_section_was_ignored_in_silence),
        cmocka_unit_test(keys_for_other_keys_were_allowed_anywhere),
        cmocka_unit_test(keys_for_other_keys_may_be_keys_of_ours),
        cmocka_unit_test(users_and_passwords_may_stand_in_any_order),
        cmocka_unit_test(a_user_without_password_had_an_empty_one),
        cmocka_unit_test(a_password_without_user_let_everybody_in),
        cmocka_unit_test(a_form_that_was_not_filled_in_asks_for_nothing),
        cmocka_unit_test(misspelt_and_unknown_keys_were_ignored_in_silence),
        cmocka_unit_test(flows_without_an_inactivity_timeout_were_kept),
        cmocka_unit_test(only_its_own_section_keeps_flows),
        cmocka_unit_test(destinations_are_told_where_log_domains_says_so),
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
        cmocka_unit_test(every_address_was_of_both_families),
        cmocka_unit_test(a_line_without_delimiter_is_an_error),
        cmocka_unit_test(without_dns_names_went_to_the_system_resolver),
        cmocka_unit_test(without_dns_the_name_of_a_target_went_to_the_system_resolver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
