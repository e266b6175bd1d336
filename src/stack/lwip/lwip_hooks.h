/* SPDX-License-Identifier: MIT */
/* Where lwIP asks us instead of deciding itself. Included by lwIP's own files. */
#ifndef WGPROXY_STACK_LWIP_LWIP_HOOKS_H
#define WGPROXY_STACK_LWIP_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

/* The initial sequence number of a connection (RFC 6528); see stack/isn.c. */
uint32_t stack_hook_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                        uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) \
    stack_hook_isn(local, local_port, remote, remote_port)

#endif
