/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "lwip/init.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/tcp.h"
#include "lwip/timeouts.h"

#include <stdlib.h>
#include <string.h>

enum { PEER_PORT = 80, HEADERS = IP_HLEN + TCP_HLEN };

static const uint8_t our_address[4] = {10, 0, 0, 1};
static const uint8_t peer_address[4] = {10, 0, 0, 2};

/* The tests call lwIP's timers themselves. */
void sys_timeouts_init(void)
{
}

void tcp_timer_needed(void)
{
}

uint8_t stream_byte(uint32_t offset)
{
    return (uint8_t)((offset * UINT32_C(2654435761)) >> 23);
}

const uint8_t *stream_bytes(uint32_t offset)
{
    static uint8_t bytes[WIRE_STREAM_MAX];
    static bool filled;
    if (!filled) {
        for (uint32_t i = 0; i < WIRE_STREAM_MAX; i++) {
            bytes[i] = stream_byte(i);
        }
        filled = true;
    }
    return bytes + offset;
}

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct wire *w = arg;
    assert_int_equal(err, ERR_OK);
    assert_false(w->received_end);
    if (p == NULL) {
        w->received_end = true;
        return ERR_OK;
    }
    uint32_t before = w->received;
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        assert_memory_equal(q->payload, stream_bytes(w->received), q->len);
        w->received += q->len;
    }
    assert_int_equal(w->received - before, p->tot_len);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    (void)err;
    ((struct wire *)arg)->pcb = NULL;
}

static void note_sent(struct wire *w, uint32_t offset, const uint8_t *data, uint32_t len)
{
    assert_memory_equal(data, stream_bytes(offset), len);
    memset(w->seen + offset, 1, len);
    if (offset + len > w->send_next) {
        w->send_next = offset + len;
    }
}

static err_t on_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)to;
    struct wire *w = netif->state;
    static uint8_t packet[65536];
    uint16_t len = pbuf_copy_partial(p, packet, p->tot_len, 0);
    struct tcp_hdr tcp;
    memcpy(&tcp, packet + IP_HLEN, sizeof tcp);
    uint16_t header = (uint16_t)(IP_HLEN + TCPH_HDRLEN_BYTES(&tcp));

    if (TCPH_FLAGS(&tcp) & TCP_SYN) {
        w->our_first = lwip_ntohl(tcp.seqno) + 1;
    } else if (!(TCPH_FLAGS(&tcp) & TCP_RST)) {
        note_sent(w, lwip_ntohl(tcp.seqno) - w->our_first, packet + header, len - header);
        w->sent_end = w->sent_end || (TCPH_FLAGS(&tcp) & TCP_FIN) != 0;
    }
    return ERR_OK;
}

