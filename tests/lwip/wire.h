/* SPDX-License-Identifier: MIT */
/* One lwIP connection whose other end is the test: it sends any segment it likes
 * and keeps all that either side has said. Offsets count bytes of a stream, 0 is
 * the first byte after SYN; stream_byte() tells what each should be. */
#ifndef WGPROXY_TESTS_LWIP_WIRE_H
#define WGPROXY_TESTS_LWIP_WIRE_H

#include "unit/test.h"

#include "lwip/ip4.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"

#include <stdbool.h>

enum { WIRE_MSS = 1380, WIRE_STREAM_MAX = 4 << 20 };

struct wire {
    struct netif netif;
    struct tcp_pcb *pcb;
    uint32_t our_first, peer_first; /* sequence numbers of offset 0 */

    uint32_t received;  /* bytes that the application got, all checked */
    bool received_end;  /* and then the end of the stream */
    uint32_t send_next; /* end of what lwIP has sent so far */
    bool sent_end;      /* a FIN was among it */
    uint8_t *seen;      /* per offset: lwIP has sent this byte, and rightly */
    uint32_t window;    /* that the peer offers, a multiple of 256 */
};

uint8_t stream_byte(uint32_t offset);
const uint8_t *stream_bytes(uint32_t offset);

/* Open an interface and, through it, a connection with SACK and window scaling. */
void wire_open(struct wire *w);
void wire_close(struct wire *w);

/* The peer sends `len` bytes of its stream from `offset` on, acknowledging all. */
void wire_send(struct wire *w, uint32_t offset, uint32_t len, uint8_t flags);

/* The peer acknowledges our stream up to `offset`. */
void wire_ack(struct wire *w, uint32_t offset);

/* A whole IP packet arrives; it is copied. */
void wire_input(struct wire *w, const void *packet, size_t len);

/* The remembered ends and sizes of the queues are unknown or true. */
void wire_check_queues(const struct wire *w);

#endif
