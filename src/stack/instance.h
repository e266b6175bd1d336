/* SPDX-License-Identifier: MIT */
/* lwIP keeps its connections in global variables. Each stack owns a set of them, and entering a
 * stack puts its set in place, so that every stack has lwIP to itself: its own addresses, ports,
 * connections and clock, be they the same as another's. A process with one stack pays a comparison.
 *
 * Also here: what lwIP asks of its platform (time, chance, broken assertions). One thread only,
 * asserted. */
#ifndef WGPROXY_STACK_INSTANCE_H
#define WGPROXY_STACK_INSTANCE_H

#include "base/now.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>

struct stack;

struct instance {
    struct netif *netif;
    struct tcp_pcb *tcp_active, *tcp_bound, *tcp_time_wait;
    union tcp_listen_pcbs_t tcp_listen;
    struct udp_pcb *udp;
};

/* The first stack of the process initialises lwIP. Every function of the module that lwIP may
 * notice begins with one of these; `now` moves the stack's clock, which otherwise stands where it
 * stood. */
void instance_enter(struct stack *stack);
void instance_enter_at(struct stack *stack, struct now now);

/* The stack is about to go: nobody is in afterwards. */
void instance_leave(struct stack *stack);

/* Who is in. */
struct stack *instance_current(void);

/* lwIP counts TCP time in ticks of TCP_SLOW_INTERVAL. */
uint32_t instance_ticks(const struct stack *stack);

#endif
