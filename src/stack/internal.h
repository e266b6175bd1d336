/* SPDX-License-Identifier: MIT */
/* What the files of this module share and nobody else sees. */
#ifndef WGPROXY_STACK_INTERNAL_H
#define WGPROXY_STACK_INTERNAL_H

#include "base/list.h"
#include "stack/chunkq.h"
#include "stack/flowtab.h"
#include "stack/instance.h"
#include "stack/reass.h"
#include "stack/stack.h"
#include "stack/stack_ping.h"
#include "stack/stack_tcp.h"
#include "stack/stack_udp.h"

#include <lwip/netif.h>

struct pbuf;
struct packet;

#define PORT_STEPS 64

struct stack {
    struct stack_config config;
    struct addr *addresses; /* owned; the first of a family is the source of what we send */
    size_t n_addresses;
    struct addr source4, source6; /* family NONE where we have none */
    uint64_t drops[STACK_DROP_N];

    struct instance instance; /* lwIP's globals while another stack is in */
    struct netif netif;
    uint64_t mono; /* the clock, as of the last entry */
    uint8_t isn_secret[SIPHASH_KEY];
    uint8_t port_secret[SIPHASH_KEY];
    uint32_t port_steps[PORT_STEPS]; /* how many ports the destinations of each bucket have had */

    uint16_t segment_mtu; /* what TCP's segments fit into: config.mtu, or less */
    bool black_hole;      /* on our side of it they are to be smaller still; see black_hole.c */
    unsigned silences;    /* that were taken for it */
    uint64_t large_at;    /* when the last packet came that would not fit through it; 0: none yet */
    uint64_t doubt_due;   /* from when on a connection may see whether it is there still */
    struct {
        uint16_t local_port, remote_port; /* of the last one that did */
    } doubter;

    uint64_t icmp_next; /* when the next ICMP error may leave, without the burst; see link.c */
    uint16_t ip_id;     /* of the last IPv4 packet that is no fragment */
    bool may_output;    /* inside stack_input, stack_flush or stack_tick */
    bool in_output;     /* inside config.output, which must not come back */
    struct list outq;   /* packets made at other times; see link.h */
    struct reass reass;

    struct chunk_pool chunks;
    size_t copied;         /* memory of packets that were copied out of receive buffers */
    struct list conns;     /* every stack_tcp */
    struct list listeners; /* every stack_tcp_listener */
    struct flowtab flows;
    struct list tcp_ready, udp_ready;  /* have news for their handlers */
    struct list tcp_dirty;             /* have something to do in stack_flush */
    struct list tcp_starved;           /* wait for memory until retry_due */
    struct stack_tcp *input_conn;      /* whom the packet being handled belongs to */
    const struct packet *input_packet; /* that packet */
    uint32_t input_ack;                /* what it acknowledges; lwIP swaps the header in place */
    struct tcp_pcb *tcp_parked;        /* pcbs that lwIP's timers need not see; see ticks.c */
    struct list time_wait;             /* connections in TIME_WAIT, the oldest first */
    size_t n_time_wait;
    size_t most_in_heap; /* since memory went back to the system; see ticks.c */
    uint64_t trim_due;
    uint64_t fast_due, slow_due; /* lwIP's TCP timers; see ticks.c */
    uint64_t sender_due;         /* no sender.due is earlier */
    uint64_t sender_not_before;  /* when they may be looked at again */
    uint64_t sender_pause;       /* ns between two turns of one that paces, beside all the others */
    uint64_t time_wait_due;
    uint64_t retry_due;

    struct list udp_sockets;
    struct stack_udp *udp_running; /* whose handler runs; NULL once it closed itself */

    struct list pings, ping_ready;
    struct stack_ping *ping_running; /* as udp_running */
};

#endif
