/* SPDX-License-Identifier: MIT */
/* A name server inside the tunnel that knows one name with one IPv4 address. */
#ifndef WGPROXY_TESTS_SIM_SIM_DNS_H
#define WGPROXY_TESTS_SIM_SIM_DNS_H

#include "base/addr.h"
#include "stack/stack.h"

struct sim_dns {
    const char *name;
    struct addr address;
    unsigned asked; /* whatever for */
    struct stack_udp *socket;
};

void sim_dns_open(struct sim_dns *d, struct stack *stack, const char *name, const char *address);
void sim_dns_close(struct sim_dns *d);

#endif
