/* SPDX-License-Identifier: MIT */
#include "config/reading.h"

#include <stdio.h>
#include <string.h>

#include "unit/config/heard.h"
#include "unit/test.h"

/* In these tables INTERFACE is lines 1 to 3, so that the first line after it is 4. */

static const struct heard_row accepted[] = {
    {INTERFACE PEER, ""},
    {PEER INTERFACE, ""},
    {"[INTERFACE]\nprivatekey=" PRIVATE_KEY "\nADDRESS=10.0.0.2\n[peer]\nPublickey=" PUBLIC_KEY
     "\nallowedips=0.0.0.0/0\nENDPOINT=[2001:db8::1]:51820\n",
     ""},
    {"[ Interface ]\n  PrivateKey = " PRIVATE_KEY "\n\tAddress = 10.0.0.2/32\n" PEER, ""},
    {"# Key = " PRIVATE_KEY "\n" INTERFACE PEER, ""},
    {INTERFACE
     "ListenPort = 51820 # here\nMTU = 1420#there\nDNS = 1.1.1.1, fd00::53, corp.lan\n" PEER,
     ""},
    {INTERFACE "Address = 10.0.0.3/24,fd00::2 10.0.0.4\n" PEER, ""},
    {INTERFACE PEER "PersistentKeepalive = off\nPresharedKey = " PRESHARED_KEY "\n", ""},
    {INTERFACE PEER "PresharedKey = " ZERO_KEY "\n", ""},
    {INTERFACE PEER "[Socks5]\nBindAddress = 127.0.0.1:25344\n[Socks5]\nBindAddress = [::1]:1081\n",
     ""},
    {INTERFACE PEER "[Socks5]\nBindAddress = 0.0.0.0:1080\nAllowLan = yes\n", ""},
    {INTERFACE PEER "[Socks5]\nAllowLan = yes\nBindAddress = 0.0.0.0:1080\n", ""},
};

static void ordinary_files_are_taken_without_a_word(void **state)
{
    (void)state;
    heard_expect(accepted, ARRAY_SIZE(accepted));
}

static const struct heard_row values[] = {
    {INTERFACE "Address = 10.0.0.0/33\n" PEER,
     "E f:4: Address: \"10.0.0.0/33\": prefix length must be 0 to 32\n"},
    {INTERFACE "Address = 10.0.0.3, x, fd00::/129\n" PEER,
     "E f:4: Address: \"x\": must be an IP address or a network such as 10.0.0.0/8\n"
     "E f:4: Address: \"fd00::/129\": prefix length must be 0 to 128\n"},
    {INTERFACE "DNS = 1.1.1\n" PEER,
     "E f:4: DNS: \"1.1.1\": must be an IP address or a search domain\n"},
    {INTERFACE "DNS = corp!\n" PEER,
     "E f:4: DNS: \"corp!\": must be an IP address or a search domain\n"},
    {INTERFACE "MTU = 500\n" PEER, "E f:4: MTU: \"500\": must be 576 to 65535\n"},
    {INTERFACE "ListenPort = 65536\n" PEER,
     "E f:4: ListenPort: \"65536\": must be a port, 0 to 65535\n"},
    {INTERFACE PEER "AllowedIPs = +10.0.0.0/8\n",
     "E f:8: AllowedIPs: \"+10.0.0.0/8\": the file states the whole list: write it without + or "
     "-\n"},
    {INTERFACE PEER "PersistentKeepalive = on\n",
     "E f:8: PersistentKeepalive: \"on\": must be 0 to 65535 seconds, or off\n"},
    {INTERFACE PEER "PresharedKey = short\n",
     "E f:8: PresharedKey: not a key: must be 44 characters of base64 (found 5)\n"},
    {INTERFACE "[Peer]\nPublicKey = " PUBLIC_KEY "\nAllowedIPs = ::/0\nEndpoint = vpn.example\n",
     "E f:7: Endpoint: \"vpn.example\": has no port: must be host:port\n"},
    {INTERFACE PEER "[Socks5]\nBindAddress = :1080\n",
     "E f:9: BindAddress: \"0.0.0.0:1080\": others could use the tunnel from there; if they may, "
     "add AllowLan = yes, or give --allow-lan\n"},
    {INTERFACE PEER "[Socks5]\nBindAddress = 1080\nAllowLan = perhaps\n",
     "E f:10: AllowLan: \"perhaps\": must be yes or no\n"},
    {INTERFACE "MTU =\n" PEER, "W f:4: MTU: has no value, ignored\n"},
    {INTERFACE "DNS = # none\n" PEER, "W f:4: DNS: has no value, ignored\n"},
    {INTERFACE "ListenPort =\n" PEER, "E f:4: ListenPort: has no value\n"},
    {INTERFACE PEER "AllowedIPs = ,10.0.0.0/8,,\n",
     "W f:8: AllowedIPs: a comma too many, ignored\n"},
    {INTERFACE PEER "AllowedIPs = ,\n", "W f:8: AllowedIPs: a comma too many, ignored\n"},
    {INTERFACE "DNS = 127.0.0.1, ::1, 10.0.0.1\n" PEER,
     "W f:4: DNS: 127.0.0.1 is this machine, and names are asked for in the tunnel only; ignored\n"
     "W f:4: DNS: ::1 is this machine, and names are asked for in the tunnel only; ignored\n"},
    {INTERFACE "MTU = 1280\nDNS = 1.1.1.1\nMTU = 1420\n" PEER,
     "W f:6: MTU: replaces the one in line 4\n"},
    {INTERFACE PEER "Endpoint = 192.0.2.1:1\n", "W f:8: Endpoint: replaces the one in line 7\n"},
};

