/* SPDX-License-Identifier: MIT */
/* A router says that our segments are too large for it (RFC 8201, RFC 1191): that connection sends
 * smaller ones. lwIP would look the size up for each neighbour, of which a tunnel has none. */
#include "stack/conn.h"

enum { BLACK_HOLE_TRIES = 3 };

/* Below these no link of the family may go: RFC 8200 5, RFC 1122 3.3.3. A lie costs the liar's
 * connection no more. */
enum { MTU_MIN_V4 = 576, MTU_MIN_V6 = 1280, HEADERS_V4 = 40, HEADERS_V6 = 60 };

/* lwIP counts what is queued in 16 bits, and a FIN or the cut for a closed window may still follow. */
enum { QUEUE_MAX = UINT16_MAX - 256 };

/* As long as fits, but for a crumb: then equal ones. Or an MTU that falls byte by byte would leave more and
 * more of them. */
enum { CRUMB = 128 };

static uint16_t piece(uint16_t len, uint16_t mss)
{
    unsigned n = (len + mss - 1u) / mss, rest = len - (n - 1) * mss;
    return (uint16_t)(rest >= CRUMB ? mss : (len + n - 1) / n);
}

/* Cut every segment that is queued. Each cut leaves its rest behind the head of the queue, where
 * the walk finds it. False without memory, or with too many: what is left goes out too large once
 * more. */
static bool split_unsent(struct tcp_pcb *pcb, uint16_t mss)
{
    struct tcp_seg *head = pcb->unsent, *seg = head;
    for (; seg; seg = seg->next) {
        pcb->unsent = seg;
        if (seg->len > mss && (pcb->snd_queuelen > QUEUE_MAX ||
                               tcp_split_unsent_seg(pcb, piece(seg->len, mss)) != ERR_OK)) {
            break;
        }
    }
    pcb->unsent = head;
    pcb->unsent_last = NULL;
    return !seg;
}

static bool is_v6(const struct stack_tcp *t)
{
    return t->flow.key.remote.family == FAMILY_V6;
}

static void fit_into(struct stack_tcp *t, uint32_t mtu)
{
    struct tcp_pcb *pcb = t->pcb;
    uint32_t mss = mtu - (is_v6(t) ? HEADERS_V6 : HEADERS_V4);
    if (mss >= pcb->mss) {
        return;
    }
    tcp_rexmit_rto_prepare(pcb); /* what is in flight is lost: all of it is unsent again */
    if (split_unsent(pcb, (uint16_t)mss)) {
        pcb->mss = (u16_t)mss; /* lwIP wants no longer segments in the queue than that */
    }
    sender_start_over(t);
    sender_output(t);
}

void conn_lower_mtu(struct stack_tcp *t, uint32_t mtu)
{
    uint32_t least = is_v6(t) ? MTU_MIN_V6 : MTU_MIN_V4;
    fit_into(t, mtu > least ? mtu : least);
}

/* RFC 4821: where no router says that a packet is too large, silence has to. A mere outage looks the same; all it
 * costs is that this connection goes on with smaller segments. */
void conn_suspect_black_hole(struct stack_tcp *t)
{
    const struct tcp_pcb *pcb = t->pcb;
    if (t->state != CONN_OPEN || pcb->nrtx != BLACK_HOLE_TRIES) {
        return;
    }
    const struct tcp_seg *oldest = pcb->unacked ? pcb->unacked : pcb->unsent;
    if (oldest && oldest->len > MTU_MIN_V6 - HEADERS_V6) {
        conn_lower_mtu(t, MTU_MIN_V6);
    }
}

/* The largest packet that TCP shall make, here and on the other side. */
static uint16_t segment_mtu(const struct stack *s)
{
    return s->black_hole && s->segment_mtu > MTU_MIN_V6 ? MTU_MIN_V6 : s->segment_mtu;
}

uint16_t conn_mss(const struct stack *s, bool v6)
{
    return (uint16_t)(segment_mtu(s) - (v6 ? HEADERS_V6 : HEADERS_V4));
}

void conn_clamp_mss(struct stack_tcp *t)
{
    uint16_t mss = conn_mss(t->stack, is_v6(t));
    if (t->pcb->mss > mss) {
        t->pcb->mss = mss;
    }
}

uint16_t conn_whole_blocks(const struct stack *s, uint16_t mtu)
{
    uint16_t block = s->config.segment_block;
    return (uint16_t)(block > 1 ? mtu / block * block : mtu);
}

static void lower_segments(struct stack *s, uint16_t mtu)
{
    s->segment_mtu = conn_whole_blocks(s, mtu);
    list_foreach(l, &s->conns) {
        struct stack_tcp *t = list_item(l, struct stack_tcp, all);
        if (t->pcb && t->pcb->state >= ESTABLISHED && t->pcb->state != TIME_WAIT) {
            fit_into(t, mtu);
        }
    }
}

void stack_lower_mtu(struct stack *s, uint16_t mtu, struct now now)
{
    uint16_t least = stack_has_family(s, FAMILY_V6) ? MTU_MIN_V6 : MTU_MIN_V4;
    instance_enter_at(s, now);
    if (mtu < s->config.mtu) {
        s->config.mtu = mtu > least ? mtu : least;
        s->netif.mtu = s->config.mtu;
    }
    if (mtu < s->segment_mtu) {
        lower_segments(s, mtu > MTU_MIN_V4 ? mtu : MTU_MIN_V4);
    }
}
