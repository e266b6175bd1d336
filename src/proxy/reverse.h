/* SPDX-License-Identifier: MIT */
/* TCP from the tunnel to this machine or its network: connections to a port of ours inside are carried to one local
 * target. A target that refuses resets the inner connection at once: whoever connected is not left waiting. */
#ifndef WGPROXY_PROXY_REVERSE_H
#define WGPROXY_PROXY_REVERSE_H

#include "base/log.h"
#include "base/macros.h"
#include "base/place.h"
#include "proxy/local.h"
#include "proxy/target.h"
#include "stack/stack_tcp.h"

struct reverse;

struct reverse_config {
    struct stack *stack;
    const struct local *local; /* borrowed */
    uint16_t port;             /* of our addresses inside */
    struct place place;        /* PLACE_UNIX: the target, else `target` */
    struct target target;      /* a name is looked up by the machine, for each connection */
    unsigned max_sessions;     /* 0: no limit of its own */
    uint64_t connect_timeout;  /* ns; 0: 15 s */
    uint64_t idle;             /* ns; 0: never */
    const struct log *log;
};

/* as stack_tcp_listen */
int reverse_new(struct reverse **out, const struct reverse_config *config) MUST_USE;
void reverse_free(struct reverse *r);  /* resets what runs. NULL is harmless */
bool reverse_drain(struct reverse *r); /* no new ones; true while some run */
unsigned reverse_sessions(const struct reverse *r);
uint64_t reverse_next_deadline(const struct reverse *r);
void reverse_tick(struct reverse *r, struct now now);

#endif
