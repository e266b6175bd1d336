/* SPDX-License-Identifier: MIT */
#include "config/check.h"

#include "unit/config/heard.h"
#include "unit/test.h"

#define LISTENER(where) "[Socks5]\nBindAddress = " where "\n"

static const struct heard_row rows[] = {
    {"", "E f: there is no [Interface]\nE f: there is no [Peer]\n"},
    {PEER, "E f: there is no [Interface]\n"},
    {INTERFACE, "E f: there is no [Peer]\n"},
    /* the MTU and the family of the addresses */
    {INTERFACE "Address = fd00::2\nMTU = 1279\n" PEER,
     "E f:1: MTU: 1279 is too small for the IPv6 Address: must be 1280 or more\n"},
    {INTERFACE "Address = fd00::2\nMTU = 1280\n" PEER, ""},
    {INTERFACE "MTU = 1279\n" PEER, ""},
    /* keys that are the same */
    {INTERFACE PEER PEER, "E f:8: PublicKey: the [Peer] in line 4 has the same one\n"},
    {INTERFACE "[Peer]\nPublicKey = " PRIVATE_KEY "\nAllowedIPs = ::/0\nEndpoint = a:1\n",
     "E f:4: PublicKey: is our PrivateKey; the peer's own public key belongs here\n"},
    {INTERFACE PEER "[Peer]\nPublicKey = " OTHER_KEY "\nAllowedIPs = ::/0\n", ""},
    /* two unreadable keys are not the same key */
    {INTERFACE
     "[Peer]\nPublicKey = x\nAllowedIPs = ::/0\n[Peer]\nPublicKey = x\nAllowedIPs = ::/0\n" PEER,
     "E f:5: PublicKey: not a key: must be 44 characters of base64 (found 1)\n"
     "E f:8: PublicKey: not a key: must be 44 characters of base64 (found 1)\n"},
    /* who can speak to whom */
    {INTERFACE "[Peer]\nPublicKey = " PUBLIC_KEY "\nEndpoint = a:1\n",
     "W f:4: [Peer] has no AllowedIPs: nothing can be sent to it\n"},
    {INTERFACE "[Peer]\nPublicKey = " PUBLIC_KEY "\nAllowedIPs = ::/0\n",
     "W f:1: no [Peer] has an Endpoint and there is no ListenPort: neither side can begin\n"},
    {INTERFACE "ListenPort = 1\n[Peer]\nPublicKey = " PUBLIC_KEY "\nAllowedIPs = ::/0\n", ""},
    /* who can be asked for names */
    {INTERFACE "MTU = 1400\nDNS = 10.0.0.1\n[Peer]\nPublicKey = " PUBLIC_KEY
               "\nEndpoint = a:1\nAllowedIPs = 10.1.0.0/16\n",
     "W f:5: DNS: 10.0.0.1 is in no peer's AllowedIPs, so no name can be looked up: add it there, "
     "or name a server in the tunnel\n"},
    {INTERFACE "DNS = 10.0.0.1, fd00::1\n[Peer]\nPublicKey = " PUBLIC_KEY
               "\nEndpoint = a:1\nAllowedIPs = 10.1.0.0/16\n",
     "W f:4: DNS: 10.0.0.1 and the others are in no peer's AllowedIPs, so no name can be looked "
     "up: "
     "add it there, or name a server in the tunnel\n"},
    {INTERFACE "DNS = 10.0.0.1, 10.1.0.1\n[Peer]\nPublicKey = " PUBLIC_KEY
               "\nEndpoint = a:1\nAllowedIPs = 10.1.0.0/16\n",
     ""},
    {INTERFACE "DNS = 10.0.0.1\n[Peer]\nPublicKey = " PUBLIC_KEY "\nEndpoint = a:1\n",
     "W f:5: [Peer] has no AllowedIPs: nothing can be sent to it\n"},
    /* listeners */
    {INTERFACE PEER LISTENER("0.0.0.0:1080"),
     "E f:9: BindAddress: \"0.0.0.0:1080\": others could use the tunnel from there; if they may, "
     "add AllowLan = yes, or give --allow-lan\n"},
    {INTERFACE PEER LISTENER("0.0.0.0:1080") "AllowLan = no\n",
     "E f:9: BindAddress: \"0.0.0.0:1080\": others could use the tunnel from there; if they may, "
     "add AllowLan = yes, or give --allow-lan\n"},
    {INTERFACE PEER LISTENER("0.0.0.0:1080") "AllowLan = yes\n", ""},
    {INTERFACE PEER LISTENER("[::]:1080") LISTENER("1080") "AllowLan = yes\n",
     "E f:9: BindAddress: \"[::]:1080\": others could use the tunnel from there; if they may, "
     "add AllowLan = yes, or give --allow-lan\n"},
    {INTERFACE PEER LISTENER("127.0.0.2:1080"), ""},
    {INTERFACE PEER LISTENER("1080") LISTENER("127.0.0.1:1080"),
     "E f:11: BindAddress: \"127.0.0.1:1080\" is taken by line 9\n"},
    {INTERFACE PEER LISTENER("1080") LISTENER("[::1]:1080"), ""},
    {INTERFACE PEER LISTENER("0") LISTENER("0"), ""},
    {INTERFACE PEER LISTENER("0.0.0.0:1") "AllowLan = yes\n" LISTENER("1"),
     "E f:12: BindAddress: \"127.0.0.1:1\" is taken by line 9\n"},
    {INTERFACE PEER LISTENER("[::]:1") "AllowLan = yes\n" LISTENER("1"), ""},
    {INTERFACE PEER LISTENER("unix:/s") LISTENER("unix:/s"),
     "E f:11: BindAddress: \"unix:/s\" is taken by line 9\n"},
    {INTERFACE PEER LISTENER("fd:a") LISTENER("fd:b") LISTENER("fd:a"),
     "E f:13: BindAddress: \"fd:a\" is taken by line 9\n"},
    {INTERFACE PEER LISTENER("unix:/\xeb") LISTENER("unix:/\xeb"),
     "E f:11: BindAddress: \"unix:/?\" is taken by line 9\n"},
    {INTERFACE PEER LISTENER("1") "[Status]\nBindAddress = 1\n",
     "E f:11: BindAddress: \"127.0.0.1:1\" is taken by line 9\n"},
    {INTERFACE PEER
     "[UDPProxyTunnel]\nBindAddress = 1\nTarget = 10.9.0.1:1\n[Status]\nBindAddress = 1\n",
     ""},
    {INTERFACE PEER "[TCPServerTunnel]\nListenPort = 1\nTarget = "
                    "a:1\n[TCPServerTunnel]\nListenPort = 1\nTarget = b:1\n",
     "E f:12: ListenPort: 1 is taken by line 9\n"},
    {INTERFACE PEER "[STDIOTunnel]\nTarget = a:1\n[STDIOTunnel]\nTarget = b:1\n",
     "E f:10: a second [STDIOTunnel]: there is one standard input\n"},
    {INTERFACE PEER LISTENER("1") "Deny = * user=bob\n",
     "W f:10: no door has this user: the rule never fits\n"},
    {INTERFACE PEER "[Resolve]\nOutside = yes\n",
     "W f: [Resolve] Outside = yes: the names of destinations are told to this machine's resolver, "
     "outside the tunnel\n"},
    {INTERFACE "DNS = 10.0.0.1\n" PEER "[Resolve]\nOutside = yes\n",
     "W f: [Resolve] Outside: DNS is set, so names are asked for in the tunnel all the same\n"},
    /* what follows from a mistake is not told beside it */
    {INTERFACE "[Peer]\nPublicKey = " PUBLIC_KEY "\nAllowdIPs = ::/0\nEndpoint = a\n",
     "E f:6: unknown key \"AllowdIPs\": did you mean \"AllowedIPs\"?\n"
     "E f:7: Endpoint: \"a\": has no port: must be host:port\n"},
};

static void a_file_is_judged_as_a_whole(void **state)
{
    (void)state;
    heard_expect(rows, ARRAY_SIZE(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_judged_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
