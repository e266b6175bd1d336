/* SPDX-License-Identifier: MIT */
/* The configuration file as a plain structure, without defaults of other
 * modules and without opinions: what the file says, checked. Format:
 * wg-quick(8), with [Socks5] for what it knows nothing of. */
#ifndef WGPROXY_CONFIG_CONFIG_H
#define WGPROXY_CONFIG_CONFIG_H

#include "base/addr.h"
#include "base/base64.h"
#include "base/macros.h"

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

struct config_listener {
    unsigned line;        /* of its BindAddress */
    struct endpoint bind; /* port 0: any free one */
    bool allow_lan;       /* outside loopback only where this is set */
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
    char *through;        /* the tunnel that carries this one; NULL: none */
    struct config_peer *peers;
    size_t n_peers;
    struct config_listener *socks5; /* none: the caller's default */
    size_t n_socks5;
};

/* What is said about a file, a line each, ready to print: `client.conf:7:
 * AllowedIPs: "10.0.0.0/33": prefix length must be 0 to 32`. All errors of a
 * file are reported, not only the first, sorted by line. The text does not say
 * whether it is an error or a warning. It never holds a key, nor anything that
 * looks like one. */
typedef void config_message_fn(void *ctx, bool is_error, const char *message);

/* Read the file at `path` ("-": standard input). 0 and *out (to be freed), or
 * ERR_INVALID after at least one message with is_error; warnings alone do not
 * fail. ERR_NOMEM. *out is NULL on failure. */
int config_load(struct config **out, const char *path,
                config_message_fn *message, void *ctx) MUST_USE;

/* The same from memory; `name` stands in the messages. */
int config_parse(struct config **out, const char *name, const char *text,
                 size_t len, config_message_fn *message, void *ctx) MUST_USE;

void config_free(struct config *c); /* wipes the keys; NULL is harmless */

#endif
