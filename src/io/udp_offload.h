/* SPDX-License-Identifier: MIT */
/* What the system does for many datagrams at once: cut one long message into them (UDP_SEGMENT,
 * "GSO") and gather what arrived together into one (UDP_GRO). Each is tried, and when it is
 * missing or known to be broken it is given up for the life of the loop, with one line that says
 * so. What is refused on the way out of one port is given up for that port: others may lead
 * elsewhere. */
#ifndef WGPROXY_IO_UDP_OFFLOAD_H
#define WGPROXY_IO_UDP_OFFLOAD_H

#include "base/log.h"

#include <stdbool.h>

struct udp_offload { /* all zero: nothing has been tried */
    bool asked_gso, no_gso;
    bool no_gro;
    bool told_buffers; /* the line on small buffers was written */
    bool told_tunnel_refusal, told_local_refusal;
};

/* May several datagrams leave by `fd` as one message? Asks the system the first time. */
bool udp_offload_gso(struct udp_offload *o, int fd, const struct log *log);

/* Let those that arrive together at `fd` come as one message. False when the system cannot. */
bool udp_offload_gro(struct udp_offload *o, int fd, const struct log *log);

/* A message of several datagrams was refused with `errnum` to a port, a tunnel's or one for programs
 * of this network, and each of them was taken alone. Says so once for each of the two kinds. */
void udp_offload_tell_refusal(struct udp_offload *o, bool tunnel, int errnum,
                              const struct log *log);

/* Might it be the offload, rather than a datagram or its destination, that this error is about? */
bool udp_offload_is_refusal(int errnum);

/* A release of Linux that damages the headers of what it cuts: 7.0 to 7.1.4. */
bool udp_offload_is_broken(const char *release);

#endif
