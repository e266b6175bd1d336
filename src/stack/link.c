/* SPDX-License-Identifier: MIT */
/* The interface between lwIP and the tunnel: see link.h. */
#include "stack/link.h"

#include "base/bytes.h"
#include "base/err.h"
#include "stack/black_hole.h"
#include "stack/conn.h"
#include "stack/gate.h"
#include "stack/lwip_addr.h"

#include <assert.h>
#include <lwip/ip.h>
#include <stdlib.h>

enum { OPTION_MSS = 2, OPTION_MSS_LEN = 4 };

/* ICMP errors: so many at once, and one each 10 ms. */
enum { ERRORS_AT_ONCE = 50 };
#define ERROR_NS (10 * NS_PER_MS)

/* A packet is a few parts: headers, and a reference into each chunk that its payload touches. */
enum { SLICES_MAX = 32 };

struct waiting {
    struct list link;
    size_t len;
    uint8_t ip[];
};

/* The packet may leave through another stack, as a datagram in it: lwIP is in the middle of something
 * and must find its globals again. */
static void emit(struct stack *s, const struct iovec *slices, int n, size_t len)
{
    s->in_output = true;
    s->config.output(s->config.ctx, slices, n, len);
    s->in_output = false;
    instance_enter(s);
}

/* Without memory the packet is lost, as it could be further on. */
static struct waiting *copy_of(const struct pbuf *p)
{
    struct waiting *w = malloc(sizeof *w + p->tot_len);
    if (w) {
        w->len = p->tot_len;
        pbuf_copy_partial(p, w->ip, p->tot_len, 0);
        list_init(&w->link);
    }
    return w;
}

static void send_waiting(struct stack *s)
{
    for (struct list *l; (l = list_pop_front(&s->outq));) {
        struct waiting *w = list_item(l, struct waiting, link);
        emit(s, &(struct iovec){w->ip, w->len}, 1, w->len);
        free(w);
    }
}

/* lwIP counts the identifications of its packets for the whole process: a peer could watch another
 * tunnel's traffic by them, and a seed would not say which bytes leave. Each stack counts its own.
 * Fragments have one in common and keep it. The header's checksum follows by RFC 1624: HC' = ~(~HC
 * + ~m + m'). */
static void rename_v4(struct stack *s, struct pbuf *p)
{
    uint8_t *ip = p->payload;
    if ((load_be16(ip + 6) & 0x3fff) != 0) {
        return;
    }
    uint32_t sum =
        (uint16_t)~load_be16(ip + 10) + (uint32_t)(uint16_t)~load_be16(ip + 4) + ++s->ip_id;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    store_be16(ip + 4, s->ip_id);
    store_be16(ip + 10, (uint16_t)~sum);
}

/* lwIP announces what the MTU allows. Where segments shall be smaller, our SYN's option says so; lwIP writes it first,
 * and anew for each SYN, in one piece with the headers. HC' = ~(~HC + ~m + m') once more. */
static void announce_mss(struct stack *s, struct pbuf *p)
{
    uint8_t *ip = p->payload;
    bool v6 = ip[0] >> 4 == 6;
    size_t header = v6 ? IP6_HEADER : IP4_HEADER;
    uint8_t *tcp = ip + header, *option = tcp + TCP_HEADER;
    if (p->len < header + TCP_HEADER + OPTION_MSS_LEN || ip[v6 ? 6 : 9] != PROTO_TCP ||
        !(tcp[13] & TCP_SYN) || tcp[12] >> 4 == TCP_HEADER / 4 || option[0] != OPTION_MSS) {
        return;
    }
    uint16_t more = black_hole_doubt(s, load_be16(tcp), load_be16(tcp + 2));
    uint16_t mss = (uint16_t)(conn_mss(s, v6) + more), announced = load_be16(option + 2);
    if (mss < announced) {
        uint32_t sum = (uint32_t)(uint16_t)~load_be16(tcp + 16) + (uint16_t)~announced + mss;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        store_be16(option + 2, mss);
        store_be16(tcp + 16, (uint16_t)~sum);
    }
}

