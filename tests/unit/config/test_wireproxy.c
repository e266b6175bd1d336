/* SPDX-License-Identifier: MIT */
/* Files as wireproxy's users have them: their sections and keys are taken unchanged, and where that program passed over
 * something in silence, it is said. Each trap is a test with its name. */
#include "unit/config/migrant.h"

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

static void misspelt_and_unknown_keys_were_ignored_in_silence(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAdress = 1\nColour = red\n[Sock5]\n[Colours]\n",
                    "E f:9: unknown key \"BindAdress\": did you mean \"BindAddress\"?\n"
                    "W f:10: unknown key, ignored\n"
                    "E f:11: unknown section \"Sock5\": did you mean [Socks5]?\n"
                    "W f:12: unknown section, skipped\n");
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

/* What follows from it would be untrue: there is a password, and somebody who is asked for it. */
static void a_user_whose_file_is_gone_is_one_mistake(void **state)
{
    (void)state;
#define OUTSIDE INTERFACE PEER "[Socks5]\nBindAddress = 0.0.0.0:1\n"
    static const char *const files[][2] = {
        {OUTSIDE "Username = u\nPasswordFile = gone\nAllow = * user=u\n",
         "E f:11: PasswordFile: \"gone\": No such file or directory\n"},
        {OUTSIDE "Username = u\nPasswordFile = empty\n",
         "E f:11: PasswordFile: the file has nothing in its first line\n"},
        {OUTSIDE "PasswordFile = gone\nUsername = u\nUsername = v\nPassword = p\n",
         "E f:10: PasswordFile: \"gone\": No such file or directory\n"},
        {OUTSIDE "Username = $UNSET\nPassword = p\nAllow = * user=u\n",
         "E f:10: Username: \"$UNSET\": the environment has no variable UNSET\n"},
        {OUTSIDE "Username = u\nPasword = p\n",
         "E f:11: unknown key \"Pasword\": did you mean \"Password\"?\n"},
        {OUTSIDE "Usrname = u\nPassword = p\n",
         "E f:10: unknown key \"Usrname\": did you mean \"Username\"?\n"},
        /* and what has nothing to do with it is told beside it */
        {OUTSIDE "Username = u\nPasswordFile = gone\n[http]\nBindAddress = "
                 "0.0.0.0:2\nUsername = v\n",
         "E f:11: PasswordFile: \"gone\": No such file or directory\n"
         "E f:12: [http] has a Username without a Password\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        migrant_refused(files[i][0], files[i][1]);
    }
}

static void a_key_whose_file_is_gone_is_one_mistake(void **state)
{
    (void)state;
    migrant_refused("[Interface]\nPrivatKey = " PRIVATE_KEY "\nAddress = 10.0.0.2\n" PEER,
                    "E f:2: unknown key \"PrivatKey\": did you mean \"PrivateKey\"?\n");
    migrant_refused(INTERFACE PEER "PresharedKeyFile = gone\n",
                    "E f:8: PresharedKeyFile: \"gone\": No such file or directory\n");
    migrant_refused(INTERFACE PEER "[http]\nBindAddress = 1\nCertFile = cert.pem\nKeyFil = key\n",
                    "E f:11: unknown key \"KeyFil\": did you mean \"KeyFile\"?\n");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_section_of_it_is_taken),
        cmocka_unit_test(of_repeated_single_keys_the_first_counted_in_silence),
        cmocka_unit_test(of_repeated_resolve_sections_the_first_counted_in_silence),
        cmocka_unit_test(a_label_behind_a_section_was_ignored_in_silence),
        cmocka_unit_test(keys_for_other_keys_were_allowed_anywhere),
        cmocka_unit_test(keys_for_other_keys_may_be_keys_of_ours),
        cmocka_unit_test(misspelt_and_unknown_keys_were_ignored_in_silence),
        cmocka_unit_test(search_domains_in_dns_were_refused),
        cmocka_unit_test(an_interval_without_addresses_is_an_error),
        cmocka_unit_test(a_strategy_of_another_word_found_no_name),
        cmocka_unit_test(of_repeated_keys_only_the_first_counted),
        cmocka_unit_test(a_broken_private_key_was_printed),
        cmocka_unit_test(resolve_without_a_strategy_found_no_name),
        cmocka_unit_test(keepalive_off_and_bare_addresses_were_errors),
        cmocka_unit_test(wg_config_names_the_file_of_the_tunnel),
        cmocka_unit_test(secrets_can_stand_in_files),
        cmocka_unit_test(a_user_whose_file_is_gone_is_one_mistake),
        cmocka_unit_test(a_key_whose_file_is_gone_is_one_mistake),
        cmocka_unit_test(a_line_without_delimiter_is_an_error),
        cmocka_unit_test(without_dns_names_went_to_the_system_resolver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
