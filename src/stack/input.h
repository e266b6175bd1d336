/* SPDX-License-Identifier: MIT */
/* One inner packet on its way from the gate to lwIP. */
#ifndef WGPROXY_STACK_INPUT_H
#define WGPROXY_STACK_INPUT_H

#include "stack/internal.h"

void input_packet(struct stack *stack, struct rxbuf *buf, uint8_t *ip, size_t len);

#endif
