/* SPDX-License-Identifier: MIT */
/* ICMP packets that we make ourselves, of either family. lwIP is their carrier only. */
#ifndef WGPROXY_STACK_ICMP_PACKET_H
#define WGPROXY_STACK_ICMP_PACKET_H

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

struct pbuf;
struct stack;

/* An IP packet of `len` bytes in all: its header is written, its ICMP part is zeroes. NULL without memory. */
struct pbuf *icmp_packet_new(const struct addr *from, const struct addr *to, size_t len);

/* Its ICMP part, to be filled in but for the checksum. */
uint8_t *icmp_packet_body(struct pbuf *q, size_t *len);

/* An IP header alone, of a packet of `len` bytes: to be sent, or quoted. */
void icmp_packet_header(uint8_t *at, const struct addr *from, const struct addr *to, uint8_t proto,
                        size_t len);

/* Complete it and send it. Takes ownership. */
void icmp_packet_send(struct stack *stack, struct pbuf *q);

#endif