static err_t netif_up(struct netif *netif)
{
    netif->output = on_output;
    netif->mtu = WIRE_MSS + HEADERS;
    netif->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

/* A segment of the peer: headers, `n_options` bytes of options, data. */
static void send_segment(struct wire *w, uint32_t seqno, uint32_t ackno, uint8_t flags,
                         const uint8_t *options, size_t n_options, const uint8_t *data, size_t len)
{
    static uint8_t packet[HEADERS + 40 + 65536];
    size_t total = HEADERS + n_options + len;
    struct ip_hdr ip = {0};
    IPH_VHL_SET(&ip, 4, IP_HLEN / 4);
    IPH_LEN_SET(&ip, lwip_htons((uint16_t)total));
    IPH_TTL_SET(&ip, 64);
    IPH_PROTO_SET(&ip, IP_PROTO_TCP);
    memcpy(&ip.src, peer_address, 4);
    memcpy(&ip.dest, our_address, 4);

    struct tcp_hdr tcp = {0};
    uint16_t shift = (flags & TCP_SYN) ? 0 : 8;
    tcp.src = PP_HTONS(PEER_PORT);
    tcp.dest = lwip_htons(w->pcb->local_port);
    tcp.seqno = lwip_htonl(seqno);
    tcp.ackno = lwip_htonl(ackno);
    TCPH_HDRLEN_FLAGS_SET(&tcp, (TCP_HLEN + n_options) / 4, flags);
    tcp.wnd = lwip_htons((uint16_t)(w->window >> shift));

    memcpy(packet, &ip, IP_HLEN);
    memcpy(packet + IP_HLEN, &tcp, TCP_HLEN);
    if (n_options > 0) {
        memcpy(packet + HEADERS, options, n_options);
    }
    if (len > 0) {
        memcpy(packet + HEADERS + n_options, data, len);
    }
    wire_input(w, packet, total);
}

void wire_open(struct wire *w)
{
    static bool initialised;
    if (!initialised) {
        lwip_init();
        initialised = true;
    }
    *w = (struct wire){.peer_first = 0xfffff001, .window = 0xff00};
    w->seen = calloc(1, WIRE_STREAM_MAX);
    assert_non_null(w->seen);

    ip4_addr_t address, mask, gateway;
    memcpy(&address, our_address, 4);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    ip4_addr_set_zero(&gateway);
    assert_non_null(netif_add(&w->netif, &address, &mask, &gateway, w, netif_up, ip4_input));
    netif_set_default(&w->netif);

    w->pcb = tcp_new();
    assert_non_null(w->pcb);
    tcp_arg(w->pcb, w);
    tcp_recv(w->pcb, on_receive);
    tcp_err(w->pcb, on_error);
    ip_addr_t peer = IPADDR4_INIT_BYTES(10, 0, 0, 2);
    assert_int_equal(tcp_connect(w->pcb, &peer, PEER_PORT, NULL), ERR_OK);

    static const uint8_t options[] = {2, 4, WIRE_MSS >> 8, WIRE_MSS & 255, 1, 3, 3, 8, 1, 1, 4, 2};
    send_segment(w, w->peer_first - 1, w->our_first, TCP_SYN | TCP_ACK, options, sizeof options,
                 NULL, 0);
    assert_int_equal(w->pcb->state, ESTABLISHED);
    w->window = 1 << 20;
    wire_ack(w, 0);
}

void wire_close(struct wire *w)
{
    if (w->pcb != NULL) {
        tcp_abort(w->pcb);
    }
    while (tcp_tw_pcbs != NULL) {
        tcp_abort(tcp_tw_pcbs);
    }
    netif_remove(&w->netif);
    free(w->seen);
}

void wire_send(struct wire *w, uint32_t offset, uint32_t len, uint8_t flags)
{
    send_segment(w, w->peer_first + offset, w->our_first + w->send_next, flags | TCP_ACK, NULL, 0,
                 stream_bytes(offset), len);
}

void wire_ack(struct wire *w, uint32_t offset)
{
    send_segment(w, w->peer_first + w->received, w->our_first + offset, TCP_ACK, NULL, 0, NULL, 0);
}

void wire_input(struct wire *w, const void *packet, size_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (uint16_t)len, PBUF_RAM);
    assert_non_null(p);
    assert_int_equal(pbuf_take(p, packet, (uint16_t)len), ERR_OK);
    assert_int_equal(w->netif.input(p, &w->netif), ERR_OK);
}

static const struct tcp_seg *last_of(const struct tcp_seg *queue)
{
    while (queue != NULL && queue->next != NULL) {
        queue = queue->next;
    }
    return queue;
}

void wire_check_queues(const struct wire *w)
{
    const struct tcp_pcb *pcb = w->pcb;
    assert_true(pcb->unsent_last == NULL || pcb->unsent_last == last_of(pcb->unsent));
    assert_true(pcb->unacked_last == NULL || pcb->unacked_last == last_of(pcb->unacked));

    uint32_t bytes = 0, pbufs = 0;
    for (const struct tcp_seg *seg = pcb->ooseq; seg != NULL; seg = seg->next) {
        bytes += seg->p->tot_len;
        pbufs += pbuf_clen(seg->p);
    }
    assert_true(pbufs <= TCP_OOSEQ_MAX_PBUFS);
    if (pcb->ooseq_last != NULL) {
        assert_ptr_equal(pcb->ooseq_last, last_of(pcb->ooseq));
        assert_int_equal(pcb->ooseq_bytes, bytes);
        assert_int_equal(pcb->ooseq_pbufs, pbufs);
    }
}
