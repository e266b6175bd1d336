/* SPDX-License-Identifier: MIT */
/* Values as wireproxy's users write them, in every form that its reader knows; where it misread one in silence, it is
 * taken as it was meant. Each trap is a test with its name. */
#include "unit/config/migrant.h"

#include <stdio.h>

#include "unit/test.h"

static void an_unset_variable_turned_the_password_off(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = u\nPassword = $UNSET\n",
                    "E f:11: Password: the environment has no variable UNSET\n");
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = $UNSET\nPassword = p\n",
                    "E f:10: Username: \"$UNSET\": the environment has no variable UNSET\n");
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = u\nPassword = $EMPTY\n",
                    "E f:11: Password: has no value\n");
}

static void variables_worked_for_some_keys_only(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        "[Interface]\nPrivateKey = $KEY\nAddress = ${ADDR}\n[Peer]\nPublicKey = " PUBLIC_KEY
        "\nAllowedIPs = ::/0\nEndpoint = $HOST\n[Socks5]\nBindAddress = 1\n"
        "Username = $$u\nPassword = $PASS\n",
        "");
    assert_int_equal(c->n_addresses, 2);
    assert_string_equal(c->peers[0].endpoint_host, "vpn.example");
    assert_string_equal(migrant_door(c)->users[0].name, "$u");
    assert_string_equal(migrant_door(c)->users[0].password, "p w");
    config_free(c);
}

/* Whoever starts another program keeps these from it. */
static void variables_with_a_secret_are_known(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        "k = $KEY\n[Interface]\nPrivateKey = %(k)s\nAddress = $ADDR\n[Peer]\nPublicKey "
        "= " PUBLIC_KEY "\nPresharedKey = ${PSK}\nAllowedIPs = ::/0\nEndpoint = $HOST\n"
        "[Socks5]\nBindAddress = 1\nUsername = $HOST\nPassword = $PASS\n"
        "Username = v\nPassword = $$PASS\nUsername = w\nPasswordFile = $DIR/key\n",
        "");
    assert_non_null(c);
    assert_int_equal(c->n_secret_variables, 3);
    assert_string_equal(c->secret_variables[0], "KEY");
    assert_string_equal(c->secret_variables[1], "PSK");
    assert_string_equal(c->secret_variables[2], "PASS");
    config_free(c);
}

