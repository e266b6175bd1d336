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
    {SECTION_INTERFACE, "Interface"},
    {SECTION_PEER, "Peer"},
    {SECTION_SOCKS5, "Socks5"},
    /* what wireproxy has beyond these */
    {SECTION_SKIPPED, "http"},
    {SECTION_SKIPPED, "TCPClientTunnel"},
    {SECTION_SKIPPED, "TCPServerTunnel"},
    {SECTION_SKIPPED, "UDPProxyTunnel"},
    {SECTION_SKIPPED, "STDIOTunnel"},
    {SECTION_SKIPPED, "SNI"},
    {SECTION_SKIPPED, "Resolve"},
};

const size_t schema_n_sections = ARRAY_SIZE(schema_sections);

#define REQUIRED KEY_REQUIRED
#define SECRET KEY_SECRET
#define MAY_BE_EMPTY KEY_MAY_BE_EMPTY

#define AMNEZIA "a key of AmneziaWG, whose servers do not answer plain WireGuard: not supported"
#define RESERVED "the server expects it in each packet: not supported"
#define LATER "not supported yet"
#define NO_AUTH "not supported yet, and without it the proxy would be open to everybody"

#define INTERFACE SECTION_INTERFACE
#define PEER SECTION_PEER
#define SOCKS5 SECTION_SOCKS5

const struct key_entry schema_keys[] = {
    {INTERFACE, "PrivateKey", KEY_ONE, REQUIRED | SECRET, set_private_key, NULL},
    {INTERFACE, "Address", KEY_LIST, REQUIRED, set_address, NULL},
    {INTERFACE, "DNS", KEY_LIST, 0, set_dns, NULL},
    {INTERFACE, "MTU", KEY_ONE, MAY_BE_EMPTY, set_mtu, NULL},
    {INTERFACE, "ListenPort", KEY_ONE, 0, set_listen_port, NULL},
    {INTERFACE, "Through", KEY_ONE, 0, set_through, NULL},
    {PEER, "PublicKey", KEY_ONE, REQUIRED | SECRET, set_public_key, NULL},
    {PEER, "PresharedKey", KEY_ONE, SECRET, set_preshared_key, NULL},
    {PEER, "AllowedIPs", KEY_LIST, 0, set_allowed_ip, NULL},
    {PEER, "Endpoint", KEY_ONE, 0, set_endpoint, NULL},
    {PEER, "PersistentKeepalive", KEY_ONE, 0, set_keepalive, NULL},
    {SOCKS5, "BindAddress", KEY_ONE, REQUIRED, set_bind_address, NULL},
    {SOCKS5, "AllowLan", KEY_ONE, 0, set_allow_lan, NULL},

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
    {SECTION_NONE, "WGConfig", KEY_REFUSE, 0, NULL, LATER ": give that file to -c"},
    {INTERFACE, "CheckAlive", KEY_SKIP, 0, NULL, NULL},
    {INTERFACE, "CheckAliveInterval", KEY_SKIP, 0, NULL, NULL},
    {SOCKS5, "Username", KEY_REFUSE, SECRET, NULL, NO_AUTH},
    {SOCKS5, "Password", KEY_REFUSE, SECRET, NULL, NO_AUTH},
    {SOCKS5, "TunnelDomains", KEY_REFUSE, 0, NULL, LATER},
    {SOCKS5, "LogDomains", KEY_SKIP, 0, NULL, NULL},

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
        if (schema_keys[i].section == section && strcasecmp(schema_keys[i].name, name) == 0) {
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
