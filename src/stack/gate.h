/* SPDX-License-Identifier: MIT */
/* The door before lwIP: what it should never see ends here, counted. Everything behind the gate may
 * trust the lengths that the headers state. Most of lwIP's known faults are out of a peer's reach
 * this way, whatever its version. Knows packets, not lwIP. */
#ifndef WGPROXY_STACK_GATE_H
#define WGPROXY_STACK_GATE_H

#include "base/addr.h"
#include "stack/stack.h"

enum {
    IP4_HEADER = 20,
    IP6_HEADER = 40,
    IP6_FRAGMENT_HEADER = 8,
    TCP_HEADER = 20,
    UDP_HEADER = 8,
    ICMP_HEADER = 8
};
enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_FRAGMENT = 44, PROTO_ICMP6 = 58 };

enum gate_verdict {
    GATE_DROP, /* packet.why says why */
    GATE_TCP,  /* for lwIP, as are the next two */
    GATE_UDP,
    GATE_ECHO,     /* an ICMP echo request */
    GATE_REPLY,    /* an ICMP echo reply; see stack/pings.h */
    GATE_ERROR,    /* an ICMP error about something we sent; see stack/icmp.h */
    GATE_FRAGMENT, /* a part of a packet, whose payload was not looked at; see stack/reass.h */
};

/* A packet that passed, as its headers describe it. */
struct packet {
    uint8_t *ip;
    size_t len; /* what the header says; the rest was padding */
    struct addr src, dst;
    uint8_t proto;    /* of the payload; of the whole packet's payload for a fragment */
    uint8_t *payload; /* behind the IP header and the fragment header */
    size_t payload_len;
    uint32_t fragment_id;
    uint32_t fragment_offset; /* bytes */
    bool fragment_more;
    enum stack_drop why;
};

/* Look at one packet. `ours` are the addresses that it may be sent to. Writes to the packet only to
 * blank a TCP MSS option where none belongs (RFC 9293 3.7.1) and to raise one that is absurdly
 * small. */
enum gate_verdict gate_check(const struct addr *ours, size_t n_ours, uint8_t *ip, size_t len,
                             struct packet *p);

#endif