static void variables_did_not_work_for_numbers_and_endpoints(void **state)
{
    (void)state;
    struct config *c =
        migrant_parse("WGConfig = $CONF\n[UDPProxyTunnel]\nBindAddress = 1\nTarget = "
                      "10.9.0.1:1\nInactivityTimeout = $TEN\n",
                      "W wg0.conf:8: [Socks5] is skipped: it belongs in the file with WGConfig\n");
    assert_int_equal(migrant_door(c)->idle, 10);
    config_free(c);
    c = migrant_parse(
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

static void assert_password(const char *written, const char *meant, const char *messages)
{
    char lines[256];
    snprintf(lines, sizeof lines, "Username = u\nPassword = %s\n", written);
    struct config *c = migrant_user(lines, messages);
    assert_string_equal(c->doors[0].users[0].password, meant);
    config_free(c);
}

static void a_variable_in_quotes_was_one_all_the_same(void **state)
{
    (void)state;
    assert_password("\"$PASS\"", "p w", "");
    assert_password("'${PASS}'", "p w", "");
    assert_password("`$PASS`", "p w", "");
    assert_password("\"$$PASS\"", "$PASS", "");
}

static void what_a_variable_holds_stands_for_itself(void **state)
{
    (void)state;
    assert_password("$ODD", "%(host)s $PASS \"#\\", "");
}

#define CUT "W f:11: Password: the # is a part of it, although wireproxy ends the value there\n"

static void a_hash_inside_a_password_cut_it(void **state)
{
    (void)state;
    assert_password("ab#c;d ; said", "ab#c;d", CUT);
    assert_password("ab # said", "ab", "");
}

static void quotation_marks_did_not_keep_a_hash_from_cutting(void **state)
{
    (void)state;
    assert_password("\"ab #c\" # said", "ab #c", CUT);
    assert_password("'ab#c'", "ab#c", CUT);
}

static void quotes_around_a_value_are_not_part_of_it(void **state)
{
    (void)state;
    assert_password("\" p \"", " p ", "");
    assert_password("'it is'", "it is", "");
    struct config *c = migrant_parse(
        INTERFACE PEER
        "[Socks5]\n\"BindAddress\" = \"127.0.0.1:1\"\n`Username` = 'u'\nPassword = p\n",
        "");
    assert_string_equal(migrant_door(c)->users[0].name, "u");
    config_free(c);
}

#define PART_OF_IT \
    "W f:11: Password: the quotation mark is a part of it: it does not enclose the value\n"

static void quotes_that_do_not_enclose_a_value_are_part_of_it(void **state)
{
    (void)state;
    assert_password("\"a\"b\"", "\"a\"b\"", PART_OF_IT);
    assert_password("\"ab", "\"ab", PART_OF_IT);
    assert_password("\"ab # said", "\"ab", PART_OF_IT);
    assert_password("'a'b'", "'a'b'", "");
    assert_password("it's", "it's", "");
}

static void backticks_protected_what_a_hash_would_have_cut(void **state)
{
    (void)state;
    assert_password("`a #b`", "a #b", "");
    assert_password("`a`b` ; said", "a`b", "");
    assert_password("\"\"\"c;d\"\"\"", "c;d", "");
    assert_password("`a` b", "a", "W f:11: what follows the closing quotation mark is ignored\n");
}

static void backticks_enclosed_several_lines(void **state)
{
    (void)state;
    struct config *c = migrant_parse(INTERFACE "[Peer]\nPublicKey = " PUBLIC_KEY
                                               "\nAllowedIPs = `10.0.0.0/8,\n  fd00::/8,\n`\n"
                                               "Endpoint = a:1\nMTU = 1\n",
                                     "W f:6: AllowedIPs: a comma too many, ignored\n"
                                     "E f:10: \"MTU\" belongs in [Interface], not in [Peer]\n");
    assert_null(c);
    assert_password("\"\"\"a\nb\"\"\"", "a\nb", "");
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAddress = `1\n",
                    "E f:8: [Socks5] has no BindAddress\n"
                    "E f:9: the ` or \"\"\" before the value is not closed\n");
}

static void a_backslash_at_the_end_joined_the_next_line(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        INTERFACE
        "[Peer]\nPublicKey = " PUBLIC_KEY "\nAllowedIPs = 10.0.0.0/8, \\\n  fd00::/8, \\\n"
        "  10.64.0.0/33\nEndpoint = a:1\n[Socks5]\nBindAddress = 127.0.0.1:\\\n1080\nUsernam = x\n",
        "E f:6: AllowedIPs: \"10.64.0.0/33\": prefix length must be 0 to 32\n"
        "E f:13: unknown key \"Usernam\": did you mean \"Username\"?\n");
    assert_null(c);
    c = migrant_parse(INTERFACE PEER "[Socks5]\nBindAddress = 127.0.0.1:\\\r\n\t1080\r\n", "");
    assert_int_equal(migrant_door(c)->bind.at.port, 1080);
    config_free(c);
    /* nothing is taken off what was joined */
    assert_password("\"ab\\\n cd\" # e", "\"abcd\" # e", "");
    assert_password("\\\nab", "ab", "");
}

static void a_backslash_swallowed_the_line_below(void **state)
{
    (void)state;
    assert_password(
        "ab\\\n[http]\n", "ab[http]",
        "W f:11: a line that looks like one of its own is a part of the value above it\n");
    migrant_refused(
        INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = DOMAIN\\\nPassword = p\n",
        "E f:8: [Socks5] has a Username without a Password\n"
        "W f:10: a line that looks like one of its own is a part of the value above it\n");
}

