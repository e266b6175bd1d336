/* SPDX-License-Identifier: MIT */
/* The tables of sections and keys. The keys of wg-quick(8) come first, then the keys that other
 * programs are known to put in such files: those without meaning here are skipped, and those
 * without which the tunnel cannot work are refused. */
#include "config/schema.h"

#include "base/macros.h"
#include "config/setters.h"

#include <assert.h>
#include <strings.h>

const struct section_entry schema_sections[] = {
    {SECTION_INTERFACE, "Interface", setters_begin_interface},
    {SECTION_PEER, "Peer", setters_begin_peer},
    {SECTION_PROXY, "Proxy", setters_begin_proxy},
    {SECTION_SOCKS5, "Socks5", setters_begin_socks5},
    {SECTION_HTTP, "http", setters_begin_http},
    {SECTION_SNI, "SNI", setters_begin_sni},
    {SECTION_TCP_CLIENT, "TCPClientTunnel", setters_begin_tcp_client},
    {SECTION_UDP_CLIENT, "UDPProxyTunnel", setters_begin_udp_client},
    {SECTION_TCP_SERVER, "TCPServerTunnel", setters_begin_tcp_server},
    {SECTION_UDP_SERVER, "UDPServerTunnel", setters_begin_udp_server},
    {SECTION_STDIO, "STDIOTunnel", setters_begin_stdio},
    {SECTION_RESOLVE, "Resolve", setters_begin_resolve},
    {SECTION_ACCESS, "Access", NULL},
    {SECTION_LIMITS, "Limits", NULL},
    {SECTION_STATUS, "Status", setters_begin_status},
};

const size_t schema_n_sections = ARRAY_SIZE(schema_sections);

#define REQUIRED KEY_REQUIRED
#define SECRET (KEY_SECRET | KEY_PRIVATE)
#define UNQUOTED KEY_SECRET
#define MAY_BE_EMPTY KEY_MAY_BE_EMPTY
#define FILE_OF (KEY_SECRET | KEY_FILE)
#define INTEGER KEY_INTEGER
#define OURS KEY_OURS
#define WG_INTEGER (KEY_INTEGER | KEY_DECIMAL)

#define AMNEZIA "a key of AmneziaWG, whose servers do not answer plain WireGuard: not supported"
#define RESERVED "the server expects it in each packet: not supported"
#define DOMAINS                                                                                 \
    "the names that do not fit would be reached outside the tunnel, which wgproxy never does: " \
    "take it out, and give clients /proxy.pac (see -i) or NO_PROXY"

#define INTERFACE SECTION_INTERFACE
#define PEER SECTION_PEER
#define PROXIES (SECTION_PROXY | SECTION_SOCKS5 | SECTION_HTTP)
#define SOCKS (SECTION_PROXY | SECTION_SOCKS5)
#define CLIENTS (SECTION_TCP_CLIENT | SECTION_UDP_CLIENT)
#define SERVERS (SECTION_TCP_SERVER | SECTION_UDP_SERVER)
#define LISTENERS (PROXIES | SECTION_SNI | CLIENTS)

