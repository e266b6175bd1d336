/* SPDX-License-Identifier: MIT */
/* lwIP's only interface: the tunnel. Inner packets leave through config.output, gathered from where
 * their parts stand. Packets that lwIP makes when output is not allowed (a SYN, an RST or a
 * datagram, made by a handler) wait as copies, in order, for the next flush. */
#ifndef WGPROXY_STACK_LINK_H
#define WGPROXY_STACK_LINK_H

struct addr;
struct stack;

int link_up(struct stack *stack); /* 0, ERR_NOMEM */
void link_down(struct stack *stack);

/* Output is allowed between these; begin sends what waited. */
void link_begin(struct stack *stack);
void link_end(struct stack *stack);

/* lwIP knows one address of each family. Show it the one that the packet about to be handled was
 * sent to; and the first one again. */
void link_show_address(struct stack *stack, const struct addr *a);
void link_show_sources(struct stack *stack);

#endif
