/* SPDX-License-Identifier: MIT */
/* The values that stand behind the keys of a file. Each function reads one
 * element, already free of comments and of blanks around it, and returns NULL,
 * or what is wrong with it in words that follow the quoted value. */
#ifndef WGPROXY_CONFIG_VALUES_H
#define WGPROXY_CONFIG_VALUES_H

#include "base/addr.h"
#include "base/base64.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHY_SIZE 96

/* A key that is not all zero. The words may be written to `why`; they never
 * tell anything of the key but its length. */
const char *value_key(uint8_t key[KEY_LEN], const char *text, char why[WHY_SIZE]) MUST_USE;

/* As value_key, but zero is allowed: it means none (paper 5.2). */
const char *value_preshared_key(uint8_t key[KEY_LEN], const char *text,
                                char why[WHY_SIZE]) MUST_USE;

/* Of AllowedIPs: an address or a network; bits beyond the length are kept as
 * written. */
const char *value_prefix(struct prefix *out, const char *text) MUST_USE;

/* Of Address: a prefix whose address a host can have. */
const char *value_address(struct prefix *out, const char *text) MUST_USE;

/* 576 to 65535; 0 to 65535; 0 to 65535 or "off", which is 0. */
const char *value_mtu(uint16_t *out, const char *text) MUST_USE;
const char *value_port(uint16_t *out, const char *text) MUST_USE;
const char *value_keepalive(uint16_t *out, const char *text) MUST_USE;

/* "30", "30s", "5m", "1h": at least `least`, at most a year. */
const char *value_seconds(unsigned *out, unsigned least, const char *text) MUST_USE;
const char *value_count(unsigned *out, const char *text) MUST_USE; /* 0 to 10 million */
const char *value_workers(unsigned *out, const char *text) MUST_USE;

const char *value_yes_no(bool *out, const char *text) MUST_USE;

/* wg-quick(8) tells a server of DNS = from a search domain by its characters
 * alone. */
bool value_is_dns_server(const char *text);
const char *value_dns_server(struct addr *out, const char *text) MUST_USE;
const char *value_search_domain(const char *text) MUST_USE;

#define HOST_SIZE 256

/* Of Endpoint: "host:port" or "[v6]:port". */
const char *value_endpoint(char host[HOST_SIZE], uint16_t *port, const char *text) MUST_USE;

#endif