const struct key_entry schema_keys[] = {
    {INTERFACE, "PrivateKey", KEY_ONE, REQUIRED | SECRET, set_private_key, NULL},
    {INTERFACE, "PrivateKeyFile", KEY_ONE, FILE_OF, set_private_key, "PrivateKey"},
    {INTERFACE, "Address", KEY_LIST, REQUIRED, set_address, NULL},
    {INTERFACE, "DNS", KEY_LIST, 0, set_dns, NULL},
    {INTERFACE, "MTU", KEY_ONE, MAY_BE_EMPTY | INTEGER, set_mtu, NULL},
    {INTERFACE, "ListenPort", KEY_ONE, WG_INTEGER, set_listen_port, NULL},
    {INTERFACE, "UdpOffload", KEY_ONE, 0, set_udp_offload, NULL},
    {INTERFACE, "Through", KEY_ONE, 0, set_through, NULL},
    {INTERFACE, "CheckAlive", KEY_LIST, 0, set_check_alive, NULL},
    {INTERFACE, "CheckAliveInterval", KEY_ONE, INTEGER, set_check_alive_interval, NULL},
    {PEER, "PublicKey", KEY_ONE, REQUIRED | UNQUOTED, set_public_key, NULL},
    {PEER, "PresharedKey", KEY_ONE, SECRET, set_preshared_key, NULL},
    {PEER, "PresharedKeyFile", KEY_ONE, FILE_OF, set_preshared_key, "PresharedKey"},
    {PEER, "AllowedIPs", KEY_LIST, 0, set_allowed_ip, NULL},
    {PEER, "Endpoint", KEY_ONE, 0, set_endpoint, NULL},
    {PEER, "PersistentKeepalive", KEY_ONE, WG_INTEGER, set_keepalive, NULL},

    {LISTENERS, "BindAddress", KEY_ONE, REQUIRED, set_bind_address, NULL},
    {LISTENERS, "AllowLan", KEY_ONE, OURS, set_allow_lan, NULL},
    {PROXIES, "Username", KEY_EACH, MAY_BE_EMPTY, set_username, NULL},
    {PROXIES, "Password", KEY_EACH, SECRET | MAY_BE_EMPTY, set_password, NULL},
    {PROXIES, "PasswordFile", KEY_EACH, FILE_OF | OURS, set_password, NULL},
    {SECTION_PROXY, "Protocols", KEY_LIST, 0, set_protocol, NULL},
    {SOCKS, "UDP", KEY_ONE, OURS, set_udp, NULL},
    {SOCKS, "UdpPort", KEY_ONE, OURS, set_udp_port, NULL},
    {SOCKS, "UdpAdvertise", KEY_ONE, OURS, set_udp_advertise, NULL},
    {PROXIES | SECTION_SNI | SECTION_ACCESS, "Allow", KEY_EACH, OURS, set_allow, NULL},
    {PROXIES | SECTION_SNI | SECTION_ACCESS, "Deny", KEY_EACH, OURS, set_deny, NULL},
    {PROXIES | SECTION_SNI | SECTION_TCP_CLIENT | SECTION_TCP_SERVER, "IdleTimeout", KEY_ONE, OURS,
     set_door_idle, NULL},
    {SECTION_UDP_CLIENT | SECTION_UDP_SERVER, "InactivityTimeout", KEY_ONE, INTEGER, set_inactivity,
     NULL},
    {PROXIES, "CertFile", KEY_ONE, KEY_FILE | KEY_WHOLE | MAY_BE_EMPTY, set_certificate, NULL},
    {PROXIES, "KeyFile", KEY_ONE, FILE_OF | KEY_WHOLE | MAY_BE_EMPTY, set_certificate_key, NULL},
    {PROXIES | SECTION_SNI, "LogDomains", KEY_ONE, 0, set_log_domains, NULL},
    {SECTION_SNI, "Port", KEY_ONE, OURS, set_door_port, NULL},
    {SERVERS, "ListenPort", KEY_ONE, REQUIRED | INTEGER, set_door_port, NULL},
    {CLIENTS | SERVERS | SECTION_STDIO, "Target", KEY_ONE, REQUIRED, set_target, NULL},

    {SECTION_RESOLVE, "Outside", KEY_ONE, 0, set_names_outside, NULL},
    {SECTION_RESOLVE, "ResolveStrategy", KEY_ONE, 0, set_strategy, NULL},
    {SECTION_LIMITS, "ConnectTimeout", KEY_ONE, 0, set_connect_timeout, NULL},
    {SECTION_LIMITS, "GreetingTimeout", KEY_ONE, 0, set_greeting_timeout, NULL},
    {SECTION_LIMITS, "IdleTimeout", KEY_ONE, 0, set_idle_timeout, NULL},
    {SECTION_LIMITS, "UdpIdleTimeout", KEY_ONE, 0, set_udp_idle_timeout, NULL},
    {SECTION_LIMITS, "DrainTimeout", KEY_ONE, 0, set_drain_timeout, NULL},
    {SECTION_LIMITS, "MaxConnections", KEY_ONE, 0, set_max_connections, NULL},
    {SECTION_LIMITS, "Workers", KEY_ONE, 0, set_workers, NULL},
    {SECTION_STATUS, "BindAddress", KEY_ONE, REQUIRED, set_status_address, NULL},
    {SECTION_STATUS, "AllowLan", KEY_ONE, 0, set_status_allow_lan, NULL},
    {SECTION_NONE, "WGConfig", KEY_ONE, 0, set_wg_config, NULL},

    {INTERFACE, "PreUp", KEY_SKIP, 0, NULL, NULL},
    {INTERFACE, "PostUp", KEY_SKIP, 0, NULL, NULL},
    {INTERFACE, "PreDown", KEY_SKIP, 0, NULL, NULL},
    {INTERFACE, "PostDown", KEY_SKIP, 0, NULL, NULL},
    {INTERFACE, "Table", KEY_SKIP, 0, NULL, NULL},
    {INTERFACE, "SaveConfig", KEY_SKIP, 0, NULL, NULL},
    {INTERFACE, "FwMark", KEY_SKIP, 0, NULL, NULL},
    /* the Android application's */
    {INTERFACE, "IncludedApplications", KEY_SKIP, 0, NULL, NULL},
    {INTERFACE, "ExcludedApplications", KEY_SKIP, 0, NULL, NULL},

    /* wireproxy's */
    {PROXIES | SECTION_SNI, "TunnelDomains", KEY_REFUSE, 0, NULL, DOMAINS},

    /* Cloudflare WARP's, as other programs write it */
    {INTERFACE, "Reserved", KEY_REFUSE, 0, NULL, RESERVED},
    {PEER, "Reserved", KEY_REFUSE, 0, NULL, RESERVED},

    {INTERFACE, "Jc", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "Jmin", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "Jmax", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "S1", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "S2", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "S3", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "S4", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "H1", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "H2", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "H3", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "H4", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "HeaderProtectionKey", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "I1", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "I2", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "I3", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "I4", KEY_REFUSE, 0, NULL, AMNEZIA},
    {INTERFACE, "I5", KEY_REFUSE, 0, NULL, AMNEZIA},
    {PEER, "AdvancedSecurity", KEY_REFUSE, 0, NULL, AMNEZIA},
};

const size_t schema_n_keys = ARRAY_SIZE(schema_keys);
static_assert(ARRAY_SIZE(schema_keys) <= SCHEMA_KEYS_MAX, "struct reading counts on it");

const struct section_entry *schema_find_section(const char *name)
{
    for (size_t i = 0; i < schema_n_sections; i++) {
        if (strcasecmp(schema_sections[i].name, name) == 0) {
            return &schema_sections[i];
        }
    }
    return NULL;
}

const struct key_entry *schema_find_key(enum section section, const char *name)
{
    for (size_t i = 0; i < schema_n_keys; i++) {
        if ((schema_keys[i].sections & section) != 0 &&
            strcasecmp(schema_keys[i].name, name) == 0) {
            return &schema_keys[i];
        }
    }
    return NULL;
}

const char *schema_section_name(enum section section)
{
    for (size_t i = 0; i < schema_n_sections; i++) {
        if (schema_sections[i].section == section) {
            return schema_sections[i].name;
        }
    }
    return "";
}
