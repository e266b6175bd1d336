/* SPDX-License-Identifier: MIT */
/* Faults of lwIP 2.2.1 that our patches mend. */
#include "wire.h"

#include "lwip/ip4_frag.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/tcp.h"

#include <stdlib.h>
#include <string.h>

/* Only a sanitizer or valgrind sees a byte read too many. */

static void an_option_cut_off_by_the_end_of_the_packet_is_not_read_on(void **state)
{
    (void)state;
    for (uint8_t kind = 2; kind <= 8; kind++) {
        struct wire w;
        wire_open(&w);
        uint8_t packet[IP_HLEN + TCP_HLEN + 4] = {
            0x45, 0, 0, sizeof packet, 0, 0, 0, 0, 64, IP_PROTO_TCP, 0, 0, 10, 0, 0, 2, 10,
            0,    0, 1};
        uint32_t seqno = lwip_htonl(w.peer_first), ackno = lwip_htonl(w.our_first);
        uint16_t port = lwip_htons(w.pcb->local_port);
        uint8_t *tcp = packet + IP_HLEN;
        tcp[1] = 80;
        memcpy(tcp + 2, &port, 2);
        memcpy(tcp + 4, &seqno, 4);
        memcpy(tcp + 8, &ackno, 4);
        tcp[12] = (TCP_HLEN + 4) / 4 << 4;
        tcp[13] = TCP_ACK;
        memcpy(tcp + TCP_HLEN, (uint8_t[]){1, 1, 1, kind}, 4);

        /* A heap block of its own, so that its end is the end of the packet. */
        uint8_t *exact = malloc(sizeof packet);
        assert_non_null(exact);
        memcpy(exact, packet, sizeof packet);
        struct pbuf *p = pbuf_alloc(PBUF_RAW, sizeof packet, PBUF_REF);
        assert_non_null(p);
        p->payload = exact;
        assert_int_equal(w.netif.input(p, &w.netif), ERR_OK);
        free(exact);
        assert_int_equal(w.pcb->state, ESTABLISHED);
        assert_int_equal(w.pcb->mss, WIRE_MSS);
        wire_close(&w);
    }
}

struct fragments {
    uint32_t n, bytes;
    bool ended;
};

static err_t take_fragment(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)to;
    struct fragments *f = netif->state;
    struct ip_hdr ip;
    assert_int_equal(pbuf_copy_partial(p, &ip, sizeof ip, 0), sizeof ip);
    assert_true(p->tot_len <= netif->mtu);
    assert_false(f->ended);
    assert_int_equal((lwip_ntohs(IPH_OFFSET(&ip)) & IP_OFFMASK) * 8, f->bytes);
    f->n++;
    f->bytes += p->tot_len - IP_HLEN;
    f->ended = (lwip_ntohs(IPH_OFFSET(&ip)) & IP_MF) == 0;
    return ERR_OK;
}

static void only_the_last_fragment_says_that_it_is_the_last(void **state)
{
    (void)state;
    for (uint16_t mtu = 1280; mtu <= 1288; mtu++) {
        for (uint16_t len = 2500; len <= 2600; len++) {
            struct fragments f = {0};
            struct netif netif = {.mtu = mtu, .output = take_fragment, .state = &f};
            struct pbuf *p = pbuf_alloc(PBUF_RAW, IP_HLEN + len, PBUF_RAM);
            assert_non_null(p);
            memset(p->payload, 0, p->len);
            ((uint8_t *)p->payload)[0] = 0x45;
            ip4_addr_t to = {0};
            assert_int_equal(ip4_frag(p, &netif, &to), ERR_OK);
            assert_true(f.ended);
            assert_int_equal(f.bytes, len);
            pbuf_free(p);
        }
    }
}

/* The persist timer cuts a segment down to a window that is narrower. */
static void a_segment_that_is_split_has_its_fin_at_the_end_only(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    assert_int_equal(tcp_write(w.pcb, stream_bytes(0), 100, 0), ERR_OK);
    tcp_output(w.pcb);
    w.window = 512;
    wire_ack(&w, 100);
    assert_int_equal(tcp_write(w.pcb, stream_bytes(100), 1000, 0), ERR_OK);
    assert_int_equal(tcp_shutdown(w.pcb, 0, 1), ERR_OK);
    assert_int_equal(w.send_next, 100);
    for (int tick = 0; tick < 100 && w.send_next == 100; tick++) {
        tcp_slowtmr();
    }
    assert_int_equal(w.send_next, 100 + 512);
    assert_false(w.sent_end);

    w.window = 1 << 20;
    wire_ack(&w, w.send_next);
    assert_int_equal(w.send_next, 100 + 1000);
    assert_true(w.sent_end);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_cut_off_by_the_end_of_the_packet_is_not_read_on),
        cmocka_unit_test(only_the_last_fragment_says_that_it_is_the_last),
        cmocka_unit_test(a_segment_that_is_split_has_its_fin_at_the_end_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