static bool is_icmp_error(const struct pbuf *p)
{
    const uint8_t *ip = p->payload;
    if (ip[0] >> 4 == 4) {
        return p->len > IP4_HEADER && ip[9] == PROTO_ICMP &&
               ip[IP4_HEADER] == 3; /* unreachable: we make no other */
    }
    return p->len > IP6_HEADER && ip[6] == PROTO_ICMP6 && ip[IP6_HEADER] < 128; /* RFC 4443 2.1 */
}

/* RFC 4443 2.4 (f), RFC 1812 4.3.2.8: whoever knocks at closed ports does not decide how much we say. */
static bool may_send_error(struct stack *s)
{
    uint64_t next = s->icmp_next > s->mono ? s->icmp_next : s->mono;
    if (next - s->mono >= ERRORS_AT_ONCE * ERROR_NS) {
        return false;
    }
    s->icmp_next = next + ERROR_NS;
    return true;
}

/* What lwIP's output functions lead to. Never refuses: the outbox behind it always takes a packet,
 * and a pbuf is never kept, since lwIP would not retransmit a segment whose pbuf is still
 * referenced. */
static err_t output(struct stack *s, struct pbuf *p)
{
    struct iovec slices[SLICES_MAX];
    int n = 0;
    if (s->black_hole || s->segment_mtu < s->config.mtu) {
        announce_mss(s, p);
    }
    if (is_icmp_error(p) && !may_send_error(s)) {
        return ERR_OK;
    }
    struct pbuf *q = p;
    for (; q && n < SLICES_MAX; q = q->next) {
        if (q->len > 0) {
            slices[n++] = (struct iovec){q->payload, q->len};
        }
    }
    if (s->may_output && !q) {
        emit(s, slices, n, p->tot_len);
        return ERR_OK;
    }
    struct waiting *w = copy_of(p);
    if (w) {
        list_push_back(&s->outq, &w->link);
        if (s->may_output) {
            send_waiting(s);
        }
    }
    return ERR_OK;
}

static err_t output_v4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)to;
    rename_v4(netif->state, p);
    return output(netif->state, p);
}

static err_t output_v6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    (void)to;
    return output(netif->state, p);
}

static err_t netif_ready(struct netif *netif)
{
    const struct stack *s = netif->state;
    netif->name[0] = 'w';
    netif->name[1] = 'g';
    netif->mtu = s->config.mtu;
    netif->output = output_v4;
    netif->output_ip6 = output_v6;
    return ERR_OK;
}

int link_up(struct stack *s)
{
    if (!netif_add(&s->netif, NULL, NULL, NULL, s, netif_ready, ip_input)) {
        return ERR_NOMEM;
    }
    netif_set_default(&s->netif);
    netif_set_link_up(&s->netif);
    netif_set_up(&s->netif);
    link_show_sources(s);
    return 0;
}

void link_down(struct stack *s)
{
    for (struct list *l; (l = list_pop_front(&s->outq));) {
        free(list_item(l, struct waiting, link));
    }
    netif_remove(&s->netif);
}

void link_begin(struct stack *s)
{
    assert(!s->may_output);
    s->may_output = true;
    send_waiting(s);
}

void link_end(struct stack *s)
{
    assert(list_empty(&s->outq));
    s->may_output = false;
}

/* Written directly: netif_set_ipaddr would abort the connections of the address before. */
void link_show_address(struct stack *s, const struct addr *a)
{
    ip_addr_t ip = lwip_from_addr(a);
    if (a->family == FAMILY_V4) {
        s->netif.ip_addr = ip;
    } else {
        s->netif.ip6_addr[0] = ip;
        s->netif.ip6_addr_state[0] = IP6_ADDR_PREFERRED;
    }
}

void link_show_sources(struct stack *s)
{
    if (s->source4.family != FAMILY_NONE) {
        link_show_address(s, &s->source4);
    }
    if (s->source6.family != FAMILY_NONE) {
        link_show_address(s, &s->source6);
    }
}