static void values_are_judged_with_their_line_and_key(void **state)
{
    (void)state;
    heard_expect(values, ARRAY_SIZE(values));
}

static void an_element_longer_than_any_name_is_refused(void **state)
{
    (void)state;
    char text[2000], expected[100];
    struct heard h;
    struct config *c;
    int n = snprintf(text, sizeof text, "%sDNS = 1.1.1.1, %0*d\n%s", INTERFACE, 320, 0, PEER);
    heard_parse(&h, &c, text, (size_t)n);
    snprintf(expected, sizeof expected, "E f:4: DNS: an element of %d characters is too long\n",
             320);
    assert_string_equal(h.text, expected);
}

static const struct heard_row names[] = {
    {INTERFACE "Adress = 10.0.0.3\n" PEER,
     "E f:4: unknown key \"Adress\": did you mean \"Address\"?\n"},
    {INTERFACE "postup2 = x\n" PEER, "E f:4: unknown key \"postup2\": did you mean \"PostUp\"?\n"},
    {INTERFACE PEER "AllowedIP = ::/0\n",
     "E f:8: unknown key \"AllowedIP\": did you mean \"AllowedIPs\"?\n"},
    {INTERFACE PEER "Allowed IPs = ::/0\n",
     "E f:8: unknown key \"Allowed IPs\": did you mean \"AllowedIPs\"?\n"},
    {INTERFACE PEER "Description = x\n", "W f:8: unknown key, ignored\n"},
    {INTERFACE "Endpoint = a:1\n" PEER,
     "E f:4: \"Endpoint\" belongs in [Peer], not in [Interface]\n"},
    {INTERFACE PEER "mtu = 1420\n", "E f:8: \"mtu\" belongs in [Interface], not in [Peer]\n"},
    {"MTU = 1420\n" INTERFACE PEER, "E f:1: a key above the first section\n"},
    {"Foo = 1420\n" INTERFACE PEER, "W f:1: unknown key, ignored\n"},
    {"WGConfig = wg0.conf\n", "E f:1: WGConfig: \"wg0.conf\": files cannot be read here\n"},
    {INTERFACE PEER "[Peeer]\nPublicKey = x\n",
     "E f:8: unknown section \"Peeer\": did you mean [Peer]?\n"},
    {"[Interfaces]\n" INTERFACE PEER,
     "E f:1: unknown section \"Interfaces\": did you mean [Interface]?\n"},
    {INTERFACE PEER "[Notes]\nAnything = goes\nwhat\n[]\n",
     "W f:8: unknown section, skipped\nW f:11: unknown section, skipped\n"},
    {INTERFACE PEER "[http]\nBindAddress = 1081\n", ""},
    {INTERFACE PEER "[tcpclienttunnel]\nTarget = x\n",
     "E f:8: [TCPClientTunnel] has no BindAddress\n"
     "E f:9: Target: \"x\": has no port: must be host:port\n"},
    {INTERFACE PEER "[Socks5]\nBindAddress = 1080\nTunnelDomains = example\n",
     "E f:10: TunnelDomains: the names that do not fit would be reached outside the tunnel, which "
     "wgproxy never does: take it out, and give clients /proxy.pac (see -i) or NO_PROXY\n"},
    {INTERFACE "Jc = 4\n" PEER,
     "E f:4: Jc: a key of AmneziaWG, whose servers do not answer plain WireGuard: not supported\n"},
    {INTERFACE PEER "Reserved = 1,2,3\n",
     "E f:8: Reserved: the server expects it in each packet: not supported\n"},
};

static void names_are_known_near_misplaced_refused_or_foreign(void **state)
{
    (void)state;
    heard_expect(names, ARRAY_SIZE(names));
}

