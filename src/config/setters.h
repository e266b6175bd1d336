/* SPDX-License-Identifier: MIT */
/* From the value of a key to the field of the configuration. */
#ifndef WGPROXY_CONFIG_SETTERS_H
#define WGPROXY_CONFIG_SETTERS_H

#include "config/schema.h"

/* Without memory they set r->no_memory and return NULL. */
setter_fn set_private_key, set_address, set_dns, set_mtu, set_listen_port, set_through;
setter_fn set_public_key, set_preshared_key, set_allowed_ip;
setter_fn set_endpoint, set_keepalive;
setter_fn set_bind_address, set_allow_lan;

/* One more peer or listener, empty, for the section that begins. */
void setters_begin_peer(struct reading *r);
void setters_begin_listener(struct reading *r);

#endif
