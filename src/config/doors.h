/* SPDX-License-Identifier: MIT */
/* Doors in the short form of the command line, as ssh has it, and the parts that they share with the
 * file. Each returns NULL, or what is wrong with the text; what is taken is allocated, and given back
 * by door_fini. */
#ifndef WGPROXY_CONFIG_DOORS_H
#define WGPROXY_CONFIG_DOORS_H

#include "base/macros.h"
#include "config/config.h"

/* What those say that have no memory. */
extern const char door_no_memory[];

/* -D: "[ADDRESS:]PORT" or "unix:PATH", for every protocol. */
const char *door_parse_proxy(struct config_door *out, const char *text) MUST_USE;

/* -L: "[udp:][ADDRESS:]PORT:HOST:HOSTPORT" or "unix:PATH:HOST:HOSTPORT", to HOST in the tunnel.
 * IPv6 addresses stand in brackets. */
const char *door_parse_forward(struct config_door *out, const char *text) MUST_USE;

/* -R: "[udp:]PORT:HOST:HOSTPORT" or "PORT:unix:PATH", from our port in the tunnel. */
const char *door_parse_reverse(struct config_door *out, const char *text) MUST_USE;

/* -W: "HOST:PORT" in the tunnel, for standard input and output. */
const char *door_parse_stdio(struct config_door *out, const char *text) MUST_USE;

void door_fini(struct config_door *door); /* harmless on zeroes */

/* "HOST:PORT" into target_host and target_port, or "unix:PATH" into target_path where that is
 * allowed. */
const char *door_parse_target(struct config_door *out, const char *text, bool allow_path) MUST_USE;

/* Of Allow and Deny: blank-separated terms that must all fit: a network, an address, "*", a name
 * with all below it (".corp.example" or "corp.example"), port=N, port=N-M, user=NAME. `allow` is
 * left alone. What is taken is allocated, and given back by rule_fini. */
const char *rule_parse(struct config_rule *out, const char *text) MUST_USE;
void rule_fini(struct config_rule *rule);

#endif