static const struct heard_row skipped[] = {
    {INTERFACE "PostUp = iptables -A x; y\nTable = off\nSaveConfig = true\nFwMark = 0x1\n"
               "PostUp = again\nPreUp=\n" PEER,
     "W f:4: PreUp, PostUp, Table, SaveConfig, FwMark: of no use to wgproxy, skipped\n"},
};

static void foreign_keys_are_skipped_with_one_warning_for_all(void **state)
{
    (void)state;
    heard_expect(skipped, ARRAY_SIZE(skipped));
}

static const struct heard_row structure[] = {
    {"[Interface]\n" PEER,
     "E f:1: [Interface] has no PrivateKey\nE f:1: [Interface] has no Address\n"},
    {"[Interface]\nPrivateKey = " PRIVATE_KEY "\nAddress =\n" PEER,
     "E f:1: [Interface] has no Address\nW f:3: Address: has no value, ignored\n"},
    {"[Interface]\nPrivateKey = " PRIVATE_KEY "\nAddress = , ,\n" PEER,
     "E f:1: [Interface] has no Address\nW f:3: Address: a comma too many, ignored\n"},
    {"[Interface]\nPrivateKey =\nAddress = 10.0.0.2\n" PEER, "E f:2: PrivateKey: has no value\n"},
    {INTERFACE "[Peer]\nEndpoint = a:1\nAllowedIPs = ::/0\n", "E f:4: [Peer] has no PublicKey\n"},
    {INTERFACE PEER "[Socks5]\n", "E f:8: [Socks5] has no BindAddress\n"},
    {INTERFACE INTERFACE PEER, "E f:4: a second [Interface], the first is in line 1\n"},
    {INTERFACE "MTU\n" PEER, "E f:4: must be \"Key = value\" or \"[Section]\"\n"},
    {INTERFACE PEER "[Peer\nPublicKey = x\n", "E f:8: the section's name is not closed by \"]\"\n"},
    {INTERFACE PEER "[Socks5] x\nBindAddress = 1080\n",
     "W f:8: what follows the section's name is ignored\n"},
    {INTERFACE PEER "[Socks5] BindAddress = 1080\n",
     "E f:8: nothing but a comment may follow the section's name\n"
     "E f:8: [Socks5] has no BindAddress\n"},
};

static void sections_are_whole_and_in_their_number(void **state)
{
    (void)state;
    heard_expect(structure, ARRAY_SIZE(structure));
}

/* A key in the wrong place: as another key's value, as a key, as a section, broken over lines. */
static const struct heard_row misplaced[] = {
    {INTERFACE PEER "Endpoint = " PRIVATE_KEY "\n",
     "W f:8: Endpoint: replaces the one in line 7\n"
     "E f:8: Endpoint: (not shown, it may be a key): has no port: must be host:port\n"},
    {INTERFACE PEER PRIVATE_KEY "\n", "W f:8: unknown key, ignored\n"},
    {INTERFACE PEER "PrivateKey " PRIVATE_KEY "\n", "W f:8: unknown key, ignored\n"},
    {INTERFACE PEER "PresharedKey = FpCyhws9cxwWoV4xELtfJvjJ\nN+zQVRPISllRWgeopVE=\n",
     "E f:8: PresharedKey: not a key: must be 44 characters of base64 (found 24)\n"
     "W f:9: unknown key, ignored\n"},
    {PRIVATE_KEY "\n" INTERFACE PEER, "W f:1: unknown key, ignored\n"},
    {INTERFACE PEER "[" PRIVATE_KEY "]\n", "W f:8: unknown section, skipped\n"},
    {INTERFACE "Address = " PRIVATE_KEY "\n" PEER,
     "E f:4: Address: (not shown, it may be a key): must be an IP address or a network such as "
     "10.0.0.0/8\n"},
    {INTERFACE "PrivateKey = x" PRIVATE_KEY "\n" PEER,
     "W f:4: PrivateKey: replaces the one in line 2\n"
     "E f:4: PrivateKey: not a key: must be 44 characters of base64 (found 45)\n"},
    {INTERFACE PEER "PresharedKey = " PRESHARED_KEY " " PRIVATE_KEY "\n",
     "E f:8: PresharedKey: not a key: must be 44 characters of base64 (found 89)\n"},
};

static void a_key_is_never_shown_wherever_it_stands(void **state)
{
    (void)state;
    heard_expect(misplaced, ARRAY_SIZE(misplaced));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_files_are_taken_without_a_word),
        cmocka_unit_test(values_are_judged_with_their_line_and_key),
        cmocka_unit_test(an_element_longer_than_any_name_is_refused),
        cmocka_unit_test(names_are_known_near_misplaced_refused_or_foreign),
        cmocka_unit_test(foreign_keys_are_skipped_with_one_warning_for_all),
        cmocka_unit_test(sections_are_whole_and_in_their_number),
        cmocka_unit_test(a_key_is_never_shown_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
