/* SPDX-License-Identifier: MIT */
/* The configuration file as a plain structure, without defaults of other
 * modules and without opinions: what the file says, checked. Format:
 * wg-quick(8), with sections of ours and wireproxy's for what it knows nothing of. */
#ifndef WGPROXY_CONFIG_CONFIG_H
#define WGPROXY_CONFIG_CONFIG_H

#include "base/addr.h"
#include "base/base64.h"
#include "base/macros.h"
#include "base/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_peer {
    unsigned line; /* of its [Peer] */
    uint8_t public_key[KEY_LEN];
    uint8_t preshared_key[KEY_LEN]; /* zero: none */
    bool has_preshared_key;
    struct prefix *allowed_ips;
    size_t n_allowed_ips;
    /* A name, or a literal without brackets, maybe with %zone; NULL: none. */
    char *endpoint_host;
    uint16_t endpoint_port;
    uint16_t keepalive; /* seconds; 0: off */
};

struct config_user {
    char *name, *password; /* password wiped when freed */
};

/* One of Allow = and Deny =, as proxy/access.h has it. */
struct config_rule {
    unsigned line;
    bool allow;
    bool has_net;
    struct prefix net;
    char *suffix; /* NULL: any name */
    uint16_t first_port, last_port;
    char *user; /* NULL: any */
};

/* What a section of doors is for. */
enum config_door_kind {
    CONFIG_PROXY,   /* [Proxy], [Socks5], [http]: see `protocols` */
    CONFIG_SNI,     /* [SNI] */
    CONFIG_FORWARD, /* [TCPClientTunnel], [UDPProxyTunnel], -L */
    CONFIG_STDIO,   /* [STDIOTunnel], -W: standard input and output, no `bind` */
    CONFIG_REVERSE, /* [TCPServerTunnel], [UDPServerTunnel], -R: a port inside, `port` */
};

enum config_protocol { CONFIG_SOCKS5 = 1, CONFIG_SOCKS4 = 2, CONFIG_HTTP = 4 };

/* A way into the tunnel, or out of it to this machine. */
struct config_door {
    unsigned line; /* of what says where it is: BindAddress, or ListenPort */
    enum config_door_kind kind;
    unsigned protocols;        /* CONFIG_PROXY: a set of enum config_protocol */
    bool udp;                  /* FORWARD, REVERSE: datagrams instead of TCP */
    struct place bind;         /* port 0: any free one */
    uint16_t port;             /* REVERSE: of our addresses inside; SNI: of the targets, 443 */
    bool is_for_both_families; /* all addresses of one: another door takes those of the other */
    bool may_lack_family;      /* that other door, for IPv6: this machine may have none */
    bool allow_lan;            /* outside loopback without users only where this is set */

    struct config_user *users; /* none: nobody is asked */
    size_t n_users;
    struct config_rule *rules; /* of this door; those of [Access] are asked after them */
    size_t n_rules;

    /* FORWARD, STDIO: a name or address inside. REVERSE: one of this machine or its network, or a Unix socket. */
    char *target_host; /* NULL: target_path */
    uint16_t target_port;
    unsigned target_line;
    char *target_path;

    /* SOCKS5's UDP */
    bool no_udp;                   /* UDP = no */
    uint16_t udp_port;             /* 0: that of `bind` */
    struct endpoint udp_advertise; /* family NONE: where the client came in; port 0: the real one */

    /* seconds, of this door's flows: IdleTimeout, InactivityTimeout; 0: they never end */
    unsigned idle;
    bool has_idle;    /* else [Limits] counts */
    bool log_domains; /* LogDomains: where each connection goes is said, not only with -v */
    /* PROXY: what TLS is spoken with to clients, PEM, the texts themselves; NULL: no TLS. Both or none */
    char *tls_certificate, *tls_key; /* the key is wiped when freed */
    unsigned tls_line;               /* of the later of the two */
    /* where they may be renewed; NULL: nowhere */
    char *tls_certificate_path, *tls_key_path;
};

enum config_strategy { CONFIG_AUTO, CONFIG_IPV4, CONFIG_IPV6 };

/* [Limits]; 0 everywhere means the default of who uses it. Seconds. */
struct config_limits {
    unsigned connect_timeout, greeting_timeout, idle_timeout, udp_idle_timeout;
    unsigned drain_timeout;
    bool has_drain_timeout;   /* 0 is a time, too */
    unsigned max_connections; /* of one door */
    unsigned workers;         /* helper threads, 0 to 32 */
    bool has_workers;         /* else as many as pay */
};

struct config {
    char *path; /* as given, for messages */
    uint8_t private_key[KEY_LEN];
    struct prefix *addresses;
    size_t n_addresses;
    struct addr *dns;
    size_t n_dns;
    char **search; /* search domains from DNS = */
    size_t n_search;
    uint16_t mtu;         /* 0: not given */
    uint16_t listen_port; /* 0: not given, any free one */
    bool no_udp_offload;  /* UdpOffload = no */
    char *through;        /* the tunnel that carries this one; NULL: none */
    struct config_peer *peers;
    size_t n_peers;
    struct config_door *doors; /* none: the caller's default */
    size_t n_doors;
    struct config_rule *rules; /* [Access], for every door */
    size_t n_rules;
    struct config_limits limits;
    bool names_outside;            /* [Resolve] Outside = yes */
    enum config_strategy strategy; /* [Resolve] ResolveStrategy */
    struct addr *check_alive;      /* pinged inside, for /readyz */
    size_t n_check_alive;
    unsigned check_alive_interval; /* seconds; 0: the default, 5 */
    unsigned status_line;          /* of [Status] BindAddress; 0: there is none */
    struct place status;
    bool status_allow_lan;
    bool has_secrets;        /* in the file itself, not only in others or in variables */
    char **secret_variables; /* those of the environment that a key or a password came from */
    size_t n_secret_variables;
};

/* What is said about a file, a line each, ready to print: `client.conf:7:
 * AllowedIPs: "10.0.0.0/33": prefix length must be 0 to 32`. All errors of a
 * file are reported, not only the first, sorted by line. The text does not say
 * whether it is an error or a warning. It never holds a key, nor anything that
 * looks like one. */
typedef void config_message_fn(void *ctx, bool is_error, const char *message);

/* Read the file at `path` ("-": standard input). With `allow_lan`, each door and the status is as if it said AllowLan = yes. 0 and *out (to be freed), or
 * ERR_INVALID after at least one message with is_error; warnings alone do not
 * fail. ERR_NOMEM. *out is NULL on failure. */
int config_load(struct config **out, const char *path, bool allow_lan, config_message_fn *message,
                void *ctx) MUST_USE;

/* The same from memory; `name` stands in the messages. */
int config_parse(struct config **out, const char *name, const char *text, size_t len,
                 config_message_fn *message, void *ctx) MUST_USE;

void config_free(struct config *c); /* wipes the keys; NULL is harmless */

#endif
