/* SPDX-License-Identifier: MIT */
/* ICMP errors about what we sent. lwIP ignores them; a SOCKS client wants to know at once that
 * there is no way. */
#ifndef WGPROXY_STACK_ICMP_H
#define WGPROXY_STACK_ICMP_H

struct packet;
struct stack;

/* Read one that passed the gate as GATE_ERROR, and tell whom it is about: a connection that is only
 * just being made fails, an established one ignores it (RFC 5927 5.2) but for its packet size, a
 * datagram socket or a ping hears of it. One that quotes nothing of ours is ignored. */
void icmp_error(struct stack *stack, const struct packet *p);

#endif
