/* SPDX-License-Identifier: MIT */
/* Where lwIP asks us instead of deciding itself. Included by lwIP's own files. */
#ifndef WGPROXY_STACK_LWIP_LWIP_HOOKS_H
#define WGPROXY_STACK_LWIP_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

struct tcp_pcb;
struct tcp_seg;

/* The initial sequence number of a connection (RFC 6528); see stack/isn.c. */
uint32_t stack_hook_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                        uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) \
    stack_hook_isn(local, local_port, remote, remote_port)

/* The connection of the segment that is coming in, or NULL; see stack/input.c. */
struct tcp_pcb *stack_hook_lookup(void);
#define LWIP_HOOK_TCP_LOOKUP() stack_hook_lookup()

/* Will the flush at the end of the turn send what there is to send? See stack/conn_flush.c. */
int stack_hook_defer_output(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_DEFER_OUTPUT(pcb) stack_hook_defer_output(pcb)

/* What is sent again, and how much is in flight; see stack/sender.c. A segment left; one is
 * acknowledged and about to be freed; an acknowledgement was handled; none came for too long. */
void stack_hook_segment_sent(struct tcp_pcb *pcb, struct tcp_seg *seg);
void stack_hook_segment_acked(struct tcp_pcb *pcb, struct tcp_seg *seg);
void stack_hook_ack(struct tcp_pcb *pcb);
void stack_hook_timeout(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_SEG_SENT(pcb, seg) stack_hook_segment_sent(pcb, seg)
#define LWIP_HOOK_TCP_SEG_ACKED(pcb, seg) stack_hook_segment_acked(pcb, seg)
#define LWIP_HOOK_TCP_ACK(pcb) stack_hook_ack(pcb)
#define LWIP_HOOK_TCP_TIMEOUT(pcb) stack_hook_timeout(pcb)

#endif
