/* SPDX-License-Identifier: MIT */
#include "cmd/show.h"

#include "unit/test.h"

#define ALICE "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a" /* RFC 7748 6.1 */
#define BOB "de9edb7d7b7dbc1a4fbd5c1d0d0f0e0f8520f0098930a754748b7ddcb43ef75a"
#define NOW 1700000000

static void expect(const char *page, const char *shown)
{
    char text[2048];
    FILE *f = tmpfile();
    assert_non_null(f);
    show_print(f, page, NOW);
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(text, shown);
}

static void a_page_is_shown_as_wg_does(void **state)
{
    (void)state;
    expect("aead=x\nworkers=1\ntunnel=a.conf\nown_public_key=" ALICE
           "\nprivate_key=REDACTED\nlisten_port=51820\nudp_gso=1\nouter_dropped_mac1=2\n"
           "inner_dropped_fragment=1\npublic_key=" BOB
           "\npreshared_key=REDACTED\nendpoint=[2001:db8::1]:51820\n"
           "last_handshake_time_sec=1699996338\ntx_bytes=2048\nrx_bytes=5368709120\n"
           "persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\nallowed_ip=::/0\n"
           "tunnel=b.conf\nlisten_port=1\npublic_key=" ALICE
           "\nlast_handshake_time_sec=0\ntx_bytes=148\nrx_bytes=0\n",
           "interface: a.conf\n"
           "  public key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
           "  private key: (hidden)\n"
           "  listening port: 51820\n"
           "  dropped: 2 mac1 (outer), 1 fragment (inner)\n"
           "\n"
           "peer: 3p7bfXt9vBpPvVwdDQ8OD4Ug8AmJMKdUdIt93LQ+91o=\n"
           "  endpoint: [2001:db8::1]:51820\n"
           "  allowed ips: 10.0.0.0/8, ::/0\n"
           "  latest handshake: 1 hour, 1 minute, 2 seconds ago\n"
           "  transfer: 5.00 GiB received, 2.00 KiB sent\n"
           "  persistent keepalive: every 25 seconds\n"
           "\n"
           "interface: b.conf\n"
           "  listening port: 1\n"
           "\n"
           "peer: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
           "  allowed ips: (none)\n"
           "  transfer: 0 B received, 148 B sent\n");
}

static void a_clock_that_went_back_shows_no_negative_time(void **state)
{
    (void)state;
    expect("tunnel=a\npublic_key=" ALICE "\nlast_handshake_time_sec=1700000001\n",
           "interface: a\n\npeer: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
           "  allowed ips: (none)\n  latest handshake: Now\n");
}

static void what_is_no_such_page_does_no_harm(void **state)
{
    (void)state;
    expect("", "");
    expect("<html>\n<a href=\"x\">\n=\n==\n_dropped_\n", "");
    expect("public_key=zz\n", "\npeer: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                              "  allowed ips: (none)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_shown_as_wg_does),
        cmocka_unit_test(a_clock_that_went_back_shows_no_negative_time),
        cmocka_unit_test(what_is_no_such_page_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