static void a_backslash_at_the_end_of_a_comment_joined_the_next_line(void **state)
{
    (void)state;
    static const char doubt[] =
        "W f:10: the comment ends in \\, for which wireproxy joins the next line: here "
        "it ends with its own\n";
    struct config *c = migrant_user("Username = u # DOMAIN\\u \\\nPassword = p\n", doubt);
    assert_string_equal(c->doors[0].users[0].name, "u");
    config_free(c);
}

static void a_value_could_name_another_key(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        "host = 127.0.0.1\nnets = 10.0.0.0/8, fd00::/8\n[Interface]\nPrivateKey = " PRIVATE_KEY
        "\nAddress = 10.0.0.2\n[Peer]\nPublicKey = " PUBLIC_KEY
        "\nAllowedIPs = %(nets)s, 192.168.0.0/16\nEndpoint = %(host)s:%(PORT)s\nport = 51820\n"
        "[Socks5]\nBindAddress = %(host)s:%(port)s\nport = 108%(digit)s\ndigit = 0\n"
        "[http]\nhost = ::1\nBindAddress = [%(host)s]:%(port)s\nport = 1081\n",
        "");
    assert_int_equal(c->peers[0].n_allowed_ips, 3);
    assert_string_equal(c->peers[0].endpoint_host, "127.0.0.1");
    assert_int_equal(c->peers[0].endpoint_port, 51820);
    assert_int_equal(c->doors[0].bind.at.port, 1080);
    assert_int_equal(c->doors[1].bind.at.addr.family, FAMILY_V6);
    assert_int_equal(c->doors[1].bind.at.port, 1081);
    config_free(c);
}

static void a_value_could_name_a_key_with_a_variable(void **state)
{
    (void)state;
    struct config *c = migrant_user("Username = u\nPassword = %(secret)s\nsecret = $PASS\n", "");
    assert_string_equal(c->doors[0].users[0].password, "p w");
    config_free(c);
    c = migrant_user("Username = u\nPassword = $%(secret)s\nsecret = PASS\n", "");
    assert_string_equal(c->doors[0].users[0].password, "p w");
    config_free(c);
    migrant_refused(
        INTERFACE PEER "[Socks5]\nBindAddress = %(ip)s:1\nip = $IP\n",
        "E f:9: BindAddress: \"$IP:1\": begins with $ but is no variable's name: write $$ "
        "for a $ of its own\n");
}

static void a_percent_sign_is_one_of_a_password(void **state)
{
    (void)state;
    assert_password("100%", "100%", "");
    assert_password("a%(b", "a%(b", "");
    assert_password("a%()s%(b)d", "a%()s%(b)d", "");
    assert_password(
        "a%(b)s", "a%(b)s",
        "W f:11: Password: no key has the name in its %(...)s, which is left as it stands\n");
}

static void keys_that_named_each_other_made_rubbish(void **state)
{
    (void)state;
    migrant_refused(
        INTERFACE PEER "[Socks5]\nBindAddress = %(a)s\na = %(b)s\nb = %(a)s\n",
        "E f:9: BindAddress: \"%(a)s\": names keys in %(...)s that name each other without "
        "end\n");
    migrant_refused("a = %(a)s1\n" INTERFACE PEER "[Socks5]\nBindAddress = %(a)s\n",
                    "E f:10: BindAddress: \"%(a)s\": names keys in %(...)s that name each other "
                    "without end\n");
}

static void numbers_could_be_hexadecimal(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        INTERFACE
        "MTU = 0x500\nListenPort = 0xC8\nCheckAlive = 10.0.0.1\nCheckAliveInterval = 0b11\n" PEER
        "PersistentKeepalive = 0x19\n[TCPServerTunnel]\nListenPort = 0x1_F\nTarget = a:1\n"
        "[UDPProxyTunnel]\nBindAddress = 1\nTarget = 10.9.0.1:1\nInactivityTimeout = 0o36\n",
        "");
    assert_int_equal(c->mtu, 1280);
    assert_int_equal(c->listen_port, 200);
    assert_int_equal(c->check_alive_interval, 3);
    assert_int_equal(c->peers[0].keepalive, 25);
    assert_int_equal(c->doors[0].port, 31);
    assert_int_equal(c->doors[1].idle, 30);
    config_free(c);
}

