/* SPDX-License-Identifier: MIT */
/* The doors of wireproxy's files: who may come in, where they stand, and what they do without being told. Each trap is a test
 * with its name. */
#include "unit/config/migrant.h"

#include <stdio.h>

#include "unit/test.h"

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
                    "E f:8: [Socks5] has a Password without a Username\n");
}

/* Which password would count? The same name in another section is another door's. */
static void a_door_has_a_user_once(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = a\nPassword = 1\n"
                                   "Username = b\nPassword = 2\nUsername = a\nPassword = 3\n",
                    "E f:14: Username: \"a\": is a user of this section already\n");
    struct config *c = migrant_parse(
        INTERFACE PEER "[Socks5]\nBindAddress = 1\nUsername = a\nUsername = A\nPassword = 1\n"
                       "Password = 2\n[http]\nBindAddress = 2\nUsername = a\nPassword = 3\n",
        "");
    assert_int_equal(c->doors[0].n_users, 2);
    assert_int_equal(c->doors[1].n_users, 1);
    config_free(c);
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

static void a_section_without_bind_address_crashed_it(void **state)
{
    (void)state;
    migrant_refused(INTERFACE PEER "[Socks5]\n[http]\n[SNI]\n",
                    "E f:8: [Socks5] has no BindAddress\n"
                    "E f:9: [http] has no BindAddress\n"
                    "E f:10: [SNI] has no BindAddress\n");
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

static bool is_for_both_families(const char *section)
{
    char text[1024];
    snprintf(text, sizeof text, INTERFACE PEER "%sAllowLan = yes\n", section);
    struct config *c = migrant_parse(text, "");
    bool both = c->doors[0].is_for_both_families;
    assert_int_equal(c->n_doors, 1);
    config_free(c);
    return both;
}

static void every_address_was_of_both_families(void **state)
{
    (void)state;
    static const char *const sections[] = {"[Socks5]\n", "[http]\n", "[SNI]\n",
                                           "[TCPClientTunnel]\nTarget = 10.9.0.1:1\n",
                                           "[UDPProxyTunnel]\nTarget = 10.9.0.1:1\n"};
    static const char *const everywhere[] = {"[::]:1", "0.0.0.0:1", ":1"};
    char text[256];
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(everywhere); j++) {
            snprintf(text, sizeof text, "%sBindAddress = %s\n", sections[i], everywhere[j]);
            assert_true(is_for_both_families(text));
        }
    }
    /* but not of any free port, nor one address, nor in a section of ours */
    assert_false(is_for_both_families("[Socks5]\nBindAddress = :0\n"));
    assert_false(is_for_both_families("[Socks5]\nBindAddress = [::1]:1\n"));
    assert_false(is_for_both_families("[Socks5]\nBindAddress = 1\n"));
    assert_false(is_for_both_families("[Socks5]\nBindAddress = unix:/a\n"));
    assert_false(is_for_both_families("[Proxy]\nBindAddress = [::]:1\n"));
    assert_false(is_for_both_families("[Proxy]\nBindAddress = :1\n"));
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
        cmocka_unit_test(a_door_has_a_user_once),
        cmocka_unit_test(users_and_passwords_may_stand_in_any_order),
        cmocka_unit_test(a_user_without_password_had_an_empty_one),
        cmocka_unit_test(a_password_without_user_let_everybody_in),
        cmocka_unit_test(a_form_that_was_not_filled_in_asks_for_nothing),
        cmocka_unit_test(flows_without_an_inactivity_timeout_were_kept),
        cmocka_unit_test(only_its_own_section_keeps_flows),
        cmocka_unit_test(destinations_are_told_where_log_domains_says_so),
        cmocka_unit_test(names_that_do_not_fit_went_outside),
        cmocka_unit_test(tls_to_the_proxy_is_taken_whole),
        cmocka_unit_test(tls_to_the_proxy_is_never_half_there),
        cmocka_unit_test(a_section_without_bind_address_crashed_it),
        cmocka_unit_test(a_listener_for_others_needs_a_word),
        cmocka_unit_test(every_address_was_of_both_families),
        cmocka_unit_test(without_dns_the_name_of_a_target_went_to_the_system_resolver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
