/* SPDX-License-Identifier: MIT */
/* From the value of a key to the field of the configuration. */
#ifndef WGPROXY_CONFIG_SETTERS_H
#define WGPROXY_CONFIG_SETTERS_H

#include "config/schema.h"

/* Without memory they set r->no_memory and return NULL. */
setter_fn set_private_key, set_address, set_dns, set_mtu, set_listen_port, set_udp_offload,
    set_through;
setter_fn set_check_alive, set_check_alive_interval, set_wg_config;
setter_fn set_public_key, set_preshared_key, set_allowed_ip;
setter_fn set_endpoint, set_keepalive;

/* Of the doors: setters_doors.c. */
setter_fn set_bind_address, set_allow_lan, set_username, set_password, set_protocol;
setter_fn set_udp, set_udp_port, set_udp_advertise, set_allow, set_deny, set_door_idle;
setter_fn set_inactivity, set_log_domains;
setter_fn set_certificate, set_certificate_key, set_door_port, set_target;
setter_fn set_names_outside, set_strategy;
setter_fn set_connect_timeout, set_greeting_timeout, set_idle_timeout, set_udp_idle_timeout;
setter_fn set_drain_timeout, set_max_connections, set_workers;
setter_fn set_status_address, set_status_allow_lan;

/* One more peer or door, empty, for the section that begins. */
begin_fn setters_begin_interface, setters_begin_peer;
begin_fn setters_begin_proxy, setters_begin_socks5, setters_begin_http, setters_begin_sni;
begin_fn setters_begin_tcp_client, setters_begin_udp_client, setters_begin_tcp_server;
begin_fn setters_begin_udp_server, setters_begin_stdio, setters_begin_status;
begin_fn setters_begin_resolve;

/* A value of this key is there, but could not be had, which has been told. */
void setters_lost(struct reading *r, const struct key_entry *key);

/* Where a list of `n` items stands after room was made for one more, zeroed; or NULL without
 * memory, and nothing moved. What they move from may have held keys and is wiped. */
void *setters_grow(struct reading *r, void *items, size_t n, size_t item_size);
char *setters_copy(struct reading *r, const char *text); /* NULL without memory */

#endif