static void a_leading_zero_made_a_number_octal(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        INTERFACE "MTU = 02420\nCheckAlive = 10.0.0.1\nCheckAliveInterval = 010\n" PEER
                  "[TCPServerTunnel]\nListenPort = 010\nTarget = a:01\n",
        "W f:4: MTU: is 1296: a leading zero is taken for octal, as by wireproxy\n"
        "W f:6: CheckAliveInterval: is 8: a leading zero is taken for octal, as by wireproxy\n"
        "W f:12: ListenPort: is 8: a leading zero is taken for octal, as by wireproxy\n");
    assert_int_equal(c->mtu, 1296);
    assert_int_equal(c->check_alive_interval, 8);
    assert_int_equal(c->doors[0].port, 8);
    assert_int_equal(c->doors[0].target_port, 1);
    config_free(c);
}

static void a_leading_zero_says_nothing_where_wg_takes_none_for_octal(void **state)
{
    (void)state;
    struct config *c = migrant_parse(
        INTERFACE "ListenPort = 010\n" PEER "PersistentKeepalive = 025\n",
        "W f:4: ListenPort: is 10, as for wg(8): wireproxy takes a leading zero for "
        "octal\n"
        "W f:9: PersistentKeepalive: is 25, as for wg(8): wireproxy takes a leading zero "
        "for octal\n");
    assert_int_equal(c->listen_port, 10);
    assert_int_equal(c->peers[0].keepalive, 25);
    config_free(c);
}

static void keys_of_ours_take_plain_numbers_only(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER
                    "[Socks5]\nBindAddress = 1\nUdpPort = 0x10\n[Limits]\nWorkers = 010\n",
                    "E f:10: UdpPort: \"0x10\": must be a port, 0 to 65535\n"
                    "E f:12: Workers: \"010\": must be auto, or a number from 0 to 32\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unset_variable_turned_the_password_off),
        cmocka_unit_test(variables_worked_for_some_keys_only),
        cmocka_unit_test(variables_with_a_secret_are_known),
        cmocka_unit_test(variables_did_not_work_for_numbers_and_endpoints),
        cmocka_unit_test(a_variable_in_quotes_was_one_all_the_same),
        cmocka_unit_test(what_a_variable_holds_stands_for_itself),
        cmocka_unit_test(a_hash_inside_a_password_cut_it),
        cmocka_unit_test(quotation_marks_did_not_keep_a_hash_from_cutting),
        cmocka_unit_test(quotes_around_a_value_are_not_part_of_it),
        cmocka_unit_test(quotes_that_do_not_enclose_a_value_are_part_of_it),
        cmocka_unit_test(backticks_protected_what_a_hash_would_have_cut),
        cmocka_unit_test(backticks_enclosed_several_lines),
        cmocka_unit_test(a_backslash_at_the_end_joined_the_next_line),
        cmocka_unit_test(a_backslash_swallowed_the_line_below),
        cmocka_unit_test(a_backslash_at_the_end_of_a_comment_joined_the_next_line),
        cmocka_unit_test(a_value_could_name_another_key),
        cmocka_unit_test(a_value_could_name_a_key_with_a_variable),
        cmocka_unit_test(a_percent_sign_is_one_of_a_password),
        cmocka_unit_test(keys_that_named_each_other_made_rubbish),
        cmocka_unit_test(numbers_could_be_hexadecimal),
        cmocka_unit_test(a_leading_zero_made_a_number_octal),
        cmocka_unit_test(a_leading_zero_says_nothing_where_wg_takes_none_for_octal),
        cmocka_unit_test(keys_of_ours_take_plain_numbers_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
