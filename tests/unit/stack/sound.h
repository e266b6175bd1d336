/* SPDX-License-Identifier: MIT */
/* What is true of every connection whenever lwIP is at rest, whatever the other side has sent: the
 * counts are those of the queues, and the queues are in order. */
#ifndef WGPROXY_TESTS_STACK_SOUND_H
#define WGPROXY_TESTS_STACK_SOUND_H

#include "stack/conn.h"

#include <assert.h>
#include <lwip/priv/tcp_priv.h>

static inline void sound_sending(const struct stack_tcp *t)
{
    const struct sender *s = &t->sender;
    const struct tcp_pcb *pcb = t->pcb;
    uint32_t sacked = 0, lost = 0, resent = 0, waiting = 0, n_sacked = 0, pbufs = 0, end = 0;
    const struct tcp_seg *last = NULL, *queues[] = {pcb->unacked, pcb->unsent};
    for (int i = 0; i < 2; i++) {
        for (const struct tcp_seg *seg = queues[i]; seg; seg = seg->next) {
            uint32_t seq = lwip_ntohl(seg->tcphdr->seqno);
            assert(!last || seq == end);
            end = seq + TCP_TCPLEN(seg);
            last = seg;
            pbufs += pbuf_clen(seg->p);
            if (i == 0) {
                sacked += seg->fate & FATE_SACKED ? seg->len : 0;
                n_sacked += (seg->fate & FATE_SACKED) != 0;
                lost += seg->fate & FATE_LOST ? seg->len : 0;
                resent += seg->fate & FATE_RESENT ? seg->len : 0;
                waiting += (seg->fate & (FATE_LOST | FATE_RESENT)) == FATE_LOST;
                assert(!(seg->fate & FATE_RESENT) || seg->fate & FATE_LOST);
                assert(!(seg->fate & FATE_SACKED) || !(seg->fate & FATE_LOST));
            }
        }
    }
    assert(pbufs == pcb->snd_queuelen);
    assert(!pcb->unacked_last || !pcb->unacked_last->next);
    assert(!pcb->unsent_last || !pcb->unsent_last->next);
    assert(lost == s->lost && resent == s->resent && waiting == s->waiting);
    assert(!(pcb->flags & TF_SACK) || (sacked == s->sacked && n_sacked == s->n_sacked));
    assert(s->congestion.window > 0 || s->state == SENDER_RECOVERY);
    assert(pcb->rto > 0 && (pcb->persist_backoff == 0 || (pcb->unsent && !pcb->unacked)));
    assert(!pcb->unacked || pcb->rtime >= 0); /* a timeout will come */
}

static inline void sound_receiving(const struct stack_tcp *t)
{
    const struct tcp_pcb *pcb = t->pcb;
    uint32_t end = pcb->rcv_nxt, edge = pcb->rcv_nxt + pcb->rcv_wnd;
    for (const struct tcp_seg *seg = pcb->ooseq; seg; seg = seg->next) {
        assert(TCP_SEQ_GEQ(seg->tcphdr->seqno, end));
        assert(seg->p->tot_len == seg->len);
        end = seg->tcphdr->seqno + TCP_TCPLEN(seg);
        assert(TCP_SEQ_LEQ(end, edge));
        assert(!(TCPH_FLAGS(seg->tcphdr) & TCP_FIN) || !seg->next);
    }
}

static inline void sound_check(const struct stack *s)
{
    list_foreach(l, &s->conns) {
        const struct stack_tcp *t = list_item(l, struct stack_tcp, all);
        if (t->state == CONN_OPEN && t->pcb && t->pcb->state >= ESTABLISHED &&
            t->pcb->state != TIME_WAIT) {
            sound_sending(t);
            sound_receiving(t);
        }
    }
}

#endif
